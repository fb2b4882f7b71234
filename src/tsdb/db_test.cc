#include "tsdb/db.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/fault_fs.h"
#include "base/log.h"
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
  DbTest() {
    configure_logging(LogLevel::kError, LogFormat::kLogfmt);
    reopen();
  }

  void reopen() {
    db_.reset();
    options_.path = dir_.path();
    auto opened = Db::open(options_, fs_, clock_);
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
  FaultFs fs_{real_fs()};  // never syncs: fast
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
  EXPECT_EQ(query("a", {kStart + 1, kStart + 15'000}), "3@15");
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

TEST_F(DbTest, KnowsWhetherTheLastProcessClosedIt) {
  EXPECT_TRUE(db_->stats().clean_start) << "a new one";
  reopen();
  EXPECT_TRUE(db_->stats().clean_start);
  const TempDir copy;  // as a process leaves it that was killed
  std::filesystem::copy(dir_.path(), copy.path(), std::filesystem::copy_options::recursive);
  options_.path = copy.path();
  const auto killed = Db::open(options_, fs_, clock_);
  ASSERT_TRUE(killed) << killed.error().message;
  EXPECT_FALSE((*killed)->stats().clean_start);
}

TEST_F(DbTest, OfTwoSamplesOfOneTimeTheFirstStays) {
  const AppendStats first = scrape(0, {series("a"), series("b")}, {1, 2});
  EXPECT_EQ(first, (AppendStats{.appended = 2}));
  EXPECT_EQ(scrape(0, {series("a"), series("b")}, {1, 3}),
            (AppendStats{.repeated = 1, .duplicate = 1}));
  // Also when the row is in a tile already, and from a scrape that has one series more.
  scrape(15, {series("a")}, {5});
  reopen();
  EXPECT_EQ(scrape(15, {series("a"), series("c")}, {6, 7}),
            (AppendStats{.appended = 1, .duplicate = 1}));
  EXPECT_EQ(query("a"), "1@0 5@15");
  EXPECT_EQ(query("b"), "2@0");
  EXPECT_EQ(query("c"), "7@15");
}

TEST_F(DbTest, LateScrapesAreTakenWithinTheWindow) {
  scrape(7200, {series("a")}, {1});
  EXPECT_EQ(scrape(7200 - 600, {series("a")}, {2}),
            (AppendStats{.appended = 1, .out_of_order = 1}));
  EXPECT_EQ(scrape(7200 - 3601, {series("a")}, {3}), (AppendStats{.too_old = 1}));
  EXPECT_EQ(query("a"), "2@6600 1@7200");
  reopen();
  EXPECT_EQ(query("a"), "2@6600 1@7200");
}

TEST_F(DbTest, TimedSamplesComeInAnyOrder) {
  const SeriesId a = series("a");
  clock_.advance(std::chrono::hours(1));
  const auto at = [&](double seconds, double v) {
    return TimedSample{a, kStart + static_cast<TimestampMs>(seconds * 1000), v};
  };
  EXPECT_EQ(db_->append_samples(std::vector{at(10, 1), at(30, 3)}), (AppendStats{.appended = 2}));
  EXPECT_EQ(db_->append_samples(std::vector{at(20, 2), at(30, 4), at(10, 1)}),
            (AppendStats{.appended = 1, .out_of_order = 1, .repeated = 1, .duplicate = 1}));
  EXPECT_EQ(db_->append_samples(std::vector{at(3600 + 601, 9)}), (AppendStats{.too_far_ahead = 1}));
  EXPECT_EQ(query("a"), "1@10 2@20 3@30");
  reopen();
  EXPECT_EQ(query("a"), "1@10 2@20 3@30");
}

TEST_F(DbTest, OneSampleFromTheFutureDoesNotMakeOthersTooOld) {
  options_.max_ahead = std::chrono::hours(24 * 365);
  reopen();
  const SeriesId odd = series("odd");
  ASSERT_TRUE(db_->append_samples(
      std::vector{TimedSample{odd, kStart + Millis(std::chrono::hours(24 * 300)).count(), 1}}));
  options_.max_ahead = std::chrono::minutes(10);
  reopen();
  EXPECT_EQ(scrape(0, {series("a")}, {1}).appended, 1u);
  EXPECT_EQ(scrape(15, {series("a")}, {2}).appended, 1u);
}

TEST_F(DbTest, TheClockMayBeSetBack) {
  scrape(0, {series("a")}, {1});
  scrape(86'400, {series("a")}, {2});
  clock_.jump_to(kStart + 60'000);
  EXPECT_EQ(scrape(60, {series("a")}, {3}).appended, 1u);
  EXPECT_EQ(scrape(75, {series("a")}, {4}).appended, 1u);
  EXPECT_EQ(query("a"), "1@0 3@60 4@75 2@86400");
}

TEST_F(DbTest, ASeriesOfTwoTargetsIsMerged) {
  const SeriesId a = series("a");
  for (int i = 0; i < 4; ++i) {
    const auto target = db_->target(i % 2 == 0 ? "one" : "two");
    ASSERT_TRUE(db_->append_scrape(target, kStart + i * 1000, {{a}}, std::vector{i * 1.0}));
  }
  EXPECT_EQ(query("a"), "0@0 1@1 2@2 3@3");
}

TEST_F(DbTest, ColumnsMayComeGoAndMove) {
  const std::vector<std::vector<std::string>> scrapes{
      {"a", "b", "c"}, {"a", "c"}, {"d", "a", "c"}, {"c", "b", "a", "d"}, {"e"}, {"a", "b", "c"}};
  for (size_t i = 0; i < scrapes.size(); ++i) {
    std::vector<SeriesId> columns;
    std::vector<double> values;
    for (const std::string& name : scrapes[i]) {
      columns.push_back(series(name));
      values.push_back(name[0]);
    }
    scrape(static_cast<double>(i), columns, values);
  }
  const auto check = [&] {
    EXPECT_EQ(query("a"), "97@0 97@1 97@2 97@3 97@5");
    EXPECT_EQ(query("b"), "98@0 98@3 98@5");
    EXPECT_EQ(query("c"), "99@0 99@1 99@2 99@3 99@5");
    EXPECT_EQ(query("d"), "100@2 100@3");
    EXPECT_EQ(query("e"), "101@4");
  };
  check();
  reopen();
  check();
}

TEST_F(DbTest, BadAppendsAreRefusedWhole) {
  const SeriesId a = series("a");
  const TargetId target = db_->target("t");
  const auto code = [&](std::vector<SeriesId> columns, std::vector<double> values, TargetId to) {
    auto result = db_->append_scrape(to, kStart, columns, values);
    return result ? ErrorCode::kInternal : result.error().code;
  };
  EXPECT_EQ(code({a}, {}, target), ErrorCode::kBadData);
  EXPECT_EQ(code({a, a}, {1, 2}, target), ErrorCode::kBadData);
  EXPECT_EQ(code({a}, {1}, TargetId{77}), ErrorCode::kBadData);
  EXPECT_EQ(code({a, SeriesId{77}}, {1, 2}, target), ErrorCode::kNotFound);
  options_.max_scrape_samples = 1;
  reopen();
  EXPECT_EQ(code({series("a"), series("b")}, {1, 2}, db_->target("t")), ErrorCode::kLimit);
  EXPECT_EQ(query("a"), "");
}

TEST_F(DbTest, ASecondProcessIsTurnedAway) {
  auto second = Db::open(options_, fs_, clock_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kConflict);
}

TEST_F(DbTest, ASelectionShowsWhatWasThereWhenItWasMade) {
  for (int i = 0; i < 40; ++i) scrape(i, {series("a")}, {i * 1.0});
  auto set = db_->select(std::vector{named("a")}, {}, 0).value();
  for (int i = 40; i < 200; ++i) {
    scrape(i, {series("a")}, {i * 1.0});
    db_->maintain();
  }
  SampleColumns samples;
  ASSERT_TRUE(set->read(0, {}, samples));
  EXPECT_EQ(samples.size(), 40u);
  EXPECT_EQ(samples.v.back(), 39);
}

TEST_F(DbTest, TheHeadBecomesABlockAndReadsAreTheSame) {
  std::string expected;
  for (int i = 0; i < 5 * 240; ++i) {
    scrape(i * 15, {series("a"), series("b")}, {i * 1.0, 7});
    if (i % 10 == 0) db_->maintain();
    expected += fmt::format("{}{}@{}", i == 0 ? "" : " ", i, i * 15);
  }
  const Stats stats = db_->stats();
  EXPECT_GE(stats.blocks_cut, 1u);
  ASSERT_FALSE(stats.blocks.empty());
  EXPECT_GT(stats.head_min_time, kStart);
  EXPECT_LE(stats.wal_segments, 3u);
  EXPECT_EQ(query("a"), expected);
  reopen();
  EXPECT_EQ(query("a"), expected);
  EXPECT_EQ(db_->label_values("__name__", {}, {}).value(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(db_->label_names({}, {}).value(), (std::vector<std::string>{"__name__", "i"}));
}

TEST_F(DbTest, SeriesThatEndedLeaveTheHeadAndStayInBlocks) {
  scrape(0, {series("gone"), series("a")}, {1, 1});
  for (int i = 1; i < 6 * 240; ++i) {
    scrape(i * 15, {series("a")}, {i * 1.0});
    if (i % 10 == 0) db_->maintain();
  }
  const Stats stats = db_->stats();
  EXPECT_EQ(stats.head_series, 1u);
  EXPECT_EQ(stats.series_removed, 1u);
  EXPECT_EQ(query("gone"), "1@0");
  const TimestampMs now = clock_.now_ms();
  EXPECT_EQ(query("gone", {now - 1000, now}), "");
}

TEST_F(DbTest, AHandleOfAForgottenSeriesBringsItBack) {
  const SeriesId old = series("old");
  const TargetId other = db_->target("other");
  ASSERT_TRUE(db_->append_scrape(other, kStart, {{old}}, std::vector{1.0}));
  for (int i = 1; i < 6 * 240; ++i) {
    scrape(i * 15, {series("a")}, {i * 1.0});
    if (i % 10 == 0) db_->maintain();
  }
  ASSERT_EQ(db_->stats().head_series, 1u);
  ASSERT_TRUE(db_->append_scrape(other, clock_.now_ms(), {{old}}, std::vector{2.0}));
  EXPECT_EQ(query("old"), fmt::format("1@0 2@{}", (clock_.now_ms() - kStart) / 1000));
}

TEST_F(DbTest, RefusedSamplesMakeNoBlocks) {
  scrape(86'400, {series("a")}, {1});
  const SeriesId late = series("late");
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(db_->append_samples(std::vector{TimedSample{late, kStart + i * 600'000, 1},
                                              TimedSample{late, clock_.now_ms() - i, 1}})
                  ->appended,
              1u);
    clock_.advance(std::chrono::seconds(1));
    db_->maintain();
  }
  EXPECT_EQ(db_->stats().blocks_cut, 0u);
  EXPECT_TRUE(db_->stats().blocks.empty());
}

TEST_F(DbTest, BlocksBeyondTheRetentionTimeAreDeleted) {
  options_.retention_time = std::chrono::hours(8);
  reopen();
  for (int i = 0; i < 24 * 60; ++i) {
    scrape(i * 60, {series("a")}, {i * 1.0});
    db_->maintain();
  }
  const Stats stats = db_->stats();
  EXPECT_GT(stats.blocks_expired, 5u);
  ASSERT_FALSE(stats.blocks.empty());
  EXPECT_GE(stats.blocks.front().max_time, clock_.now_ms() - 9 * 3'600'000);
}

TEST_F(DbTest, TheOldestBlocksGoWhenTheyTakeTooMuchRoom) {
  options_.retention_bytes = 4000;
  reopen();
  for (int i = 0; i < 24 * 60; ++i) {
    scrape(i * 60, {series("a")}, {i * 1.0});
    db_->maintain();
  }
  const Stats stats = db_->stats();
  EXPECT_GT(stats.blocks_expired, 0u);
  EXPECT_LE(stats.block_bytes, 4000 + 1000u);
}

TEST_F(DbTest, NeighbouringBlocksAreMerged) {
  for (int i = 0; i < 30 * 60; ++i) {
    scrape(i * 60, {series("a")}, {i * 1.0});
    db_->maintain();
  }
  const std::string before = query("a");
  const size_t blocks = db_->stats().blocks.size();
  ASSERT_GT(blocks, 6u);
  while (*db_->compact()) {
  }
  EXPECT_LT(db_->stats().blocks.size(), blocks / 2);
  EXPECT_EQ(query("a"), before);
  reopen();
  EXPECT_EQ(query("a"), before);
}

TEST_F(DbTest, BeyondTheMemoryBudgetNewSeriesAreRefusedAndTheOthersGoOn) {
  options_.memory_budget = 1u << 20;
  reopen();
  std::vector<SeriesId> columns;
  Result<SeriesId> id = bad_data("none");
  for (int i = 0; i < 100'000 && (id = db_->series(series_labels("flood", i))); ++i) {
    columns.push_back(*id);
  }
  ASSERT_FALSE(id);
  EXPECT_EQ(id.error().code, ErrorCode::kLimit);
  EXPECT_NE(id.error().message.find("the label i;"), std::string::npos) << id.error().message;
  const std::vector<double> values(columns.size(), 1.5);
  for (int row = 0; row < 40; ++row) {
    EXPECT_EQ(scrape(row * 15, columns, values).appended, columns.size());
    EXPECT_FALSE(db_->series(series_labels("more", row)));
    db_->maintain();
  }
  const Stats stats = db_->stats();
  uint64_t bytes = 0;
  for (const auto& [part, of_part] : stats.memory) bytes += of_part;
  EXPECT_LT(bytes, 2u << 20);
  EXPECT_EQ(stats.series_refused, 41u);
  using Refused = std::vector<std::pair<std::string, uint64_t>>;
  EXPECT_EQ(stats.refused_by_label, (Refused{{"i", 41}}));
}

TEST_F(DbTest, ASelectionBeyondTheLimitIsAnError) {
  for (int i = 0; i < 10; ++i) scrape(i, {series("a", i)}, {1});
  EXPECT_TRUE(db_->select(std::vector{named("a")}, {}, 10));
  const auto refused = db_->select(std::vector{named("a")}, {}, 9);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kLimit);
}

TEST_F(DbTest, TheLogStaysShortWhileAQuietTargetHoldsItBack) {
  options_.wal_segment_bytes = 4096;
  reopen();
  const SeriesId quiet = series("quiet");
  ASSERT_TRUE(db_->append_scrape(db_->target("quiet"), kStart, {{quiet}}, std::vector{1.0}));
  std::vector<SeriesId> columns;
  for (int i = 0; i < 100; ++i) columns.push_back(series("busy", i));
  for (int row = 1; row < 300; ++row) {
    std::vector<double> values(columns.size());
    for (size_t i = 0; i < values.size(); ++i) values[i] = row * 17.3 + static_cast<double>(i);
    scrape(row * 15, columns, values);
    db_->maintain();
  }
  EXPECT_LE(db_->stats().wal_segments, 8u);
  EXPECT_EQ(query("quiet"), "1@0");
  reopen();
  EXPECT_EQ(query("quiet"), "1@0");
}

}  // namespace
}  // namespace strata::tsdb
