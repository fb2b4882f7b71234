#include "scrape/guard.h"

#include <gtest/gtest.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/temp_dir.h"
#include "scrape/distinct_estimate.h"
#include "scrape/target_ingest.h"

namespace strata::scrape {
namespace {

constexpr TimestampMs kStart = 1'700'000'000'000;
constexpr int64_t kIntervalMs = 15'000;

// Two targets of one job over one store; a test feeds them bodies.
class GuardTest : public ::testing::Test {
 protected:
  void SetUp() override {
    configure_logging(LogLevel::kError, LogFormat::kLogfmt);
    clock_.jump_to(kStart);
    tsdb::Options options;
    options.path = dir_.file("data");
    auto db = tsdb::Db::open(options, real_fs(), clock_);
    ASSERT_TRUE(db) << db.error().message;
    db_ = std::move(*db);
    config_.rules.new_values = 30;
    configure(config::GuardMode::kDrop);
  }

  void configure(config::GuardMode mode) {
    config_.rules.mode = mode;
    guard_.configure(config_);
  }

  TargetIngest& target(const std::string& host) {
    auto& ingest = targets_[host];
    if (!ingest) {
      auto scraped = std::make_shared<config::ScrapeConfig>();
      scraped->job_name = "test";
      discover::Target target;
      target.labels = Labels{{"job", "test"}, {"instance", host}};
      target.url = "http://" + host + "/metrics";
      target.interval = target.timeout = Millis(kIntervalMs);
      ingest = std::make_unique<TargetIngest>(*db_, metrics_, scraped, target, guard_.job("test"));
    }
    return *ingest;
  }

  void scrape(const std::string& host, std::string_view body, int64_t after_ms = kIntervalMs) {
    clock_.advance(std::chrono::milliseconds(after_ms));
    report_ = {};
    const auto stored =
        target(host).ingest(clock_.now_ms(), body, wire::ExpositionFormat::kText, report_);
    ASSERT_TRUE(stored) << stored.error().message;
  }

  // `count` series of `metric` with values of `label` that no body had before.
  std::string fresh(std::string_view metric, std::string_view label, int count) {
    std::string body;
    for (int i = 0; i < count; ++i) {
      body += fmt::format("{}{{{}=\"id-{}\"}} 1\n", metric, label, next_id_++);
    }
    return body;
  }

  size_t stored(std::string_view metric) {
    const std::vector<Matcher> matchers = {
        Matcher::equal(std::string(kMetricName), std::string(metric))};
    const auto set = db_->select(matchers, TimeRange(), 0);
    EXPECT_TRUE(set);
    return (*set)->size();
  }
  std::optional<double> last(std::string_view metric, std::string_view label,
                             std::string_view value) {
    const std::vector<Matcher> matchers = {
        Matcher::equal(std::string(kMetricName), std::string(metric)),
        Matcher::equal(std::string(label), std::string(value))};
    const auto set = db_->select(matchers, TimeRange(), 0);
    SampleColumns columns;
    if (!set || (*set)->size() != 1 || !(*set)->read(0, TimeRange(), columns)) return {};
    return columns.v.back();
  }
  LabelGrowth first() {
    const auto report = guard_.report(10);
    return report.labels.empty() ? LabelGrowth() : report.labels.front();
  }

