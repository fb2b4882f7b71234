// What is left when files are damaged, torn, missing, or cannot be written.
#include <gtest/gtest.h>

#include <random>

#include "base/fault_fs.h"
#include "base/log.h"
#include "base/temp_dir.h"
#include "tsdb/db.h"

namespace strata::tsdb {
namespace {

constexpr TimestampMs kStart = 1'700'000'000'000;
constexpr size_t kColumns = 5;

class DbDamage : public testing::Test {
 protected:
  DbDamage() : fs_(real_fs()) {
    configure_logging(LogLevel::kError, LogFormat::kLogfmt);
    options_.path = dir_.path();
    options_.retention_time = Millis(0);
  }

  void open() {
    db_.reset();
    auto opened = Db::open(options_, fs_, clock_);
    ASSERT_TRUE(opened) << opened.error().message;
    db_ = std::move(*opened);
  }

  Result<> scrape(int row) {
    std::vector<SeriesId> columns;
    std::vector<double> values;
    for (size_t i = 0; i < kColumns; ++i) {
      columns.push_back(TRY(db_->series({{kMetricName, "m"}, {"i", std::to_string(i)}})));
      values.push_back(row + static_cast<double>(i) / 10);
    }
    const TimestampMs t = kStart + row * 15'000;
    if (t > clock_.now_ms()) clock_.advance(Millis(t - clock_.now_ms()));
    TRY(db_->append_scrape(db_->target("t"), t, columns, values));
    return {};
  }

  void scrapes(int from, int to, bool maintain) {
    for (int row = from; row < to; ++row) {
      ASSERT_TRUE(scrape(row));
      if (maintain) db_->maintain();
    }
  }

