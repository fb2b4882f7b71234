#include "probe/prober.h"

#include <gtest/gtest.h>

#include <future>

#include "base/log.h"
#include "net/http_server.h"

namespace strata::probe {
namespace {

// A prober over real clients, and a peer that answers as a test says, on loopback.
class ProberTest : public ::testing::Test {
 protected:
  void SetUp() override {
    configure_logging(LogLevel::kError, LogFormat::kLogfmt);
    loop_.start();
    http_ = std::make_unique<net::HttpClient>(loop_);
    tcp_ = std::make_unique<net::TcpClient>(loop_);
    prober_ =
        std::make_unique<Prober>(ProberDeps{*http_, *tcp_, real_fs(), real_clock(), registry_});
    auto server = net::HttpServer::start(loop_, {}, [this](std::shared_ptr<net::Exchange> e) {
      if (e->request().path == "/hang") {
        held_.push_back(std::move(e));
      } else {
        bodies_.push_back(e->take_body());
        auto answer = answers_[e->request().path];
        e->respond(std::move(answer));
      }
    });
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
    answers_["/"] = net::text_response(200, "all is well");
    answers_["/away"] = net::text_response(503, "not now");
    answers_["/moved"] = net::text_response(302, "");
    answers_["/moved"].headers.set("Location", "/");
  }
  void TearDown() override {
    tcp_.reset();
    http_.reset();
    loop_.post([this] { held_.clear(); });
    server_->stop(std::chrono::milliseconds(0));
    server_.reset();
    loop_.stop();
  }

  void configure(config::ProbeModule module) { prober_->configure(std::span(&module, 1)); }
  static config::ProbeModule http_module() {
    config::ProbeModule module;
    module.name = "http_2xx";
    module.prober = config::ProbeKind::kHttp;
    return module;
  }

  net::HttpResponse ask(std::string query, std::string scrape_timeout = "10") {
    net::HttpRequest request;
    request.path = "/probe";
    request.query = std::move(query);
    request.headers.set("X-Prometheus-Scrape-Timeout-Seconds", scrape_timeout);
    std::promise<net::HttpResponse> promise;
    prober_->answer(request, {}, [&](auto response) { promise.set_value(std::move(response)); });
    return promise.get_future().get();
  }
  std::string probe(std::string_view path, std::string_view timeout = "10") {
    return ask(fmt::format("target={}{}", server_->address(), path), std::string(timeout)).body;
  }
  static bool says(std::string_view text, std::string_view line) {
    return text.find(std::string(line) + "\n") != std::string_view::npos;
  }

