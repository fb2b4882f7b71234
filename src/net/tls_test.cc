// TLS of server and client, with certificates made here by the openssl program; and curl, an
// independent client, against our server.
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>

#include "base/fs.h"
#include "base/temp_dir.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "net/peer_for_test.h"

namespace strata::net {
namespace {

/// Runs a shell command; its output, and its exit status in `status`.
std::string run(const std::string& command, int* status = nullptr) {
  std::string out;
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  char piece[4096];
  while (const size_t got = std::fread(piece, 1, sizeof piece, pipe)) out.append(piece, got);
  const int code = ::pclose(pipe);
  if (status != nullptr) *status = code;
  return out;
}

class TlsTest : public testing::Test {
 protected:
  void SetUp() override {
    int status = 0;
    run("openssl version", &status);
    if (status != 0) GTEST_SKIP() << "the openssl program is not installed";
    make("ca", "-x509 -addext basicConstraints=critical,CA:true", "/CN=test ca");
    sign("server", "/CN=server", "subjectAltName=DNS:localhost,IP:127.0.0.1");
    sign("client", "/CN=alice", "subjectAltName=DNS:alice");
    loop_.start();
  }
  void make(const std::string& name, const std::string& more, const std::string& subject) {
    int status = 0;
    const std::string out =
        run("openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 " + more +
                " -subj '" + subject + "' -keyout " + file(name + ".key") + " -out " +
                file(name + ".pem"),
            &status);
    ASSERT_EQ(status, 0) << out;
  }
  void sign(const std::string& name, const std::string& subject, const std::string& extension) {
    make(name, "", subject);
    std::rename(file(name + ".pem").c_str(), file(name + ".csr").c_str());
    int status = 0;
    const std::string out =
        run("echo " + extension + " > " + file("ext") + "; openssl x509 -req -days 2 -in " +
                file(name + ".csr") + " -CA " + file("ca.pem") + " -CAkey " + file("ca.key") +
                " -CAcreateserial -extfile " + file("ext") + " -out " + file(name + ".pem"),
            &status);
    ASSERT_EQ(status, 0) << out;
  }
  std::string file(const std::string& name) const { return dir_.file(name); }
  ServerTlsOptions server_tls() const {
    return {.cert_file = file("server.pem"), .key_file = file("server.key")};
  }
  void serve(ServerTlsOptions tls) {
    auto server = HttpServer::start(
        loop_, {.tls = std::move(tls)}, [](const std::shared_ptr<Exchange>& exchange) {
          exchange->respond(
              text_response(200, "hello " + exchange->request().tls_client_name +
                                     std::string(exchange->request().tls ? "!" : "")));
        });
    ASSERT_TRUE(server) << server.error().message;
    server_ = *std::move(server);
  }
  std::string url() const { return "https://" + server_->address(); }
  std::string outcome(TlsOptions tls, std::string to = {}) {
    const auto response =
        client_.fetch_sync({.url = to.empty() ? url() : std::move(to), .tls = std::move(tls)});
    return response ? response->body : response.error().message;
  }

