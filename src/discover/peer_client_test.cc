#include "discover/peer_client.h"

#include <gtest/gtest.h>

#include "base/temp_dir.h"
#include "config/load.h"
#include "discover/network_for_test.h"
#include "net/basic_auth.h"

namespace strata::discover {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

void write_file(const std::string& path, std::string_view text) {
  const auto file = real_fs().create(path);
  ASSERT_TRUE(file);
  ASSERT_TRUE((*file)->append(text));
}

class PeerClientTest : public testing::Test {
 protected:
  /// A client from the HTTP keys of a scrape job, one a line.
  std::unique_ptr<PeerClient> client_of(std::string_view keys) {
    std::string text = "scrape_configs:\n- job_name: a\n";
    while (!keys.empty()) {
      const size_t end = std::min(keys.find('\n'), keys.size());
      text.append("  ").append(keys.substr(0, end)).append("\n");
      keys.remove_prefix(std::min(end + 1, keys.size()));
    }
    auto parsed = config::parse_config(text, dir_.file("c.yml"));
    EXPECT_TRUE(parsed) << parsed.error().message << text;
    if (!parsed) return nullptr;
    EXPECT_EQ(parsed->warnings, std::vector<std::string>{});
    return std::make_unique<PeerClient>(http_.fetch(), parsed->config.scrape_configs[0].http,
                                        real_fs(), clock_);
  }
  void fetch(PeerClient& client, std::stop_token stop = {}) {
    net::ClientRequest request{.url = "http://target/", .timeout = seconds(10), .stop = stop};
    client.prepare(request);
    client.fetch(std::move(request), [this](Result<net::ClientResponse> response) {
      answers_.push_back(response ? std::to_string(response->status) : response.error().message);
    });
  }
  const net::ClientRequest& sent() { return http_.waiting.front().sent; }
  std::string authorization() { return std::string(sent().headers.value("Authorization")); }
  void answer(int status, std::string body = "") { http_.answer(json_answer(body, status)); }
  void answer_token(std::string token, int expires_in) {
    answer(200, fmt::format(R"({{"access_token": "{}", "token_type": "bearer", "expires_in": {}}})",
                            token, expires_in));
  }

