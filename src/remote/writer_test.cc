#include "remote/writer.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/log.h"
#include "base/temp_dir.h"
#include "remote/receiver.h"

namespace strata::remote {
namespace {

constexpr TimestampMs kStart = 1'700'000'000'000;
using Point = std::tuple<std::string, TimestampMs, double>;

/// A target that answers as it is told to (0: nobody is there), then takes what comes.
class Target {
 public:
  void answer(const net::ClientRequest& request, net::HttpClient::Callback done) {
    const int status = next_status();
    if (status == 0) return done(fail(ErrorCode::kUnavailable, "nobody is there"));
    net::ClientResponse response{.status = status};
    response.headers.set("Retry-After", "0");
    if (status != 204) return done(response);
    const auto got =
        receiver_->write({.content_type = request.headers.value("Content-Type"),
                          .content_encoding = request.headers.value("Content-Encoding"),
                          .body = request.body});
    done(net::ClientResponse{.status = got.status, .body = got.message});
  }
  void plan(std::vector<int> statuses) {
    MutexLock lock(mutex_);
    plan_ = std::move(statuses);
  }
  void use(Receiver* receiver) { receiver_ = receiver; }
  bool planned() const {
    MutexLock lock(mutex_);
    return !plan_.empty();
  }

 private:
  int next_status() {
    MutexLock lock(mutex_);
    if (plan_.empty()) return 204;
    const int status = plan_.front();
    plan_.erase(plan_.begin());
    return status;
  }

  mutable Mutex mutex_;
  std::vector<int> plan_ GUARDED_BY(mutex_);
  Receiver* receiver_ = nullptr;
};

class WriterTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    configure_logging(LogLevel::kError, LogFormat::kLogfmt);
    there_ = open("there");
    here_ = open("here");
    receiver_ = std::make_unique<Receiver>(*there_, registry_);
    target_.use(receiver_.get());
    config_.url = "http://127.0.0.1:1/api/v1/write";
    config_.protobuf_message = GetParam();
    config_.send_native_histograms = true;
    config_.queue_config.max_samples_per_send = 25;
    config_.queue_config.batch_send_deadline = Millis(10);
    config_.queue_config.min_backoff = config_.queue_config.max_backoff = Millis(1);
  }
  std::unique_ptr<tsdb::Db> open(std::string_view name) {
    tsdb::Options options;
    options.path = dir_.file(name);
    options.wal_segment_bytes = 8192;
    auto db = std::move(*tsdb::Db::open(options, real_fs(), clock_));
    db->keep_log(0, UINT64_MAX);
    return db;
  }

  void scrape(int rounds = 1) {
    for (int round = 0; round < rounds; ++round) {
      std::vector<tsdb::SeriesId> columns;
      std::vector<double> values;
      for (int i = 0; i < 40; ++i) {
        columns.push_back(*here_->series({{"__name__", "m"}, {"i", std::to_string(i)}}));
        values.push_back(static_cast<double>(next_ * i % 97));
      }
      ASSERT_TRUE(here_->append_scrape(here_->target("t"), clock_.now_ms(), columns, values));
      ++next_;
      clock_.advance(std::chrono::seconds(5));
      here_->maintain();
    }
  }

  // Runs a writer until the target has `samples`, and answered what was planned.
  void deliver(size_t samples, Labels external = {}) {
    auto writer = Writer::open(
        {.db = *here_,
         .fetch = [this](auto request, auto done) { target_.answer(request, std::move(done)); },
         .fs = real_fs(),
         .clock = real_clock(),
         .metrics = metrics_,
         .families = [this] { return families_; },
         .progressed = [] {}},
        config_, std::move(external), dir_.path());
    ASSERT_TRUE(writer) << writer.error().message;
    std::jthread thread([&](std::stop_token stop) { (*writer)->run(std::move(stop)); });
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while ((stored().size() < samples || target_.planned()) &&
           std::chrono::steady_clock::now() < deadline) {
      std::this_thread::yield();
    }
    thread.request_stop();
    thread.join();
    EXPECT_EQ(stored().size(), samples);
  }
  std::vector<Point> stored() const { return points(*there_); }
  static std::vector<Point> points(const tsdb::Db& db, TimestampMs from = kMinTime) {
    const std::vector matchers{Matcher::equal(std::string(kMetricName), "m")};
    const auto set = db.select(matchers, {kMinTime, kMaxTime}, 0);
    std::vector<Point> out;
    SampleColumns columns;
    for (size_t i = 0; i < (*set)->size(); ++i) {
      EXPECT_TRUE((*set)->read(i, {from, kMaxTime}, columns));
      for (size_t k = 0; k < columns.size(); ++k) {
        out.emplace_back((*set)->labels(i).to_string(), columns.t[k], columns.v[k]);
      }
    }
    std::ranges::sort(out);
    return out;
  }

