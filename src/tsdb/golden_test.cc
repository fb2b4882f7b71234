// Files of every format version, kept in tests/data/formats as they were written: what is on a disk
// somewhere has to stay readable, and the pages of docs/formats have to stay true. A new version
// gets files of its own; these are never written again:
//   STRATA_WRITE_GOLDEN=1 build/dev/tsdb_test --gtest_filter='*Golden*'
// writes those that are missing.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "base/log.h"
#include "base/temp_dir.h"
#include "tsdb/db.h"

namespace strata::tsdb {
namespace {

namespace stdfs = std::filesystem;

const std::string kDir = "tests/data/formats/";
constexpr TimestampMs kStart = 1'700'006'400'000;  // a multiple of two hours
constexpr int kRows = 200;                         // a minute each: a block, tiles, and a log

TimestampMs time_of(int row) { return kStart + row * 60'000 + (row % 7 == 3 ? 12 : 0); }

struct Column {
  Labels labels;
  double (*value)(int row);
};

// One of each kind that the codec knows.
const std::vector<Column>& columns() {
  static const std::vector<Column> kColumns = {
      {{{kMetricName, "up"}}, [](int) { return 1.0; }},
      {{{kMetricName, "requests_total"}}, [](int r) { return r * 17.0 + r % 5; }},
      {{{kMetricName, "resets_total"}}, [](int r) { return (r % 60) * 3.0; }},
      {{{kMetricName, "temperature"}}, [](int r) { return (4000 + r * 37 % 113) / 100.0; }},
      {{{kMetricName, "usage_ratio"}}, [](int r) { return (r * 31 % 977) / 977.0; }},
      {{{kMetricName, "free_ratio"}}, [](int r) { return 1 - (r * 29 % 613) / 613.0; }},
      {{{kMetricName, "seconds_sum"}}, [](int r) { return std::sqrt(2.0) * r; }},
      {{{kMetricName, "rare_total"}}, [](int r) { return std::floor(r / 50.0); }},
      {{{kMetricName, "seconds_bucket"}, {"le", "0.1"}}, [](int r) { return r * 2.0; }},
      {{{kMetricName, "seconds_bucket"}, {"le", "1"}}, [](int r) { return r * 5.0 + r % 3; }},
      {{{kMetricName, "seconds_bucket"}, {"le", "+Inf"}}, [](int r) { return r * 6.0 + r % 3; }},
      {{{kMetricName, "odd"}},
       [](int r) {
         const double values[] = {std::bit_cast<double>(kStaleNanBits), -0.0, HUGE_VAL, 5e-324};
         return r % 40 < 4 ? values[r % 4] : 0.25 * r;
       }},
  };
  return kColumns;
}

Options options(const std::string& path) {
  return {.path = path, .retention_time = Millis(0), .cold_after = Millis(0)};
}

void write_store(const std::string& path) {
  ManualClock clock(kStart);
  const auto db = Db::open(options(path), real_fs(), clock).value();
  std::vector<SeriesId> ids;
  for (const Column& column : columns()) ids.push_back(db->series(column.labels).value());
  const SeriesId timed = db->series({{kMetricName, "timed"}}).value();
  const SeriesId deleted = db->series({{kMetricName, "deleted"}}).value();
  for (int row = 0; row < kRows; ++row) {
    clock.advance(std::chrono::milliseconds(time_of(row) - clock.now_ms()));
    std::vector<double> values;
    for (const Column& column : columns()) values.push_back(column.value(row));
    ASSERT_TRUE(db->append_scrape(db->target("job/instance"), time_of(row), ids, values));
    const TimedSample own[] = {{timed, time_of(row) - 1, row * 0.5}, {deleted, time_of(row), 1}};
    ASSERT_TRUE(db->append_samples(own));
    db->maintain();
  }
  const Matcher matcher = Matcher::equal(std::string(kMetricName), "deleted");
  ASSERT_TRUE(db->delete_series({&matcher, 1}, {}));
  ASSERT_TRUE(db->flush());
}

struct Kind {
  std::string golden;    // below kDir: the version that is written now
  std::string in_store;  // file or directory
};
const std::vector<Kind> kKinds = {{"series-v1", "series"},
                                  {"tombstones-v1", "tombstones"},
                                  {"tiles-v1", "tiles"},
                                  {"block-v1", "blocks"},
                                  {"wal-v2", "wal"}};

/// The tile that is kept for each version.
std::string golden_tile(bool cold) {
  std::vector<TimestampMs> times;
  std::vector<std::vector<double>> values(columns().size());
  for (int row = 0; row < kRows; ++row) times.push_back(time_of(row));
  std::vector<ColumnInput> inputs;
  for (size_t c = 0; c < values.size(); ++c) {
    for (int row = 0; row < kRows; ++row) values[c].push_back(columns()[c].value(row));
    inputs.push_back({values[c], nullptr, {}});
  }
  for (uint32_t bucket = 0; bucket < 3; ++bucket) inputs[8 + bucket].family = {1, bucket};
  std::string out;
  encode_tile(times, inputs, out, {.cold = cold});
  return out;
}

bool writing() { return std::getenv("STRATA_WRITE_GOLDEN") != nullptr; }

class Golden : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Logs, Golden, testing::Values("wal-v1", "wal-v2"),
                         [](const auto& log) { return log.param.substr(4); });

/// The other files have had one version.
TEST_P(Golden, AStoreOfEachVersionOfTheLog) {
  configure_logging(LogLevel::kWarn, LogFormat::kLogfmt);
  TempDir dir;
  if (writing()) {
    write_store(dir.file("new"));
    for (const auto& [golden, in_store] : kKinds) {
      if (stdfs::exists(kDir + golden)) continue;
      stdfs::create_directories(kDir);
      stdfs::copy(dir.file("new/" + in_store), kDir + golden, stdfs::copy_options::recursive);
    }
  }
  stdfs::create_directories(dir.file("store"));
  for (auto [golden, in_store] : kKinds) {
    if (in_store == "wal") golden = GetParam();
    ASSERT_TRUE(stdfs::exists(kDir + golden)) << golden << " is not in " << kDir;
    stdfs::copy(kDir + golden, dir.file("store/" + in_store), stdfs::copy_options::recursive);
  }
  ManualClock clock(time_of(kRows));
  const auto db = Db::open(options(dir.file("store")), real_fs(), clock).value();
  EXPECT_EQ(db->stats().damaged_records, 0u);
  EXPECT_EQ(db->stats().blocks.size(), 2u);  // a timed sample is in the window before
  EXPECT_GE(db->stats().sealed_tiles, 1u);
  EXPECT_GT(db->stats().replayed_samples, 0u);

  const Matcher any = Matcher::make(Matcher::Op::kRegex, std::string(kMetricName), ".+").value();
  const auto set = db->select({&any, 1}, {}, 0).value();
  EXPECT_EQ(set->size(), columns().size() + 1);
  for (size_t i = 0; i < set->size(); ++i) {
    SCOPED_TRACE(set->labels(i).to_string());
    SampleColumns samples;
    ASSERT_TRUE(set->read(i, {}, samples));
    ASSERT_EQ(samples.size(), static_cast<size_t>(kRows));
    const auto column = std::ranges::find(columns(), set->labels(i), &Column::labels);
    const bool timed = column == columns().end();
    for (int row = 0; row < kRows; ++row) {
      const auto k = static_cast<size_t>(row);
      ASSERT_EQ(samples.t[k], time_of(row) - (timed ? 1 : 0));
      const double expected = timed ? row * 0.5 : column->value(row);
      ASSERT_EQ(std::bit_cast<uint64_t>(samples.v[k]), std::bit_cast<uint64_t>(expected)) << row;
    }
  }
}

TEST(GoldenTile, OfEveryVersion) {
  for (const bool cold : {false, true}) {
    const std::string path = kDir + (cold ? "tile-v2" : "tile-v1");
    if (writing() && !stdfs::exists(path)) {
      ASSERT_TRUE(real_fs().create(path).value()->append(golden_tile(cold)));
    }
    const std::string bytes = real_fs().read_file(path).value();
    const auto tile = TileView::open(bytes);
    ASSERT_TRUE(tile) << tile.error().message;
    EXPECT_EQ(tile->cold(), cold);
    ASSERT_EQ(tile->columns(), columns().size());
    for (size_t c = 0; c < columns().size(); ++c) {
      SampleColumns samples;
      ASSERT_TRUE(tile->column(c, {}, samples));
      ASSERT_EQ(samples.size(), static_cast<size_t>(kRows));
      for (int row = 0; row < kRows; ++row) {
        const auto k = static_cast<size_t>(row);
        ASSERT_EQ(samples.t[k], time_of(row));
        ASSERT_EQ(std::bit_cast<uint64_t>(samples.v[k]),
                  std::bit_cast<uint64_t>(columns()[c].value(row)))
            << columns()[c].labels.to_string() << ", row " << row;
      }
    }
  }
}

}  // namespace
}  // namespace strata::tsdb
