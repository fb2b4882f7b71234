// Threads that append, read and maintain at once. Run under ThreadSanitizer.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "base/log.h"
#include "base/temp_dir.h"
#include "tsdb/db.h"

namespace strata::tsdb {
namespace {

constexpr TimestampMs kStart = 1'700'000'000'000;
constexpr int kTargets = 3;
constexpr int kRows = 600;
constexpr int kColumns = 20;

SeriesId column_of(Db& db, int target, int column) {
  return db
      .series({{kMetricName, "m"},
               {"target", std::to_string(target)},
               {"column", std::to_string(column)}})
      .value();
}

void append_rows(Db& db, int number) {
  const TargetId target = db.target(std::to_string(number));
  for (int row = 0; row < kRows; ++row) {
    // Columns come and go, but each scrape has one value throughout.
    std::vector<SeriesId> columns;
    for (int i = 0; i < kColumns - row % 3; ++i) columns.push_back(column_of(db, number, i));
    const std::vector<double> values(columns.size(), row);
    ASSERT_TRUE(db.append_scrape(target, kStart + row * 1000, columns, values));
  }
}

/// Every column that a scrape had shows as many rows: scrapes are seen whole.
void read_rows(const Db& db, int number, const std::atomic<bool>& stop) {
  const Matcher matcher = Matcher::equal("target", std::to_string(number));
  SampleColumns samples;
  size_t before = 0;
  while (!stop) {
    auto set = db.select({&matcher, 1}, {}, 0);
    ASSERT_TRUE(set);
    size_t rows = SIZE_MAX;
    for (size_t i = 0; i < (*set)->size(); ++i) {
      if (std::stoi(std::string((*set)->labels(i).get("column"))) >= kColumns - 2) continue;
      ASSERT_TRUE((*set)->read(i, {}, samples));
      if (rows == SIZE_MAX) rows = samples.size();
      ASSERT_EQ(samples.size(), rows);
    }
    if (rows == SIZE_MAX) continue;
    ASSERT_GE(rows, before) << "samples went away";
    before = rows;
  }
}

TEST(DbConcurrency, ScrapesAreSeenWholeWhileOthersAppendAndMaintain) {
  configure_logging(LogLevel::kError, LogFormat::kLogfmt);
  TempDir dir;
  ManualClock clock(kStart + kRows * 1000);
  Options options;
  options.path = dir.path();
  options.block_span = std::chrono::minutes(2);
  options.wal_segment_bytes = 16 << 10;
  options.retention_time = Millis(0);
  auto db = Db::open(options, real_fs(), clock).value();
  std::atomic<bool> stop = false;
  {
    std::vector<std::jthread> readers;
    for (int i = 0; i < kTargets; ++i) {
      readers.emplace_back([&, i] { read_rows(*db, i, stop); });
    }
    readers.emplace_back([&] {
      while (!stop) {
        clock.advance(Millis(100));
        db->maintain();
        (void)db->compact();
        (void)db->stats();
      }
    });
    readers.emplace_back([&] {
      for (int i = 0; !stop; ++i) {
        const SeriesId id =
            db->series({{kMetricName, "timed"}, {"i", std::to_string(i % 50)}}).value();
        const TimedSample sample{id, kStart + i, 1.0};
        ASSERT_TRUE(db->append_samples({&sample, 1}));
      }
    });
    std::vector<std::jthread> writers;
    for (int i = 0; i < kTargets; ++i) {
      writers.emplace_back([&, i] { append_rows(*db, i); });
    }
    writers.clear();
    stop = true;
  }
  const Matcher all = Matcher::equal(std::string(kMetricName), "m");
  auto set = db->select({&all, 1}, {}, 0).value();
  SampleColumns samples;
  size_t total = 0;
  for (size_t i = 0; i < set->size(); ++i) {
    ASSERT_TRUE(set->read(i, {}, samples));
    total += samples.size();
  }
  EXPECT_EQ(total, size_t{kTargets} * (kRows * kColumns - kRows));
}

}  // namespace
}  // namespace strata::tsdb
