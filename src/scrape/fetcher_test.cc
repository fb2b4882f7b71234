// Fetching bodies over real HTTP on loopback.
#include "scrape/fetcher.h"

#include <gtest/gtest.h>

#include <future>

#include "net/http_server.h"

namespace strata::scrape {
namespace {

class FetcherTest : public testing::Test {
 protected:
  FetcherTest() { loop_.start(); }
  ~FetcherTest() override { client_.reset(); }

  /// A server of ours; its address.
  std::string serve(std::function<net::HttpResponse(const net::HttpRequest&)> answer) {
    servers_.push_back(
        *net::HttpServer::start(loop_, {}, [answer](std::shared_ptr<net::Exchange> exchange) {
          exchange->respond(answer(exchange->request()));
        }));
    return servers_.back()->address();
  }
  Result<Body> fetch(const std::string& address) {
    discover::Target target;
    target.url = "http://" + address + "/metrics";
    target.interval = target.timeout = Millis(10'000);
    if (!peer_) {
      peer_ = std::make_shared<discover::PeerClient>(
          [this](auto request, auto done) { client_->fetch(std::move(request), std::move(done)); },
          config_.http);
    }
    const auto fetcher =
        make_http_fetcher(peer_, std::make_shared<const config::ScrapeConfig>(config_), target);
    std::promise<Result<Body>> promise;
    fetcher->fetch({}, {}, [&](Result<Body> body) { promise.set_value(std::move(body)); });
    return promise.get_future().get();
  }
  static net::HttpResponse typed(std::string_view type, std::string body) {
    net::HttpResponse response;
    response.headers.set("Content-Type", type);
    response.body = std::move(body);
    return response;
  }

  net::Loop loop_;
  std::unique_ptr<net::HttpClient> client_ = std::make_unique<net::HttpClient>(loop_);
  std::vector<std::unique_ptr<net::HttpServer>> servers_;
  config::ScrapeConfig config_;
  std::shared_ptr<discover::PeerClient> peer_;
};

TEST_F(FetcherTest, TheContentTypeNamesTheFormat) {
  const auto body = fetch(
      serve([](auto&) { return typed("application/openmetrics-text; version=1.0.0", "# EOF\n"); }));
  ASSERT_TRUE(body) << body.error().message;
  EXPECT_EQ(body->format, wire::ExpositionFormat::kOpenMetrics);
  EXPECT_FALSE(body->is_protobuf);
  EXPECT_TRUE(fetch(serve([](auto&) {
                return typed("application/vnd.google.protobuf; encoding=delimited", "");
              }))->is_protobuf);
}

TEST_F(FetcherTest, WithoutOneTheFallbackDoes) {
  const std::string address = serve([](auto&) { return typed("", "a 1\n"); });
  EXPECT_FALSE(fetch(address));
  config_.fallback_scrape_protocol = config::ScrapeProtocol::kPrometheusText004;
  EXPECT_EQ(fetch(address)->format, wire::ExpositionFormat::kText);
  config_.fallback_scrape_protocol = config::ScrapeProtocol::kPrometheusProto;
  EXPECT_TRUE(fetch(address)->is_protobuf);
}

TEST_F(FetcherTest, AsksForProtobufWhereItIsListed) {
  config_.scrape_protocols = {config::ScrapeProtocol::kPrometheusProto,
                              config::ScrapeProtocol::kPrometheusText004};
  std::string accept;
  ASSERT_TRUE(fetch(serve([&](const net::HttpRequest& request) {
    accept = request.headers.value("Accept");
    return typed("text/plain", "");
  })));
  EXPECT_EQ(accept,
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
            "encoding=delimited;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.1");
}

TEST_F(FetcherTest, ATokenOpensTheTarget) {
  std::atomic<int> tokens = 0;
  const std::string issuer = serve([&](const net::HttpRequest& request) {
    EXPECT_EQ(request.method, "POST");
    return net::json_response(
        200, fmt::format(R"({{"access_token": "t{}", "token_type": "Bearer", "expires_in": 3600}})",
                         ++tokens));
  });
  const std::string target = serve([](const net::HttpRequest& request) {
    const bool known = request.headers.value("Authorization") == "Bearer t1";
    return known ? typed("text/plain", "a 1\n") : net::text_response(401, "who?");
  });
  config::OAuth2& oauth2 = config_.http.oauth2.emplace();
  oauth2.client_id = "me";
  oauth2.client_secret = config::Secret("s");
  oauth2.token_url = "http://" + issuer;
  for (int i = 0; i < 3; ++i) {
    const auto body = fetch(target);
    ASSERT_TRUE(body) << body.error().message;
    EXPECT_EQ(body->bytes, "a 1\n");
  }
  EXPECT_EQ(tokens, 1);
}

TEST_F(FetcherTest, AStatusOtherThan200Fails) {
  const auto body = fetch(serve([](auto&) { return net::text_response(503, "busy"); }));
  ASSERT_FALSE(body);
  EXPECT_EQ(body.error().message, "server returned HTTP status 503 Service Unavailable");
}

}  // namespace
}  // namespace strata::scrape