  TempDir dir_;
  ManualClock clock_;
  FakeHttp http_;
  std::vector<std::string> answers_;
};

using Strings = std::vector<std::string>;

TEST_F(PeerClientTest, SendsCredentialsOfEachKind) {
  write_file(dir_.file("secret"), "from file\n");
  const std::pair<std::string_view, std::string> cases[] = {
      {"basic_auth: {username: u, password: p}", net::basic_authorization("u:p")},
      {"basic_auth: {username_file: secret, password_file: secret}",
       net::basic_authorization("from file:from file")},
      {"authorization: {credentials: c}", "Bearer c"},
      {"authorization: {type: Token, credentials_file: secret}", "Token from file"},
      {"bearer_token: t", "Bearer t"},
      {"bearer_token_file: secret", "Bearer from file"}};
  for (const auto& [keys, header] : cases) {
    const auto client = client_of(keys);
    fetch(*client);
    EXPECT_EQ(authorization(), header) << keys;
    answer(200);
  }
}

TEST_F(PeerClientTest, AnUnreadableCredentialFailsTheRequest) {
  const auto client = client_of("bearer_token_file: none");
  fetch(*client);
  EXPECT_TRUE(http_.waiting.empty());
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_TRUE(answers_[0].starts_with("credentials: ")) << answers_[0];
}

TEST_F(PeerClientTest, SendsHeadersAndFollowsTheProxyKeys) {
  write_file(dir_.file("h"), "  three ");
  const auto client = client_of(
      "http_headers: {X-A: {values: [one], secrets: [two], files: [h]}}\n"
      "proxy_url: http://proxy:3128\n"
      "no_proxy: inside\n"
      "proxy_connect_header: {X-P: [s]}\n"
      "follow_redirects: false\n"
      "tls_config: {min_version: TLS13, server_name: n}");
  fetch(*client);
  Strings values;
  for (const auto [name, value] : sent().headers) {
    if (name == "X-A") values.emplace_back(value);
  }
  EXPECT_EQ(values, (Strings{"one", "two", "three"}));
  EXPECT_EQ(sent().proxy_url, "http://proxy:3128");
  EXPECT_EQ(sent().no_proxy, "inside");
  EXPECT_EQ(sent().proxy_connect_headers.value("X-P"), "s");
  EXPECT_FALSE(sent().follow_redirects);
  EXPECT_EQ(sent().tls.min_version, net::TlsVersion::kTls13);
  EXPECT_EQ(sent().tls.server_name, "n");
}

constexpr std::string_view kOAuth =
    "oauth2: {client_id: me, client_secret: 's/s', token_url: 'http://issuer/token', "
    "scopes: [a, b], endpoint_params: {audience: x}}";

TEST_F(PeerClientTest, OneTokenServesManyRequestsUntilItExpires) {
  const auto client = client_of(kOAuth);
  fetch(*client);
  fetch(*client);
  ASSERT_EQ(http_.urls, Strings{"http://issuer/token"});
  EXPECT_EQ(sent().method, "POST");
  EXPECT_EQ(authorization(), net::basic_authorization("me:s%2Fs"));
  EXPECT_EQ(sent().body, "grant_type=client_credentials&scope=a%20b&audience=x");
  answer_token("t1", 60);
  ASSERT_EQ(http_.waiting.size(), 2U) << "both go on";
  EXPECT_EQ(authorization(), "Bearer t1");
  answer(200);
  answer(200);

  clock_.advance(milliseconds(49'000));
  fetch(*client);
  EXPECT_EQ(authorization(), "Bearer t1");
  answer(200);
  clock_.advance(milliseconds(2'000));
  fetch(*client);
  EXPECT_EQ(http_.urls.back(), "http://issuer/token") << "in its last seconds it is not used";
  answer_token("t2", 60);
  EXPECT_EQ(authorization(), "Bearer t2");
  answer(200);
  EXPECT_EQ(answers_, (Strings{"200", "200", "200", "200"}));
}

TEST_F(PeerClientTest, WaitingForATokenCountsTowardsTheTimeout) {
  const auto client = client_of(kOAuth);
  fetch(*client);
  EXPECT_EQ(sent().timeout, seconds(10));
  clock_.advance(milliseconds(4'000));
  answer_token("t", 60);
  EXPECT_EQ(sent().timeout, seconds(6));
}

TEST_F(PeerClientTest, ASecretThatIsRefusedInTheHeaderIsSentInTheBody) {
  const auto client = client_of(kOAuth);
  fetch(*client);
  answer(401, R"({"error": "invalid_client"})");
  EXPECT_EQ(authorization(), "");
  EXPECT_TRUE(sent().body.ends_with("&client_id=me&client_secret=s%2Fs")) << sent().body;
  answer_token("t", 5);
  EXPECT_EQ(authorization(), "Bearer t");
  answer(200);
  fetch(*client);
  EXPECT_TRUE(sent().body.contains("client_secret")) << "remembered";
}

TEST_F(PeerClientTest, TheServersReasonIsInTheError) {
  const auto client = client_of(kOAuth);
  fetch(*client);
  answer(401, "");
  answer(400, R"({"error": "invalid_scope", "error_description": "no such scope"})");
  EXPECT_EQ(answers_, Strings{"oauth2 token from http://issuer/token: status 400 Bad Request: "
                              "invalid_scope: no such scope"});
}

TEST_F(PeerClientTest, ATokenThatAPeerRefusesIsNotUsedAgain) {
  const auto client = client_of(kOAuth);
  fetch(*client);
  answer_token("t1", 3600);
  answer(401);
  EXPECT_EQ(answers_, Strings{"401"});
  fetch(*client);
  EXPECT_EQ(http_.urls.back(), "http://issuer/token");
}

TEST_F(PeerClientTest, ARotatedSecretAsksAnew) {
  write_file(dir_.file("s"), "one");
  const auto client =
      client_of("oauth2: {client_id: me, client_secret_file: s, token_url: 'http://issuer/token'}");
  fetch(*client);
  EXPECT_EQ(authorization(), net::basic_authorization("me:one"));
  answer_token("t1", 3600);
  answer(200);
  write_file(dir_.file("s"), "two");
  fetch(*client);
  EXPECT_EQ(authorization(), net::basic_authorization("me:two"));
}

TEST_F(PeerClientTest, OneWhoGivesUpDoesNotTakeTheOthersAlong) {
  const auto client = client_of(kOAuth);
  std::stop_source stop;
  fetch(*client, stop.get_token());
  fetch(*client);
  stop.request_stop();
  http_.answer(fail(ErrorCode::kCanceled, "given up"));
  EXPECT_EQ(answers_, Strings{"oauth2 token: given up"});
  answer_token("t", 60);
  EXPECT_EQ(authorization(), "Bearer t");
}

}  // namespace
}  // namespace strata::discover
