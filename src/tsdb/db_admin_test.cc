// Deletions, snapshots and retention by series, through Db.
#include <gtest/gtest.h>

#include <map>

#include "base/fault_fs.h"
#include "base/log.h"
#include "base/temp_dir.h"
#include "tsdb/db.h"

namespace strata::tsdb {
namespace {

constexpr TimestampMs kStart = 1'700'006'400'000;  // a multiple of two hours
constexpr Millis kStep = std::chrono::minutes(1);

Matcher metric(std::string name) {
  return Matcher::equal(std::string(kMetricName), std::move(name));
}
Matcher matcher(Matcher::Op op, std::string name, std::string value) {
  return Matcher::make(op, std::move(name), std::move(value)).value();
}

class DbAdmin : public testing::Test {
 protected:
  DbAdmin() : fs_(real_fs()) {
    configure_logging(LogLevel::kError, LogFormat::kLogfmt);
    options_.path = dir_.file("store");
    options_.retention_time = Millis(0);
    open();
  }

  void open() {
    db_.reset();
    auto opened = Db::open(options_, fs_, clock_);
    ASSERT_TRUE(opened) << opened.error().message;
    db_ = std::move(*opened);
  }

  /// One scrape: a{i="0"}, a{i="1"}, b{i="0"}, b{i="1"}.
  void scrape(int row) {
    std::vector<SeriesId> columns;
    std::vector<double> values;
    for (const char* name : {"a", "b"}) {
      for (const char* i : {"0", "1"}) {
        columns.push_back(db_->series({{kMetricName, name}, {"i", i}}).value());
        values.push_back(row);
      }
    }
    const TimestampMs t = time(row);
    if (t > clock_.now_ms()) clock_.advance(Millis(t - clock_.now_ms()));
    ASSERT_TRUE(db_->append_scrape(db_->target("t"), t, columns, values));
  }

  void scrapes(int from, int to) {
    for (int row = from; row < to; ++row) {
      scrape(row);
      clock_.advance(std::chrono::seconds(11));  // steady time: upkeep of every kind is due
      db_->maintain();
      while (db_->compact().value_or(false)) {
      }
    }
  }

  static TimestampMs time(int row) { return kStart + row * kStep.count(); }

  /// Rows found, by series: "a/0" -> {0, 1, …}.
  std::map<std::string, std::vector<int>> rows(const Db& db, TimeRange range = {}) const {
    std::map<std::string, std::vector<int>> out;
    const auto all = matcher(Matcher::Op::kNotEqual, std::string(kMetricName), "");
    const auto set = db.select({&all, 1}, range, 0).value();
    for (size_t i = 0; i < set->size(); ++i) {
      const Labels& labels = set->labels(i);
      auto& found = out[fmt::format("{}/{}", labels.metric_name(), labels.get("i"))];
      SampleColumns samples;
      EXPECT_TRUE(set->read(i, range, samples));
      for (size_t k = 0; k < samples.size(); ++k) {
        EXPECT_EQ(time(static_cast<int>(samples.v[k])), samples.t[k]);
        found.push_back(static_cast<int>(samples.v[k]));
      }
      Sample last;
      HistogramPtr h;
      const bool any = set->read_last(i, range, last, h).value();
      EXPECT_EQ(any, !found.empty());
      if (any) EXPECT_EQ(last.t, samples.t.back());
    }
    return out;
  }
  std::map<std::string, std::vector<int>> rows() const { return rows(*db_); }

  std::vector<int> from_to(int from, int to) const {
    std::vector<int> out;
    for (int row = from; row < to; ++row) out.push_back(row);
    return out;
  }