  TempDir dir_;
  Loop loop_;
  HttpClient client_{loop_};
  std::unique_ptr<HttpServer> server_;
};

TEST_F(TlsTest, VerifiesTheServer) {
  serve(server_tls());
  EXPECT_EQ(outcome({.ca_file = file("ca.pem")}), "hello !");
  EXPECT_EQ(outcome({.ca_pem = *real_fs().read_file(file("ca.pem"))}), "hello !");
  EXPECT_EQ(outcome({.insecure_skip_verify = true}), "hello !");
  EXPECT_EQ(
      outcome({.ca_file = file("ca.pem")}, "https://localhost:" + std::to_string(server_->port())),
      "hello !");
  EXPECT_EQ(outcome({}),
            "TLS handshake: certificate of 127.0.0.1: unable to get local issuer certificate");
  EXPECT_EQ(outcome({.ca_file = file("ca.pem"), .server_name = "other"}),
            "TLS handshake: certificate of other: hostname mismatch");
  EXPECT_TRUE(outcome({.ca_file = file("none")}).contains("none"));
}

TEST_F(TlsTest, KeepsConnectionsApartByTheirOptions) {
  serve(server_tls());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(outcome({.ca_file = file("ca.pem")}), "hello !");
  EXPECT_EQ(client_.stats().connections, 1U);
  EXPECT_EQ(outcome({.insecure_skip_verify = true}), "hello !");
  EXPECT_EQ(client_.stats().connections, 2U);
}

TEST_F(TlsTest, VerifiesClients) {
  ServerTlsOptions tls = server_tls();
  tls.client_ca_file = file("ca.pem");
  tls.client_auth = ClientAuth::kRequireAndVerify;
  serve(tls);
  EXPECT_EQ(outcome({.ca_file = file("ca.pem"),
                     .cert_file = file("client.pem"),
                     .key_file = file("client.key")}),
            "hello alice!");
  EXPECT_TRUE(outcome({.ca_file = file("ca.pem")}).contains("certificate required"))
      << outcome({.ca_file = file("ca.pem")});
}

TEST_F(TlsTest, LetsInClientsByTheNamesOfTheirCertificates) {
  sign("many", "/CN=many",
       "subjectAltName=DNS:a.example,IP:10.1.2.3,IP:fd00::7,email:m@example,URI:spiffe://x/y");
  const auto with = [&](const std::string& name, ClientAuth auth,
                        std::vector<std::string> allowed) {
    ServerTlsOptions tls = server_tls();
    tls.client_ca_pem = *real_fs().read_file(file("ca.pem"));
    tls.client_auth = auth;
    tls.client_allowed_sans = std::move(allowed);
    serve(std::move(tls));
    return outcome({.ca_file = file("ca.pem"),
                    .cert_file = file(name + ".pem"),
                    .key_file = file(name + ".key")})
        .starts_with("hello");
  };
  constexpr auto kVerify = ClientAuth::kRequireAndVerify;
  EXPECT_TRUE(with("client", kVerify, {"bob", "alice"}));
  EXPECT_FALSE(with("client", kVerify, {"bob", "alic", "test ca"}));
  for (const char* name : {"a.example", "10.1.2.3", "fd00::7", "m@example", "spiffe://x/y"}) {
    EXPECT_TRUE(with("many", kVerify, {name})) << name;
  }
  EXPECT_FALSE(with("many", kVerify, {"many"}));  // the common name is no alternative name
  EXPECT_FALSE(with("ca", kVerify, {"alice"}));   // and a certificate may have none
  EXPECT_FALSE(with("client", ClientAuth::kRequireAny, {"bob"}));
  EXPECT_TRUE(with("client", ClientAuth::kRequireAny, {"alice"}));
  // A certificate that nobody verified does not tell who the client is.
  EXPECT_EQ(outcome({.ca_file = file("ca.pem"),
                     .cert_file = file("client.pem"),
                     .key_file = file("client.key")}),
            "hello !");
}

TEST_F(TlsTest, TakesInlineTextCiphersAndCurves) {
  ServerTlsOptions tls{.cert_pem = *real_fs().read_file(file("server.pem")),
                       .key_pem = *real_fs().read_file(file("server.key"))};
  tls.max_version = TlsVersion::kTls12;
  tls.cipher_suites = {"TLS_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"};
  tls.curves = {"CurveP384"};
  serve(tls);
  const std::string show = run("openssl s_client -connect " + server_->address() + " </dev/null");
  EXPECT_TRUE(show.contains("ECDHE-ECDSA-AES256-GCM-SHA384")) << show;
  EXPECT_TRUE(show.contains("Server Temp Key: ECDH, secp384r1") || show.contains("P-384")) << show;
  EXPECT_EQ(outcome({.ca_file = file("ca.pem")}), "hello !");

  tls.curves = {"CurveP999"};
  const auto refused = HttpServer::start(loop_, {.tls = tls}, [](auto&&) {});
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().message.contains("P-999")) << refused.error().message;
}

TEST_F(TlsTest, RefusesOldVersions) {
  ServerTlsOptions tls = server_tls();
  tls.min_version = TlsVersion::kTls13;
  serve(tls);
  EXPECT_TRUE(outcome({.ca_file = file("ca.pem"), .max_version = TlsVersion::kTls12})
                  .contains("protocol version"));
}

TEST_F(TlsTest, UnusableFilesAreNamed) {
  for (const auto& [cert, key, error] :
       std::initializer_list<std::tuple<std::string, std::string, std::string>>{
           {file("none.pem"), file("server.key"), "none.pem"},
           {file("server.key"), file("server.key"), "no usable certificate"},
           {file("server.pem"), file("client.key"), "does not belong to"},
       }) {
    const auto server = HttpServer::start(
        loop_, {.tls = ServerTlsOptions{.cert_file = cert, .key_file = key}}, [](auto&&) {});
    ASSERT_FALSE(server);
    EXPECT_EQ(server.error().code, ErrorCode::kBadData);
    EXPECT_TRUE(server.error().message.contains(error)) << server.error().message;
  }
}

TEST_F(TlsTest, PlainHttpToATlsPortAndBackAreErrors) {
  serve(server_tls());
  Peer peer = Peer::connect(server_->port());
  peer.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  peer.read_all();
  const ScriptedServer plain([](Peer& p, int) {
    p.read(1);
    p.send("HTTP/1.1 400 Bad Request\r\n\r\n");
  });
  EXPECT_TRUE(
      outcome({.insecure_skip_verify = true}, "https://127.0.0.1:" + std::to_string(plain.port()))
          .starts_with("TLS handshake: "));
}

TEST_F(TlsTest, CurlSpeaksWithUs) {
  int status = 0;
  run("curl --version", &status);
  if (status != 0) GTEST_SKIP() << "curl is not installed";
  serve(server_tls());
  EXPECT_EQ(run("curl -sS --compressed --cacert " + file("ca.pem") + " " + url(), &status),
            "hello !");
  EXPECT_EQ(status, 0);
  const auto plain = HttpServer::start(loop_, {}, [](const std::shared_ptr<Exchange>& exchange) {
    HttpResponse response = text_response(200, exchange->request().body + "\n");
    gzip_response(exchange->request(), response);
    exchange->respond(std::move(response));
  });
  ASSERT_TRUE(plain);
  const std::string to = " http://" + (*plain)->address();
  EXPECT_EQ(run("curl -sS -d body" + to + to), "body\nbody\n");
  const std::string large(2'000'000, 'x');
  ASSERT_TRUE((*real_fs().create(file("large")))->append(large));
  for (const char* how :
       {"", " -H 'Transfer-Encoding: chunked'", " -H 'Expect: 100-continue'", " --http1.0"}) {
    EXPECT_EQ(run("curl -sS --compressed --data-binary @" + file("large") + how + to), large + "\n")
        << how;
  }
}

}  // namespace
}  // namespace strata::net
