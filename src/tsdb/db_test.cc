#include "tsdb/db.h"

#include <gtest/gtest.h>

#include "base/temp_dir.h"

namespace strata::tsdb {
namespace {

constexpr TimestampMs kStart = 1'700'000'000'000;

Matcher named(std::string name) {
  return Matcher::equal(std::string(kMetricName), std::move(name));
}

Labels series_labels(std::string_view name, int i) {
  return {{kMetricName, name}, {"i", std::to_string(i)}};
}

/// "1@10 2@20", in seconds after kStart.
std::string show(const SampleColumns& samples) {
  std::string out;
  for (size_t i = 0; i < samples.size(); ++i) {
    out += fmt::format("{}{}@{}", i == 0 ? "" : " ", samples.v[i],
                       static_cast<double>(samples.t[i] - kStart) / 1000);
  }
  return out;
}

class DbTest : public testing::Test {
 protected:
  DbTest() { reopen(); }

  void reopen() {
    db_.reset();
    options_.path = dir_.path();
    auto opened = Db::open(options_, real_fs(), clock_);
    ASSERT_TRUE(opened) << opened.error().message;
    db_ = std::move(*opened);
  }

  SeriesId series(std::string_view name, int i = 0) { return *db_->series(series_labels(name, i)); }

  AppendStats scrape(double seconds, std::vector<SeriesId> columns, std::vector<double> values) {
    const auto t = kStart + static_cast<TimestampMs>(seconds * 1000);
    if (t > clock_.now_ms()) clock_.advance(Millis(t - clock_.now_ms()));
    auto stats = db_->append_scrape(db_->target("t"), t, columns, values);
    EXPECT_TRUE(stats) << stats.error().message;
    return stats.value_or(AppendStats{});
  }

  std::string query(std::string name, TimeRange range = {}) {
    auto set = db_->select(std::vector{named(std::move(name))}, range, 0);
    EXPECT_TRUE(set) << set.error().message;
    std::string out;
    SampleColumns samples;
    for (size_t i = 0; i < (*set)->size(); ++i) {
      EXPECT_TRUE((*set)->read(i, range, samples));
      if (samples.size() > 0) out += (out.empty() ? "" : " | ") + show(samples);
    }
    return out;
  }

  TempDir dir_;
  ManualClock clock_{kStart};
  Options options_;
  std::unique_ptr<Db> db_;
};

TEST_F(DbTest, AScrapeIsReadBack) {
  scrape(0, {series("a"), series("b")}, {1, 2});
  scrape(15, {series("a"), series("b")}, {3, 4});
  EXPECT_EQ(query("a"), "1@0 3@15");
  EXPECT_EQ(query("b"), "2@0 4@15");
  EXPECT_EQ(query("c"), "");
}

TEST_F(DbTest, ReopenedWithoutFlushNothingIsLost) {
  for (int i = 0; i < 100; ++i) scrape(i * 15, {series("a"), series("b")}, {i * 1.0, 0.5});
  const std::string before = query("a");
  reopen();
  EXPECT_EQ(query("a"), before);
  db_->maintain();
  EXPECT_EQ(query("a"), before);
  reopen();
  EXPECT_EQ(query("a"), before);
}

}  // namespace
}  // namespace strata::tsdb