  TempDir dir_;
  FaultFs fs_;
  ManualClock clock_{kStart};
  Options options_;
  std::unique_ptr<Db> db_;
};

TEST_F(DbAdmin, DeletedSamplesAreHiddenAtOnceInHeadAndBlocks) {
  scrapes(0, 500);
  ASSERT_GE(db_->stats().blocks.size(), 1u);
  const Matcher a = metric("a");
  ASSERT_TRUE(db_->delete_series({&a, 1}, {time(50), time(449)}));
  auto expected = from_to(0, 50);
  const auto tail = from_to(450, 500);
  expected.insert(expected.end(), tail.begin(), tail.end());
  EXPECT_EQ(rows()["a/0"], expected);
  EXPECT_EQ(rows()["a/1"], expected);
  EXPECT_EQ(rows()["b/0"], from_to(0, 500));
  EXPECT_EQ(db_->stats().pending_deletions, 1u);
}

TEST_F(DbAdmin, ASeriesDeletedWholeIsInNoList) {
  scrapes(0, 500);
  const Matcher a = metric("a");
  ASSERT_TRUE(db_->delete_series({&a, 1}, {}));
  EXPECT_FALSE(rows().contains("a/0"));
  EXPECT_EQ(db_->label_values(kMetricName, {}, {}).value(), std::vector<std::string>{"b"});
  EXPECT_EQ(db_->label_values("i", {}, {}).value(), (std::vector<std::string>{"0", "1"}));
  EXPECT_TRUE(db_->label_names({&a, 1}, {}).value().empty());
}

TEST_F(DbAdmin, WhatIsAppendedAfterADeletionIsThere) {
  scrapes(0, 100);
  const Matcher a = metric("a");
  ASSERT_TRUE(db_->delete_series({&a, 1}, {}));
  scrapes(100, 120);
  EXPECT_EQ(rows()["a/0"], from_to(100, 120));
  EXPECT_EQ(rows()["b/0"], from_to(0, 120));
}

TEST_F(DbAdmin, ADeletionSurvivesARestartAndIsCarriedOutByCompaction) {
  scrapes(0, 300);
  const Matcher a = metric("a");
  ASSERT_TRUE(db_->delete_series({&a, 1}, {time(10), time(199)}));
  open();
  auto expected = from_to(0, 10);
  const auto tail = from_to(200, 300);
  expected.insert(expected.end(), tail.begin(), tail.end());
  EXPECT_EQ(rows()["a/0"], expected);

  scrapes(300, 1200);
  const auto more = from_to(300, 1200);
  expected.insert(expected.end(), more.begin(), more.end());
  EXPECT_EQ(rows()["a/0"], expected);
  EXPECT_EQ(db_->stats().pending_deletions, 0u);
  uint64_t samples = 0;
  for (const BlockStats& block : db_->stats().blocks) samples += block.samples;
  const auto head_rows = [&] { return 1200 - samples / 4; };
  EXPECT_LT(head_rows(), 400u);
  open();
  EXPECT_EQ(rows()["a/0"], expected);
  EXPECT_EQ(rows()["b/1"], from_to(0, 1200));
}

TEST_F(DbAdmin, CleanTombstonesWritesBlocksAnew) {
  scrapes(0, 500);
  const uint64_t before = db_->stats().blocks.at(0).samples;
  const std::string name = db_->stats().blocks.at(0).name;
  const Matcher a = metric("a");
  ASSERT_TRUE(db_->delete_series({&a, 1}, {kMinTime, time(59)}));
  EXPECT_EQ(db_->clean_tombstones().value(), 1u);
  EXPECT_EQ(db_->stats().blocks.at(0).samples, before - 2 * 60);
  EXPECT_NE(db_->stats().blocks.at(0).name, name);
  EXPECT_EQ(db_->stats().pending_deletions, 0u);
  EXPECT_EQ(rows()["a/0"], from_to(60, 500));
  // All of a block: it is gone.
  const auto all = matcher(Matcher::Op::kRegex, std::string(kMetricName), "a|b");
  const size_t blocks = db_->stats().blocks.size();
  ASSERT_TRUE(db_->delete_series({&all, 1}, {kMinTime, db_->stats().blocks.at(0).max_time}));
  EXPECT_EQ(db_->clean_tombstones().value(), 1u);
  EXPECT_EQ(db_->stats().blocks.size(), blocks - 1);
}

TEST_F(DbAdmin, ADeletionThatSelectsNothingIsNotKept) {
  scrapes(0, 10);
  const Matcher none = metric("none");
  ASSERT_TRUE(db_->delete_series({&none, 1}, {}));
  EXPECT_EQ(db_->stats().pending_deletions, 0u);
  EXPECT_EQ(db_->delete_series({}, {}).error().code, ErrorCode::kBadData);
}

TEST_F(DbAdmin, DamagedTombstonesAreKeptAsideAndTheWholeOnesStay) {
  scrapes(0, 10);
  const Matcher a = metric("a");
  const Matcher b = metric("b");
  ASSERT_TRUE(db_->delete_series({&a, 1}, {time(0), time(3)}));
  ASSERT_TRUE(db_->delete_series({&b, 1}, {time(0), time(3)}));
  db_.reset();
  const std::string path = options_.path + "/tombstones";
  std::string bytes = real_fs().read_file(path).value();
  bytes[bytes.size() / 4] ^= 1;
  ASSERT_TRUE(real_fs().create(path).value()->append(bytes));
  open();
  EXPECT_EQ(rows()["a/0"], from_to(0, 10));
  EXPECT_EQ(rows()["b/0"], from_to(4, 10));
  EXPECT_TRUE(real_fs().exists(path + ".damaged"));
  EXPECT_EQ(db_->stats().damaged_records, 1u);
}

TEST_F(DbAdmin, AFailedDeletionHidesNothing) {
  scrapes(0, 10);
  const Matcher a = metric("a");
  fs_.set_hook([](std::string_view, const std::string& path) -> Result<> {
    if (path.find("tombstones") == std::string::npos) return {};
    return fail(ErrorCode::kIo, "no space left on device");
  });
  EXPECT_FALSE(db_->delete_series({&a, 1}, {}));
  fs_.set_hook(nullptr);
  EXPECT_EQ(rows()["a/0"], from_to(0, 10));
}

TEST_F(DbAdmin, RetentionByMatcherHidesAtOnceAndIsCarriedOut) {
  options_.retention_time = std::chrono::hours(30);
  open();
  db_->set_retention(
      {{.matchers = {metric("a")}, .keep = std::chrono::hours(60)},
       {.matchers = {matcher(Matcher::Op::kEqual, "i", "1")}, .keep = std::chrono::hours(3)}});
  const int end = 50 * 60;
  for (int row = 0; row < end; row += 10) scrapes(row, row + 1);
  const auto expect = [&](int hours) {
    std::vector<int> expected;
    for (int row = 0; row < end; row += 10) {
      if (row >= end - 10 - hours * 60) expected.push_back(row);
    }
    return expected;
  };
  EXPECT_EQ(rows()["a/0"], expect(60));
  EXPECT_EQ(rows()["a/1"], expect(60));  // the first rule that selects it
  EXPECT_EQ(rows()["b/0"], expect(30));
  EXPECT_EQ(rows()["b/1"], expect(3));
  // On disk, too: no block that ends before its class's time has samples of it.
  uint64_t samples = 0;
  for (const BlockStats& block : db_->stats().blocks) samples += block.samples;
  EXPECT_LT(samples, 2u * 300 + 240 + 60);
  EXPECT_GT(samples, 2u * 250 + 100);
}

TEST_F(DbAdmin, NewRulesTakeEffectOnWhatIsStored) {
  scrapes(0, 500);
  db_->set_retention({{.matchers = {metric("a")}, .keep = std::chrono::minutes(100)}});
  EXPECT_EQ(rows()["a/0"], from_to(399, 500));
  EXPECT_EQ(rows()["b/0"], from_to(0, 500));
  db_->set_retention({});
  EXPECT_EQ(rows()["a/0"], from_to(0, 500));
}

TEST_F(DbAdmin, ASnapshotIsAStoreWithAllThatWasAcknowledged) {
  scrapes(0, 500);
  const Matcher a = metric("a");
  ASSERT_TRUE(db_->delete_series({&a, 1}, {time(40), time(470)}));
  const auto before = rows();
  const std::string dir = options_.path + "/snapshots/one";
  ASSERT_TRUE(real_fs().create_directories(options_.path + "/snapshots"));
  ASSERT_TRUE(db_->snapshot(dir));
  EXPECT_EQ(db_->snapshot(dir).error().code, ErrorCode::kConflict);
  scrapes(500, 900);  // goes on, cuts and merges

  Options copy = options_;
  copy.path = dir;
  {
    const auto opened = Db::open(copy, fs_, clock_);
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_EQ((*opened)->stats().damaged_records, 0u);
    EXPECT_EQ(rows(**opened), before);
    // It lives on its own: its writes do not reach the store that it came from.
    const SeriesId id = (*opened)->series({{kMetricName, "a"}, {"i", "0"}}).value();
    const double value = 900;
    ASSERT_TRUE((*opened)->append_scrape((*opened)->target("t"), time(900), {&id, 1}, {&value, 1}));
    for (int i = 0; i < 20; ++i) {
      clock_.advance(std::chrono::seconds(11));
      (*opened)->maintain();
    }
  }
  EXPECT_EQ(rows()["b/0"], from_to(0, 900));
  open();
  EXPECT_EQ(rows()["b/0"], from_to(0, 900));
  EXPECT_EQ(db_->stats().damaged_records, 0u);
}

TEST_F(DbAdmin, ASnapshotWithoutTheHeadHasTheBlocks) {
  scrapes(0, 500);
  const TimestampMs last = db_->stats().blocks.back().max_time;
  ASSERT_TRUE(db_->snapshot(dir_.file("two"), false));
  Options copy = options_;
  copy.path = dir_.file("two");
  const auto opened = Db::open(copy, fs_, clock_).value();
  EXPECT_EQ(rows(*opened)["a/0"],
            from_to(0, static_cast<int>((last - kStart) / kStep.count()) + 1));
}

TEST_F(DbAdmin, ASnapshotThatFailsLeavesNothingBehind) {
  scrapes(0, 500);
  const uint64_t before = fs_.operations();
  ASSERT_TRUE(db_->snapshot(dir_.file("good")));
  const uint64_t operations = fs_.operations() - before;
  for (uint64_t n = 0; n < operations; ++n) {
    fs_.fail_after(n);
    const auto made = db_->snapshot(dir_.file("bad"));
    fs_.fail_after(UINT64_MAX);
    if (made) break;
    // Only when the name's own sync failed is it there.
    if (real_fs().exists(dir_.file("bad"))) ASSERT_TRUE(real_fs().remove_all(dir_.file("bad")));
    ASSERT_FALSE(real_fs().exists(dir_.file("bad.tmp"))) << n;
  }
  EXPECT_EQ(rows()["a/0"], from_to(0, 500));
}

}  // namespace
}  // namespace strata::tsdb
