#include "tsdb/log_cursor.h"

#include <gtest/gtest.h>

#include <random>

#include "base/log.h"
#include "base/temp_dir.h"

namespace strata::tsdb {
namespace {

constexpr TimestampMs kStart = 1'700'000'000'000;
using Point = std::tuple<std::string, TimestampMs, double>;

class LogCursorTest : public ::testing::Test {
 protected:
  void SetUp() override {
    configure_logging(LogLevel::kError, LogFormat::kLogfmt);
    open();
  }
  void open() {
    db_.reset();
    Options options;
    options.path = dir_.file("data");
    options.wal_segment_bytes = 4096;
    options.wal_sync = Millis(0);
    db_ = std::move(*Db::open(options, real_fs(), clock_));
    db_->keep_log(kept_from_, kept_bytes_);
  }

  // A scrape of each of a few targets; what was appended joins sent_.
  void scrape() {
    for (int target = 0; target < 3; ++target) {
      std::vector<SeriesId> columns;
      std::vector<double> values;
      for (int i = 0; i < 20; ++i) {
        const Labels labels{
            {"__name__", "m"}, {"t", std::to_string(target)}, {"i", std::to_string(i)}};
        columns.push_back(*db_->series(labels));
        values.push_back(std::uniform_int_distribution(0, 1000)(random_));
        appended_.emplace_back(labels.to_string(), clock_.now_ms(), values.back());
      }
      ASSERT_TRUE(db_->append_scrape(db_->target(std::to_string(target)), clock_.now_ms(), columns,
                                     values));
    }
    const Labels labels{{"__name__", "timed"}};
    const TimedSample timed{*db_->series(labels), clock_.now_ms() - 5, 1};
    ASSERT_TRUE(db_->append_samples({&timed, 1}));
    appended_.emplace_back(labels.to_string(), timed.t, timed.v);
    clock_.advance(std::chrono::seconds(5));
    db_->maintain();
  }

  void read(LogCursor& cursor) {
    std::vector<TimedSample> samples;
    std::vector<TimedHistogram> histograms;
    while (true) {
      const auto more = cursor.next(samples, histograms);
      ASSERT_TRUE(more) << more.error().message;
      if (!*more) break;
    }
    for (const auto& sample : samples) {
      read_.emplace_back(cursor.labels(sample.series).to_string(), sample.t, sample.v);
    }
  }
  std::unique_ptr<LogCursor> cursor(LogPosition at) { return db_->read_log(at.segment, at.offset); }

  uint64_t kept_bytes_on_disk() const {
    uint64_t bytes = 0;
    const auto entries = real_fs().list(dir_.file("data/wal-kept"));
    for (const auto& entry : entries.value_or(std::vector<DirEntry>{})) bytes += entry.size;
    return bytes;
  }

  TempDir dir_;
  ManualClock clock_{kStart};
  uint64_t kept_from_ = 0;
  uint64_t kept_bytes_ = UINT64_MAX;
  std::mt19937 random_{1};
  std::unique_ptr<Db> db_;
  std::vector<Point> appended_;
  std::vector<Point> read_;
};

TEST_F(LogCursorTest, WhatIsAppendedIsReadOnceAndInOrder) {
  auto reading = cursor({});
  for (int i = 0; i < 300; ++i) {
    scrape();
    if (i % 7 == 0) read(*reading);
  }
  read(*reading);
  EXPECT_EQ(read_, appended_);
  EXPECT_EQ(reading->skipped(), 0u);
  EXPECT_GT(reading->position().segment, 5u);
}

TEST_F(LogCursorTest, SegmentsThatTheStoreIsDoneWithAreKeptUntilTheyAreRead) {
  for (int i = 0; i < 300; ++i) scrape();
  EXPECT_GT(kept_bytes_on_disk(), 0u);
  auto reading = cursor({});
  read(*reading);
  EXPECT_EQ(read_, appended_);
  db_->keep_log(reading->position().segment, kept_bytes_);
  EXPECT_EQ(kept_bytes_on_disk(), 0u);
}

TEST_F(LogCursorTest, APositionMeansTheSameAfterARestart) {
  LogPosition at;
  for (int round = 0; round < 12; ++round) {
    for (int i = 0; i < 23; ++i) scrape();
    auto reading = cursor(at);
    read(*reading);
    EXPECT_EQ(read_.size(), appended_.size());
    for (int i = 0; i < 3; ++i) scrape();  // in the middle of a segment
    at = reading->position();
    kept_from_ = at.segment;
    reading.reset();
    open();
  }
  auto reading = cursor(at);
  read(*reading);
  EXPECT_EQ(read_, appended_);
}

TEST_F(LogCursorTest, BeyondTheBoundTheOldestIsLostAndSaidToBe) {
  kept_bytes_ = 16384;
  open();
  auto reading = cursor({});
  scrape();
  read(*reading);
  for (int i = 0; i < 600; ++i) scrape();
  EXPECT_LE(kept_bytes_on_disk(), kept_bytes_);
  read(*reading);
  EXPECT_GT(reading->skipped(), 0u);
  EXPECT_LT(read_.size(), appended_.size());
  EXPECT_TRUE(std::equal(read_.rbegin(), read_.rbegin() + 500, appended_.rbegin()));
}

TEST_F(LogCursorTest, FromTheEndOnlyWhatComesLaterIsRead) {
  for (int i = 0; i < 10; ++i) scrape();
  const auto [segment, offset] = db_->log_end();
  auto reading = cursor({segment, offset});
  appended_.clear();
  for (int i = 0; i < 10; ++i) scrape();
  read(*reading);
  EXPECT_EQ(read_, appended_);
}

TEST_F(LogCursorTest, NothingIsKeptUnlessAskedFor) {
  kept_from_ = UINT64_MAX;
  open();
  for (int i = 0; i < 300; ++i) scrape();
  EXPECT_FALSE(real_fs().exists(dir_.file("data/wal-kept")));
}

}  // namespace
}  // namespace strata::tsdb