  /// Samples found; each is checked to be one that was appended.
  size_t count() {
    const Matcher all = Matcher::equal(std::string(kMetricName), "m");
    auto set = db_->select({&all, 1}, {}, 0);
    EXPECT_TRUE(set) << set.error().message;
    size_t n = 0;
    SampleColumns samples;
    for (size_t i = 0; i < (*set)->size(); ++i) {
      EXPECT_TRUE((*set)->read(i, {}, samples));
      const double column = std::stod(std::string((*set)->labels(i).get("i"))) / 10;
      for (size_t k = 0; k < samples.size(); ++k) {
        const auto row = static_cast<double>((samples.t[k] - kStart) / 15'000);
        EXPECT_EQ(samples.v[k], row + column);
      }
      n += samples.size();
    }
    return n;
  }

  std::vector<std::string> files(const std::string& below) {
    std::vector<std::string> out;
    for (const DirEntry& entry : real_fs().list(dir_.file(below)).value()) {
      out.push_back(dir_.file(below + "/" + entry.name));
    }
    return out;
  }

  void overwrite(const std::string& path, std::string_view bytes) {
    ASSERT_TRUE(real_fs().create(path).value()->append(bytes));
  }

  TempDir dir_;
  FaultFs fs_;
  ManualClock clock_{kStart};
  Options options_;
  std::unique_ptr<Db> db_;
};

TEST_F(DbDamage, AFlippedBitInTheLogLosesAtMostOneScrape) {
  open();
  scrapes(0, 60, false);
  db_.reset();
  const std::string path = files("wal").at(0);
  const std::string whole = real_fs().read_file(path).value();
  std::mt19937 random(1);
  for (int round = 0; round < 60; ++round) {
    std::string bytes = whole;
    const size_t at = random() % bytes.size();
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
    for (const std::string& file : files("wal")) ASSERT_TRUE(real_fs().remove(file));
    overwrite(path, bytes);
    open();
    EXPECT_GE(count(), 59 * kColumns) << "byte " << at;
    db_.reset();
  }
}

TEST_F(DbDamage, ADamagedLogSegmentIsKeptAsideOnceItIsNotNeeded) {
  open();
  scrapes(0, 10, false);
  db_.reset();
  const std::string path = files("wal").at(0);
  std::string bytes = real_fs().read_file(path).value();
  bytes[bytes.size() / 2] ^= 8;
  overwrite(path, bytes);
  open();
  scrapes(10, 1000, true);
  EXPECT_EQ(count(), 999 * kColumns);
  EXPECT_TRUE(real_fs().exists(path + ".damaged"));
  EXPECT_FALSE(real_fs().exists(path));
}

TEST_F(DbDamage, ALogCutAnywhereLosesOnlyWhatIsBehindTheCut) {
  open();
  std::vector<uint64_t> ends;
  for (int row = 0; row < 10; ++row) {
    ASSERT_TRUE(scrape(row));
    ends.push_back(db_->stats().wal_bytes);
  }
  db_.reset();
  const std::string path = files("wal").at(0);
  const std::string whole = real_fs().read_file(path).value();
  for (size_t length = 0; length <= whole.size(); ++length) {
    for (const std::string& file : files("wal")) ASSERT_TRUE(real_fs().remove(file));
    overwrite(path, std::string_view(whole).substr(0, length));
    open();
    const auto rows = static_cast<size_t>(std::ranges::upper_bound(ends, length) - ends.begin());
    ASSERT_EQ(count(), rows * kColumns) << length;
    ASSERT_EQ(db_->stats().damaged_records, 0u) << "a torn write is no damage";
  }
}

TEST_F(DbDamage, ADamagedTileLosesOnlyItself) {
  open();
  scrapes(0, 130, true);
  db_.reset();
  for (const std::string& path : files("tiles")) {
    std::string bytes = real_fs().read_file(path).value();
    bytes[bytes.size() / 2] ^= 1;
    overwrite(path, bytes);
  }
  open();
  EXPECT_GE(count(), (130 - 32) * kColumns);
  EXPECT_GE(db_->stats().damaged_records, 1u);
  // Cut into a block, the rest stays, and the damaged file is kept aside.
  scrapes(130, 1500, true);
  EXPECT_GE(count(), (1500 - 32) * kColumns);
  const auto left = files("tiles");
  EXPECT_TRUE(std::ranges::any_of(left, [](const auto& f) { return f.ends_with(".damaged"); }));
}

TEST_F(DbDamage, RowsOfADamagedTileComeFromTheLogWhileItHasThem) {
  open();
  scrapes(0, 130, false);
  db_->maintain();
  db_.reset();
  for (const std::string& path : files("tiles")) {
    std::string bytes = real_fs().read_file(path).value();
    bytes[bytes.size() / 2] ^= 1;
    overwrite(path, bytes);
  }
  open();
  EXPECT_EQ(count(), 130 * kColumns);
}

TEST_F(DbDamage, ADamagedSeriesDefinitionLosesOnlyItsSeries) {
  open();
  scrapes(0, 50, true);
  db_.reset();
  const std::string whole = real_fs().read_file(dir_.file("series")).value();
  std::mt19937 random(5);
  for (int round = 0; round < 30; ++round) {
    std::string bytes = whole;
    const size_t at = random() % bytes.size();
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
    overwrite(dir_.file("series"), bytes);
    open();
    EXPECT_GE(count(), 50 * (kColumns - 1)) << "byte " << at;
    db_.reset();
  }
}

TEST_F(DbDamage, MissingFilesAreNoReasonNotToStart) {
  for (const std::string what : {"wal", "tiles", "blocks", "series", "lock"}) {
    open();
    scrapes(0, 1000, true);
    db_.reset();
    ASSERT_TRUE(real_fs().remove_all(dir_.file(what)));
    open();
    count();
    scrapes(1000, 1010, true);
    EXPECT_GE(count(), 10 * kColumns) << what;
    db_.reset();
    ASSERT_TRUE(real_fs().remove_all(dir_.path()));
    clock_.jump_to(kStart);
  }
}

TEST_F(DbDamage, ADamagedBlockIsPutAsideAndTheRestServed) {
  open();
  scrapes(0, 1500, true);
  ASSERT_GE(db_->stats().blocks.size(), 2u);
  db_.reset();
  const std::string block = files("blocks").at(0);
  std::string index = real_fs().read_file(block + "/index").value();
  index[index.size() / 2] ^= 1;
  overwrite(block + "/index", index);
  open();
  EXPECT_GT(count(), 700 * kColumns);
  EXPECT_TRUE(real_fs().exists(block + ".damaged"));
}

TEST_F(DbDamage, ADamagedTileOfABlockLosesOnlyItself) {
  open();
  scrapes(0, 1500, true);
  const uint64_t in_block = db_->stats().blocks.at(0).samples;
  db_.reset();
  const std::string data = files("blocks").at(0) + "/data";
  std::string bytes = real_fs().read_file(data).value();
  bytes[bytes.size() / 2] ^= 1;
  overwrite(data, bytes);
  open();
  EXPECT_GE(count(), 1500 * kColumns - in_block);
}

TEST_F(DbDamage, AFullDiskRefusesAppendsServesReadsAndRecovers) {
  open();
  scrapes(0, 100, true);
  fs_.set_hook([](std::string_view operation, const std::string&) -> Result<> {
    if (operation != "append") return {};
    return fail(ErrorCode::kIo, "no space left on device");
  });
  for (int row = 100; row < 150; ++row) {
    const auto refused = scrape(row);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kIo);
    db_->maintain();
  }
  EXPECT_EQ(count(), 100 * kColumns);
  EXPECT_EQ(db_->stats().append_failures, 50u);
  fs_.set_hook(nullptr);
  scrapes(150, 300, true);
  EXPECT_EQ(count(), 250 * kColumns);
  open();
  EXPECT_EQ(count(), 250 * kColumns);
  EXPECT_EQ(db_->stats().damaged_records, 0u);
}

/// The same history with an error at each operation in turn: nothing acknowledged is lost.
TEST_F(DbDamage, AnErrorAtAnyFileOperationLosesNothing) {
  const auto history = [this]() -> size_t {
    options_.block_span = std::chrono::minutes(5);
    options_.wal_segment_bytes = 2000;
    size_t acknowledged = 0;
    db_.reset();
    auto opened = Db::open(options_, fs_, clock_);
    if (!opened) return 0;
    db_ = std::move(*opened);
    for (int row = 0; row < 90; ++row) {
      if (scrape(row)) ++acknowledged;
      db_->maintain();
      if (row % 30 == 29) (void)db_->compact();
    }
    (void)db_->flush();
    return acknowledged;
  };
  ASSERT_EQ(history(), 90u);
  const uint64_t operations = fs_.operations();
  ASSERT_GT(operations, 200u);
  for (uint64_t n = 0; n < operations; n += 3) {
    db_.reset();
    ASSERT_TRUE(real_fs().remove_all(dir_.path()));
    clock_.jump_to(kStart);
    fs_.fail_after(n);
    const size_t acknowledged = history();
    fs_.fail_after(UINT64_MAX);
    open();
    ASSERT_EQ(count(), acknowledged * kColumns) << "operation " << n;
  }
}

}  // namespace
}  // namespace strata::tsdb
