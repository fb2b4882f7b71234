// The cache of results over a real store, to which samples come in order, late, and not at all.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "base/temp_dir.h"
#include "promql/engine.h"
#include "tsdb/db.h"

namespace strata::api {
namespace {

class MovableClock final : public Clock {
 public:
  TimestampMs now_ms() const override { return now; }
  std::chrono::nanoseconds steady() const override { return std::chrono::milliseconds(now); }
  TimestampMs now = 1'700'000'000'000;
};

class CacheOverStore : public ::testing::Test {
 protected:
  void SetUp() override {
    tsdb::Options options;
    options.path = dir_.file("data");
    options.block_span = std::chrono::minutes(20);
    options.retention_time = std::chrono::minutes(70);
    options.out_of_order_window = std::chrono::minutes(10);
    db_ = std::move(*tsdb::Db::open(options, real_fs(), clock_));
    target_ = db_->target("t");
    for (int i = 0; i < 5; ++i) {
      series_.push_back(*db_->series({{"__name__", "requests_total"}, {"i", std::to_string(i)}}));
    }
  }

  void scrape() {
    std::vector<double> values;
    for (double& total : totals_) values.push_back(total += static_cast<double>(below(100)));
    ASSERT_TRUE(db_->append_scrape(target_, clock_.now, series_, values));
  }
  void late() {
    const TimestampMs t = clock_.now - 1 - below(600'000);
    const double v = static_cast<double>(below(1000));
    ASSERT_TRUE(db_->append_samples(
        std::vector<tsdb::TimedSample>{{series_[static_cast<size_t>(below(5))], t, v}}));
  }
  void erase() {
    const TimestampMs from = clock_.now - below(5'400'000);
    const Matcher one = Matcher::equal("i", std::to_string(below(5)));
    ASSERT_TRUE(db_->delete_series({&one, 1}, {from, from + below(300'000)}));
  }
  int64_t below(int64_t n) { return static_cast<int64_t>(random_() % static_cast<uint64_t>(n)); }

  MovableClock clock_;
  TempDir dir_;
  std::unique_ptr<tsdb::Db> db_;
  tsdb::TargetId target_{};
  std::vector<tsdb::SeriesId> series_;
  std::vector<double> totals_ = std::vector<double>(5);
  std::mt19937_64 random_{11};
};

TEST_F(CacheOverStore, AnswersAsWithoutIt) {
  promql::EngineOptions options;
  options.result_cache_bytes = 1 << 20;
  const promql::Engine cached(options);
  const promql::Engine plain;
  const std::string_view queries[] = {"sum(rate(requests_total[2m]))", "requests_total",
                                      "max_over_time(requests_total[1h])"};
  for (int round = 0; round < 500; ++round) {
    clock_.now += 15'000;
    scrape();
    if (below(3) == 0) late();
    if (below(20) == 0) erase();
    db_->maintain();
    const TimestampMs end = clock_.now / 30'000 * 30'000;
    const auto query = queries[below(3)];
    const TimestampMs start = end - 5'400'000;
    const auto got = cached.range(*db_, query, start, end, Millis(30'000));
    const auto wanted = plain.range(*db_, query, start, end, Millis(30'000));
    ASSERT_TRUE(got && wanted);
    const auto& a = std::get<Matrix>(got->value);
    const auto& b = std::get<Matrix>(wanted->value);
    ASSERT_EQ(a.size(), b.size());
    for (size_t i = 0; i < a.size(); ++i) {
      ASSERT_EQ(a[i].metric, b[i].metric);
      ASSERT_EQ(a[i].points.size(), b[i].points.size()) << query << " in round " << round;
      for (size_t k = 0; k < a[i].points.size(); ++k) {
        ASSERT_EQ(a[i].points[k].t, b[i].points[k].t);
        ASSERT_NEAR(a[i].points[k].v, b[i].points[k].v, 1e-9 * std::abs(b[i].points[k].v));
      }
    }
  }
  EXPECT_GT(db_->stats().blocks_expired, 0U);
  EXPECT_GT(db_->stats().samples.out_of_order, 5U);
  EXPECT_GT(cached.result_cache().hits, 200U);
}

}  // namespace
}  // namespace strata::api
