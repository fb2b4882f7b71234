// For tests: the API behind a real HTTP server on loopback, over a small real store. Time stands
// still at kNow unless a test moves it.
#pragma once
#include <gtest/gtest.h>

#include "api/api.h"
#include "base/log.h"
#include "base/temp_dir.h"
#include "net/http_client.h"
#include "net/loop.h"

namespace strata::api {

inline constexpr TimestampMs kNow = 1'700'000'000'000;

class ApiTest : public ::testing::Test {
 protected:
  void SetUp() override {
    configure_logging(LogLevel::kError, LogFormat::kLogfmt);
    tsdb::Options options;
    options.path = dir_.file("data");
    db_ = std::move(*tsdb::Db::open(options, real_fs(), clock_));
    add({{"__name__", "up"}, {"job", "a"}, {"instance", "x"}}, {1, 1, 0, 1});
    add({{"__name__", "up"}, {"job", "b"}, {"instance", "y"}}, {0, 0, 0, 0});
    add({{"__name__", "http_requests_total"}, {"code", "200"}}, {0, 30, 60, 90});
    add({{"__name__", "my.metric"}, {"a.b", "c\"\n"}}, {1.5});
    loop_.start();
    client_ = std::make_unique<net::HttpClient>(loop_);
    scrape_ = std::make_unique<scrape::Manager>(scrape::ManagerDeps{.db = *db_,
                                                                    .loop = loop_,
                                                                    .client = *client_,
                                                                    .work = *work_,
                                                                    .collect = *work_,
                                                                    .clock = clock_,
                                                                    .metrics = registry_,
                                                                    .sources = {}});
  }
  void TearDown() override {
    if (server_) server_->stop(std::chrono::seconds(10));
    scrape_->stop();
    work_.reset();
    server_.reset();
    client_.reset();
    loop_.stop();
  }

  // Values 15 s apart, the last one at kNow.
  void add(const Labels& labels, std::initializer_list<double> values) {
    const auto id = db_->series(labels);
    ASSERT_TRUE(id);
    std::vector<tsdb::TimedSample> samples;
    auto t = kNow - 15'000 * static_cast<int64_t>(values.size() - 1);
    for (const double v : values) {
      samples.push_back({*id, t, v});
      t += 15'000;
    }
    ASSERT_TRUE(db_->append_samples(samples));
  }

  // A job whose targets are never due.
  void add_job(config::ScrapeConfig config, const std::vector<std::string>& addresses) {
    config.scrape_interval = std::chrono::hours(24 * 365);
    discover::TargetGroup group{.source = "static/0", .labels = {}, .targets = {}};
    for (const auto& address : addresses) group.targets.push_back({{"__address__", address}});
    scrape_->set_job(config.job_name, std::make_shared<config::ScrapeConfig>(config),
                     std::span(&group, 1));
  }

  Services services() {
    return {
        .source = *db_,
        .engine = engine_,
        .db = *db_,
        .scrape = *scrape_,
        .metrics = registry_,
        .pool = *work_,
        .clock = clock_,
        .started_at = kNow,
        .own_exposition = [this](std::string& out, metrics::Format) { out += exposition_; },
        .config_yaml = [] { return "global: {}\n"; },
        .flags = [] { return std::vector<std::pair<std::string, std::string>>{{"a.flag", "1"}}; },
        .reload = []() -> Result<> { return bad_data("no"); },
        .last_reload = [this] { return ReloadStatus{reloaded_, kNow}; },
        .ready = [] { return true; },
        .external_labels = [] { return Labels{{"dc", "north"}, {"job", "never"}}; },
        .quit = [this] { quits_ = true; },
        .storage_retention = "15d"};
  }
  void serve(Services services, const config::WebConfig& web = {}) {
    api_ = std::make_unique<Api>(std::move(services));
    api_->set_web(web);
    auto server = net::HttpServer::start(
        loop_, {}, [this](std::shared_ptr<net::Exchange> exchange) { api_->handle(exchange); });
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
  }

  net::ClientResponse ask(std::string_view target, std::string method = "GET",
                          net::Headers headers = {}, std::string body = {}) {
    if (!server_) serve(services());
    auto response =
        client_->fetch_sync({.method = std::move(method),
                             .url = fmt::format("http://{}{}", server_->address(), target),
                             .headers = std::move(headers),
                             .body = std::move(body)});
    EXPECT_TRUE(response) << response.error().message;
    return response.value_or(net::ClientResponse{});
  }
  std::string body(std::string_view target) { return ask(target).body; }

  TempDir dir_;
  ManualClock clock_{kNow};
  metrics::Registry registry_;
  std::unique_ptr<ThreadPool> work_ = std::make_unique<ThreadPool>("work", 3);
  net::Loop loop_{"net"};
  std::unique_ptr<tsdb::Db> db_;
  std::unique_ptr<net::HttpClient> client_;
  std::unique_ptr<scrape::Manager> scrape_;
  promql::Engine engine_{{}, nullptr, clock_};
  std::unique_ptr<Api> api_;
  std::unique_ptr<net::HttpServer> server_;
  std::string exposition_;
  bool reloaded_ = true;
  std::atomic<bool> quits_ = false;
};

}  // namespace strata::api