  TempDir dir_;
  ManualClock clock_;
  metrics::Registry registry_;
  Metrics metrics_{registry_};
  std::unique_ptr<tsdb::Db> db_;
  config::GuardConfig config_;
  Guard guard_{registry_};
  std::map<std::string, std::unique_ptr<TargetIngest>> targets_;
  Report report_;
  int next_id_ = 0;
};

TEST_F(GuardTest, ALabelThatGetsNewValuesEveryScrapeIsFound) {
  scrape("a:1", "up_since 1\n");
  for (int i = 0; i < 10; ++i) scrape("a:1", "up_since 1\n" + fresh("r", "request_id", 20));
  // Found with the first value of the third round that brought new ones; then no more are stored.
  EXPECT_EQ(stored("r"), 41u);
  const auto growth = first();
  EXPECT_TRUE(growth.without_end);
  EXPECT_EQ(growth.metric, "r");
  EXPECT_EQ(growth.label, "request_id");
  ASSERT_EQ(growth.targets.size(), 1u);
  EXPECT_EQ(growth.targets[0].first, "http://a:1/metrics");
  EXPECT_EQ(growth.refused_series, 159u);
  EXPECT_EQ(growth.examples.size(), Guard::kMaxExamples);
  EXPECT_NE(registry_.text().find("strata_guard_samples_dropped_total{job=\"test\"} 159"),
            std::string::npos)
      << registry_.text();
}

TEST_F(GuardTest, EverythingElseKeepsFlowing) {
  const std::string others = "a{code=\"200\"} 1\na{code=\"500\"} 2\n";
  for (int i = 0; i < 10; ++i) scrape("a:1", others + fresh("r", "request_id", 20));
  scrape("a:1", others + "b 1\na{code=\"404\"} 1\n" + fresh("r", "request_id", 20));
  EXPECT_EQ(stored("a"), 3u);
  EXPECT_EQ(stored("b"), 1u);
}

TEST_F(GuardTest, AHistogramCountsAsOneMetric) {
  scrape("a:1", "x 1\n");
  for (int i = 0; i < 8; ++i) {
    std::string body;
    for (int k = 0; k < 12; ++k) {
      const auto id = next_id_++;
      for (const char* le : {"0.1", "1", "10", "+Inf"}) {
        body += fmt::format("h_bucket{{trace=\"t{}\",le=\"{}\"}} 1\n", id, le);
      }
      body += fmt::format("h_sum{{trace=\"t{0}\"}} 1\nh_count{{trace=\"t{0}\"}} 1\n", id);
    }
    scrape("a:1", body);
  }
  EXPECT_EQ(first().metric, "h");
  EXPECT_EQ(stored("h_count"), 30u);
  EXPECT_EQ(stored("h_bucket"), 4u * 30u);
}

TEST_F(GuardTest, WhatATargetHasFromTheBeginningIsNoGrowth) {
  scrape("a:1", fresh("r", "handler", 500));
  scrape("b:1", fresh("r", "handler", 500));
  EXPECT_EQ(stored("r"), 1000u);
  EXPECT_TRUE(guard_.report(10).labels.empty());
}

TEST_F(GuardTest, ADeploymentIsNoGrowth) {
  scrape("a:1", "x 1\n");
  scrape("a:1", fresh("r", "handler", 500));  // all at once
  scrape("a:1", "x 1\n");
  EXPECT_EQ(stored("r"), 500u);
  EXPECT_FALSE(first().without_end);
}

TEST_F(GuardTest, KnownValuesUnderANewLabelAreNoGrowth) {
  std::string before, after;
  for (int i = 0; i < 300; ++i) before += fmt::format("r{{handler=\"/{}\",code=\"200\"}} 1\n", i);
  scrape("a:1", before);
  for (int round = 0; round < 6; ++round) {
    for (int i = 50 * round; i < 50 * round + 50; ++i) {
      after += fmt::format("r{{handler=\"/{}\",code=\"500\"}} 1\n", i);
    }
    scrape("a:1", before + after);
  }
  EXPECT_EQ(stored("r"), 600u);
  EXPECT_FALSE(first().without_end);
}

TEST_F(GuardTest, LabelsOfTheTargetAndExemptOnesMayGrow) {
  config_.rules.exempt_labels = {"pod"};
  configure(config::GuardMode::kDrop);
  scrape("a:1", "x 1\n");
  for (int i = 0; i < 10; ++i) scrape("a:1", fresh("r", "pod", 20));
  EXPECT_EQ(stored("r"), 200u);
  for (int i = 0; i < 50; ++i) scrape(fmt::format("host-{}:1", i), "x 1\n");
  EXPECT_EQ(stored("x"), 51u);
  EXPECT_FALSE(first().without_end);
}

TEST_F(GuardTest, ReportsOnlyWhenAskedTo) {
  configure(config::GuardMode::kReport);
  scrape("a:1", "x 1\n");
  for (int i = 0; i < 10; ++i) scrape("a:1", fresh("r", "request_id", 20));
  EXPECT_EQ(stored("r"), 200u);
  EXPECT_TRUE(first().without_end);
  EXPECT_NEAR(static_cast<double>(first().values), 200, 40);
}

TEST_F(GuardTest, FoldsIntoOneSeriesThatIsTheirSum) {
  configure(config::GuardMode::kFold);
  scrape("a:1", "x 1\n");
  for (int i = 0; i < 6; ++i) scrape("a:1", fresh("r", "request_id", 20));
  EXPECT_EQ(stored("r"), 42u);
  EXPECT_EQ(last("r", "request_id", kFoldedValue), 20);
  // Lines that are known now add up too.
  const auto body = fresh("r", "request_id", 5);
  scrape("a:1", body);
  scrape("a:1", body);
  EXPECT_EQ(last("r", "request_id", kFoldedValue), 5);
  EXPECT_EQ(report_.scraped, 5u);
  EXPECT_EQ(report_.post_relabel, 1u);
}

TEST_F(GuardTest, ALabelThatStopsGrowingIsFreeAgain) {
  scrape("a:1", "x 1\n");
  for (int i = 0; i < 6; ++i) scrape("a:1", fresh("r", "request_id", 20));
  EXPECT_TRUE(first().without_end);
  const std::string late = fresh("r", "request_id", 1);
  for (int i = 0; i < 120; ++i) scrape("a:1", late);  // half an hour
  EXPECT_FALSE(first().without_end);
  EXPECT_EQ(stored("r"), 42u);  // the line that was dropped counts again
}

TEST_F(GuardTest, AJobHasItsNumberOfSeries) {
  config_.rules.max_series = 100;
  configure(config::GuardMode::kReport);
  scrape("a:1", fresh("r", "i", 90));
  const auto known = fresh("s", "i", 8);
  scrape("b:1", known + fresh("r", "i", 20));
  EXPECT_EQ(stored("r"), 92u);
  scrape("b:1", known);
  EXPECT_EQ(stored("s"), 8u);  // those that there are go on
  const auto jobs = guard_.report(10).jobs;
  ASSERT_EQ(jobs.size(), 1u);
  EXPECT_EQ(jobs[0].series, 100u);
  EXPECT_EQ(jobs[0].refused, 18u);
  EXPECT_NE(registry_.text().find("job=\"test\",reason=\"job_max_series\"} 18"), std::string::npos);
}

TEST_F(GuardTest, SeriesThatEndedCountUntilTheHeadIsCut) {
  config_.max_total_series = 3'000;
  configure(config::GuardMode::kOff);
  for (int i = 0; i < 8; ++i) scrape("a:1", fresh("r", "i", 1'000));
  EXPECT_EQ(stored("r"), 3'000u);
  clock_.advance(std::chrono::hours(4));
  for (int i = 0; i < 4; ++i) scrape("a:1", fresh("r", "i", 500));
  EXPECT_GT(stored("r"), 3'000u);
}

TEST_F(GuardTest, ANewConfigurationLooksAtAllLinesAnew) {
  scrape("a:1", "x 1\n");
  for (int i = 0; i < 6; ++i) scrape("a:1", fresh("r", "request_id", 20));
  const auto body = fresh("r", "request_id", 20);
  scrape("a:1", body);
  EXPECT_EQ(stored("r"), 41u);
  configure(config::GuardMode::kReport);
  scrape("a:1", body);
  EXPECT_EQ(stored("r"), 61u);
  EXPECT_EQ(guard_.report(10).jobs[0].series, 20u);
}

TEST(DistinctEstimate, IsWithinAFifth) {
  for (const uint64_t n : {10u, 100u, 1'000u, 100'000u}) {
    DistinctEstimate estimate;
    for (uint64_t i = 0; i < n; ++i) estimate.add(hash64(fmt::format("value-{}", i)));
    EXPECT_NEAR(static_cast<double>(estimate.count()), static_cast<double>(n),
                static_cast<double>(n) / 5);
  }
}

}  // namespace
}  // namespace strata::scrape