  TempDir dir_;
  ManualClock clock_{kStart};
  metrics::Registry registry_;
  WriteMetrics metrics_{registry_};
  std::unique_ptr<tsdb::Db> here_;
  std::unique_ptr<tsdb::Db> there_;
  std::unique_ptr<Receiver> receiver_;
  Target target_;
  config::RemoteWriteConfig config_;
  Families families_{{"m", {.type = MetricType::kGauge, .help = "Helps.", .unit = ""}}};
  int next_ = 1;
};

TEST_P(WriterTest, TheTargetHasWhatWasAppendedSinceItIsATarget) {
  scrape(2);  // before it was one
  deliver(0);
  scrape(50);
  deliver(50 * 40);
  EXPECT_EQ(stored(), points(*here_, kStart + 10'000));
  EXPECT_EQ(there_->stats().samples.repeated, 0u);
  EXPECT_EQ(receiver_->families().at("m").help, "Helps.");
}

TEST_P(WriterTest, ASecondWriterGoesOnWhereTheFirstOneEnded) {
  deliver(0);
  for (size_t round = 1; round < 6; ++round) {
    scrape(13);
    deliver(round * 13 * 40);
    if (round != 3) continue;
    here_.reset();
    here_ = open("here");
  }
  EXPECT_EQ(stored(), points(*here_));
  EXPECT_EQ(there_->stats().samples.repeated, 0u);
  EXPECT_EQ(there_->stats().samples.out_of_order, 0u);
}

TEST_P(WriterTest, WhatMayMendIsTriedAgainAndLosesNothing) {
  deliver(0);
  scrape(20);
  config_.queue_config.retry_on_http_429 = true;
  target_.plan({503, 0, 500, 0, 0, 429, 502, 204, 503, 0, 204});
  deliver(20 * 40);
  EXPECT_EQ(stored(), points(*here_));
  EXPECT_EQ(there_->stats().samples.out_of_order, 0u);
  EXPECT_GT(metrics_.target("", config_.url).retried.value(), 0u);
}

TEST_P(WriterTest, WhatTheTargetNeverTakesIsCountedAndLeftBehind) {
  config_.queue_config.max_samples_per_send = 1000;
  config_.metadata_config.send = false;
  deliver(0);
  scrape(1);
  target_.plan({400});
  deliver(0);
  EXPECT_EQ(metrics_.target("", config_.url).failed.value(), 40u);
  scrape(1);
  deliver(40);
}

TEST_P(WriterTest, LabelsAreRelabelledAndGetTheExternalOnes) {
  config::RelabelConfig drop;
  drop.source_labels = {"i"};
  drop.regex = *Regex::compile("[1-9].*");
  drop.action = config::RelabelAction::kDrop;
  config_.write_relabel_configs = {drop};
  deliver(0);
  scrape(3);
  deliver(3, {{"site", "north"}, {"i", "not this"}});
  EXPECT_EQ(std::get<0>(stored()[0]), R"(m{i="0", site="north"})");
}

INSTANTIATE_TEST_SUITE_P(Versions, WriterTest,
                         ::testing::Values("prometheus.WriteRequest",
                                           "io.prometheus.write.v2.Request"),
                         [](const auto& version) {
                           return version.param.starts_with("io") ? "v2" : "v1";
                         });

}  // namespace
}  // namespace strata::remote
