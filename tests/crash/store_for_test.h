// A small store with every kind of file, and what is known of its samples: for the tests that
// damage it.
#pragma once
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "base/fault_fs.h"
#include "base/log.h"
#include "base/temp_dir.h"
#include "tsdb/db.h"

namespace strata::tsdb {

inline constexpr TimestampMs kStart = 1'700'006'400'000;  // a multiple of two hours
inline constexpr TimestampMs kStep = 15'000;
inline constexpr size_t kSeries = 5;

/// One target; row r is a scrape at time_of(r), whose value in series i is value_of(r, i).
class CrashTest : public testing::Test {
 protected:
  CrashTest() : fs_(real_fs()) {
    configure_logging(LogLevel::kError, LogFormat::kLogfmt);
    // Thousands of damages are thousands of lines. STRATA_TEST_LOG=1 shows them.
    if (std::getenv("STRATA_TEST_LOG") == nullptr) {
      stderr_ = ::dup(2);
      const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
      ::dup2(nowhere, 2);
      ::close(nowhere);
    }
    options_.path = dir_.file("store");
    options_.retention_time = Millis(0);
    options_.block_span = std::chrono::minutes(5);
    options_.cold_after = std::chrono::minutes(20);
    options_.wal_segment_bytes = 4000;
  }

  ~CrashTest() override {
    if (stderr_ < 0) return;
    ::dup2(stderr_, 2);
    ::close(stderr_);
  }

  static TimestampMs time_of(int row) { return kStart + row * kStep; }
  static double value_of(int row, size_t i) { return row + static_cast<double>(i) / 10; }

  Result<> open() {
    db_.reset();
    db_ = TRY(Db::open(options_, fs_, clock_));
    return {};
  }

  Result<> scrape(int row) {
    std::vector<SeriesId> columns;
    std::vector<double> values;
    for (size_t i = 0; i < kSeries; ++i) {
      columns.push_back(TRY(db_->series({{kMetricName, "m"}, {"i", std::to_string(i)}})));
      values.push_back(value_of(row, i));
    }
    if (time_of(row) > clock_.now_ms()) {
      clock_.advance(std::chrono::milliseconds(time_of(row) - clock_.now_ms()));
    }
    TRY(db_->append_scrape(db_->target("t"), time_of(row), columns, values));
    return {};
  }

  /// What is found: rows by series. Values are compared; no row may be there twice.
  Result<std::vector<std::vector<int>>> rows() const {
    std::vector<std::vector<int>> out(kSeries);
    const Matcher all = Matcher::equal(std::string(kMetricName), "m");
    const auto set = TRY(db_->select({&all, 1}, {}, 0));
    SampleColumns samples;
    for (size_t n = 0; n < set->size(); ++n) {
      TRY(set->read(n, {}, samples));
      const auto i = static_cast<size_t>(std::stoi(std::string(set->labels(n).get("i"))));
      for (size_t k = 0; k < samples.size(); ++k) {
        const auto row = static_cast<int>((samples.t[k] - kStart) / kStep);
        EXPECT_EQ(samples.t[k], time_of(row));
        EXPECT_EQ(samples.v[k], value_of(row, i));
        if (!out.at(i).empty()) EXPECT_LT(out[i].back(), row);
        out[i].push_back(row);
      }
    }
    return out;
  }

  size_t count() const {
    const auto found = rows();
    EXPECT_TRUE(found) << found.error().message;
    size_t n = 0;
    if (!found) return 0;
    for (const auto& series : *found) n += series.size();
    return n;
  }

  /// Rows 0 to `to`, with upkeep: blocks hot and cold, tiles, a log, pending deletions of nothing
  /// that is counted.
  void fill(int to) {
    ASSERT_TRUE(open());
    for (int row = 0; row < to; ++row) {
      ASSERT_TRUE(scrape(row));
      db_->maintain();
      if (row % 20 == 19) ASSERT_TRUE(db_->compact());
    }
    const SeriesId doomed = db_->series({{kMetricName, "doomed"}}).value();
    const TimedSample sample{doomed, clock_.now_ms(), 1};
    ASSERT_TRUE(db_->append_samples({&sample, 1}));
    const Matcher matcher = Matcher::equal(std::string(kMetricName), "doomed");
    ASSERT_TRUE(db_->delete_series({&matcher, 1}, {}));
  }

  TempDir dir_;
  FaultFs fs_;
  ManualClock clock_{kStart};
  Options options_;
  std::unique_ptr<Db> db_;

 private:
  int stderr_ = -1;
};

}  // namespace strata::tsdb