  metrics::Registry registry_;
  net::Loop loop_;
  std::unique_ptr<net::HttpClient> http_;
  std::unique_ptr<net::TcpClient> tcp_;
  std::unique_ptr<Prober> prober_;
  std::map<std::string, net::HttpResponse> answers_;
  std::vector<std::string> bodies_;
  std::vector<std::shared_ptr<net::Exchange>> held_;
  std::unique_ptr<net::HttpServer> server_;
};

TEST_F(ProberTest, WithoutAModuleThereIsNoProbe) {
  EXPECT_EQ(ask("target=127.0.0.1:1").status, 400);
  configure(http_module());
  EXPECT_EQ(ask("module=other&target=127.0.0.1:1").status, 400);
  EXPECT_EQ(ask("module=http_2xx").status, 400);
  EXPECT_EQ(ask("target=127.0.0.1:1").status, 200);
}

TEST_F(ProberTest, OnlyAllowedTargetsAreProbed) {
  auto module = http_module();
  module.allowed_targets = {*Regex::compile("http://good\\.invalid(/.*)?")};
  configure(module);
  for (const auto* target : {"http://evil.invalid", "http://good.invalid.evil.invalid",
                             "http://good.invalid@evil.invalid", "evil/http://good.invalid"}) {
    EXPECT_EQ(ask(fmt::format("target={}", target)).status, 400) << target;
  }
  EXPECT_EQ(ask("target=http://good.invalid/x").status, 200);
}

TEST_F(ProberTest, SaysWhatBlackboxExporterSaysOfAnHttpTarget) {
  configure(http_module());
  const auto text = probe("/");
  for (const auto* line :
       {"probe_success 1", "probe_http_status_code 200", "probe_http_version 1.1",
        "probe_http_content_length 11", "probe_http_uncompressed_body_length 11",
        "probe_http_redirects 0", "probe_http_ssl 0", "probe_ip_protocol 4",
        "probe_failed_due_to_regex 0"}) {
    EXPECT_TRUE(says(text, line)) << line << " in\n" << text;
  }
  for (const auto* phase : {"resolve", "connect", "tls", "processing", "transfer"}) {
    EXPECT_NE(text.find(fmt::format("probe_http_duration_seconds{{phase=\"{}\"}}", phase)),
              std::string::npos);
  }
  EXPECT_TRUE(says(probe("/moved"), "probe_http_redirects 1"));
}

TEST_F(ProberTest, AProbeThatFailsSaysWhy) {
  configure(http_module());
  const auto away = probe("/away");
  EXPECT_TRUE(says(away, "probe_success 0"));
  EXPECT_TRUE(says(away, "probe_http_status_code 503"));
  EXPECT_TRUE(says(away, "# failed: the status is 503"));
  const auto gone = ask("target=127.0.0.1:1").body;
  EXPECT_TRUE(says(gone, "probe_success 0"));
  EXPECT_TRUE(says(gone, "probe_http_status_code 0"));
}

TEST_F(ProberTest, ConditionsOnStatusBodyAndHeaders) {
  auto module = http_module();
  module.http.valid_status_codes = {503};
  configure(module);
  EXPECT_TRUE(says(probe("/away"), "probe_success 1"));
  EXPECT_TRUE(says(probe("/"), "probe_success 0"));

  module = http_module();
  module.http.fail_if_body_not_matches_regexp = {*Regex::compile("is w.ll")};
  configure(module);
  EXPECT_TRUE(says(probe("/"), "probe_success 1"));
  module.http.fail_if_body_matches_regexp = {*Regex::compile("^all")};
  configure(module);
  const auto text = probe("/");
  EXPECT_TRUE(says(text, "probe_success 0"));
  EXPECT_TRUE(says(text, "probe_failed_due_to_regex 1"));

  module = http_module();
  module.http.fail_if_header_not_matches = {
      {.header = "Content-Type", .regexp = *Regex::compile("json")}};
  configure(module);
  EXPECT_TRUE(says(probe("/"), "probe_success 0"));
}

TEST_F(ProberTest, EndsBeforeTheScrapeDoes) {
  configure(http_module());
  const auto text = probe("/hang", "0.4");
  EXPECT_TRUE(says(text, "probe_success 0"));
  EXPECT_NE(text.find("# failed: timeout after 200ms"), std::string::npos) << text;
}

TEST_F(ProberTest, ATcpTargetAnswersOrNot) {
  config::ProbeModule module;
  module.name = "tcp";
  module.prober = config::ProbeKind::kTcp;
  configure(module);
  EXPECT_TRUE(says(ask("module=tcp&target=" + server_->address()).body, "probe_success 1"));
  EXPECT_TRUE(says(ask("module=tcp&target=127.0.0.1:1").body, "probe_success 0"));
  EXPECT_TRUE(says(ask("module=tcp&target=nonsense").body, "# failed: a TCP target is host:port"));

  module.tcp.query_response = {{.expect = "", .send = "GET / HTTP/1.0\r\n\r"},
                               {.expect = "^HTTP/1.. 200", .send = ""}};
  configure(module);
  EXPECT_TRUE(says(ask("module=tcp&target=" + server_->address()).body, "probe_success 1"));
  module.tcp.query_response[1].expect = "SSH";
  configure(module);
  const auto text = ask("module=tcp&target=" + server_->address()).body;
  EXPECT_TRUE(says(text, "probe_success 0"));
  EXPECT_TRUE(says(text, "probe_failed_due_to_regex 1"));
}

TEST_F(ProberTest, ACanaryGetsOneToken) {
  config::ProbeModule module;
  module.name = "canary";
  module.prober = config::ProbeKind::kCanary;
  configure(module);
  answers_["/v1/models"] = net::json_response(200, R"({"data":[{"id":"m-7b"},{"id":"other"}]})");
  answers_["/v1/chat/completions"] = net::json_response(
      200, R"({"model":"m-7b","choices":[{"message":{"content":"p"}}],)"
           R"("usage":{"prompt_tokens":9,"completion_tokens":1,"total_tokens":10}})");
  const auto text = ask("module=canary&target=" + server_->address()).body;
  for (const auto* line :
       {"probe_success 1", "probe_canary_prompt_tokens 9", "probe_canary_completion_tokens 1",
        R"(probe_canary_info{model="m-7b"} 1)"}) {
    EXPECT_TRUE(says(text, line)) << line << " in\n" << text;
  }
  EXPECT_NE(text.find("probe_canary_time_to_first_byte_seconds"), std::string::npos);
  EXPECT_EQ(bodies_.back(), R"({"model":"m-7b","messages":[{"role":"user","content":"ping"}],)"
                            R"("max_tokens":1,"temperature":0})");
  answers_["/v1/chat/completions"] = net::json_response(200, R"({"choices":[]})");
  EXPECT_TRUE(says(ask("module=canary&target=" + server_->address()).body, "probe_success 0"));
}

TEST_F(ProberTest, AHungEngineFailsItsCanary) {
  config::ProbeModule module;
  module.name = "canary";
  module.prober = config::ProbeKind::kCanary;
  module.timeout = Millis(150);
  module.canary.path = "/hang";
  module.canary.model = "m";
  configure(module);
  const auto text = ask("module=canary&target=" + server_->address()).body;
  EXPECT_TRUE(says(text, "probe_success 0"));
  EXPECT_TRUE(says(text, "probe_http_status_code 0"));
}

}  // namespace
}  // namespace strata::probe
