// Native histograms in the store: from append to head, log, blocks and merges.
#include <gtest/gtest.h>

#include <map>

#include "base/fault_fs.h"
#include "base/log.h"
#include "base/temp_dir.h"
#include "tsdb/db.h"
#include "tsdb/histogram_for_test.h"

namespace strata::tsdb {
namespace {

using namespace std::chrono_literals;
using enum CounterResetHint;

constexpr TimestampMs kStart = 1'700'000'000'000;

class HistogramStore : public testing::Test {
 protected:
  HistogramStore() {
    configure_logging(LogLevel::kError, LogFormat::kLogfmt);
    options_.path = dir_.path();
    options_.block_span = 10min;
    options_.out_of_order_window = 20min;
    options_.retention_time = Millis(0);
    reopen();
  }

  void reopen() {
    db_.reset();
    auto opened = Db::open(options_, fs_, clock_);
    ASSERT_TRUE(opened) << opened.error().message;
    db_ = std::move(*opened);
  }

  static Labels labels(int i = 0) { return {{kMetricName, "h"}, {"i", std::to_string(i)}}; }

  AppendStats append(int seconds, const FloatHistogram& h, int i = 0) {
    const TimestampMs t = kStart + seconds * 1000;
    if (t > clock_.now_ms()) clock_.advance(Millis(t - clock_.now_ms()));
    const TimedHistogram sample{db_->series(labels(i)).value(), t, shared(h)};
    auto stats = db_->append_histograms({&sample, 1});
    EXPECT_TRUE(stats) << stats.error().message;
    return stats.value_or(AppendStats{});
  }

  void append_float(int seconds, double v) {
    const TimedSample sample{db_->series(labels()).value(), kStart + seconds * 1000, v};
    EXPECT_TRUE(db_->append_samples({&sample, 1}));
  }

  SampleColumns read(TimeRange range = {}, int i = 0) {
    const Matcher matcher = Matcher::equal("i", std::to_string(i));
    auto set = db_->select({&matcher, 1}, range, 0);
    EXPECT_TRUE(set) << set.error().message;
    SampleColumns out;
    if ((*set)->size() == 1) {
      EXPECT_TRUE((*set)->read(0, range, out));
    }
    return out;
  }

  /// "3@10 f7@20 5r@30": counts, hints and seconds; f: a float.
  std::string show(TimeRange range = {}) {
    std::string out;
    const SampleColumns samples = read(range);
    constexpr std::string_view kHints[] = {"", "r", "n", "g"};
    for (size_t k = 0; k < samples.size(); ++k) {
      const bool native = !samples.h.empty() && samples.h[k];
      const double v = native ? samples.h[k]->count : samples.v[k];
      const auto hint = native ? kHints[static_cast<size_t>(samples.h[k]->counter_reset_hint)] : "";
      out += fmt::format("{}{}{}{}@{}", out.empty() ? "" : " ", native ? "" : "f", v, hint,
                         (samples.t[k] - kStart) / 1000);
    }
    return out;
  }

  void settle() {
    for (int n = 0; n < 50; ++n) {
      clock_.advance(3s);
      db_->maintain();
    }
  }

  TempDir dir_;
  FaultFs fs_{real_fs()};
  ManualClock clock_{kStart};
  Options options_;
  std::unique_ptr<Db> db_;
};

TEST_F(HistogramStore, AHistogramIsReadBack) {
  FloatHistogram h = example_histogram();
  observe(h, 3, 5);
  EXPECT_EQ(append(0, h), (AppendStats{.appended = 1}));
  const SampleColumns samples = read();
  ASSERT_EQ(samples.size(), 1u);
  ASSERT_EQ(samples.h.size(), 1u);
  EXPECT_TRUE(same_histogram(*samples.h[0], h));
  EXPECT_EQ(db_->stats().histograms, 1u);
}

TEST_F(HistogramStore, CountersThatWentOnSaySo) {
  FloatHistogram h = example_histogram();
  observe(h, 3, 5);
  append(0, h);
  observe(h, 4, 1);
  append(15, h);
  append(30, example_histogram());
  h.counter_reset_hint = kGauge;
  append(45, h);
  h.counter_reset_hint = kUnknown;
  append(60, h);
  EXPECT_EQ(show(), "5@0 6n@15 0@30 6g@45 6@60");
}

TEST_F(HistogramStore, OfTwoAtOneTimeTheFirstStaysAndFloatsGoFirst) {
  FloatHistogram h = example_histogram();
  observe(h, 3, 5);
  append(0, h);
  EXPECT_EQ(append(0, h), (AppendStats{.repeated = 1}));
  observe(h, 3, 1);
  EXPECT_EQ(append(0, h), (AppendStats{.duplicate = 1}));
  append(10, h);
  append_float(10, 42);
  append_float(20, stale_nan());
  EXPECT_EQ(show(), "5@0 f42@10 fnan@20");

  const Matcher matcher = Matcher::equal("i", "0");
  const auto set = db_->select({&matcher, 1}, {}, 0).value();
  Sample last;
  HistogramPtr native;
  ASSERT_TRUE(set->read_last(0, {kMinTime, kStart + 9'000}, last, native).value());
  ASSERT_TRUE(native);
  EXPECT_EQ(native->count, 5);
  ASSERT_TRUE(set->read_last(0, {kMinTime, kStart + 10'000}, last, native).value());
  EXPECT_FALSE(native);
  EXPECT_EQ(last.v, 42);
}

TEST_F(HistogramStore, LateOnesAreTakenAndNothingIsClaimedAroundThem) {
  FloatHistogram h = example_histogram();
  for (int i = 0; i < 4; ++i) {
    observe(h, 3);
    append(i * 20, h);
  }
  FloatHistogram late = example_histogram();
  observe(late, 3, 9);
  EXPECT_EQ(append(30, late), (AppendStats{.appended = 1, .out_of_order = 1}));
  EXPECT_EQ(show(), "1@0 2n@20 9@30 3@40 4n@60");
  reopen();
  EXPECT_EQ(show(), "1@0 2n@20 9@30 3@40 4n@60");
}

TEST_F(HistogramStore, RefusesWhatIsNoHistogram) {
  FloatHistogram h = example_histogram();
  h.positive_buckets.pop_back();
  const TimedHistogram sample{db_->series(labels()).value(), kStart, shared(h)};
  const auto stats = db_->append_histograms({&sample, 1});
  ASSERT_FALSE(stats);
  EXPECT_EQ(stats.error().code, ErrorCode::kBadData);
}

TEST_F(HistogramStore, NothingIsLostFromLogToMergedBlock) {
  FloatHistogram h = example_histogram(20);
  std::map<TimestampMs, HistogramPtr> model;
  for (int i = 0; i < 600; ++i) {
    if (i % 97 == 0) h = example_histogram(20 + static_cast<size_t>(i) / 50);
    observe(h, static_cast<size_t>(i) % 20);
    append(i * 15, h);
    model[kStart + i * 15'000] = shared(h);
    db_->maintain();
    if (i % 150 == 149) reopen();
  }
  settle();
  EXPECT_GT(db_->stats().blocks.size(), 3u);
  while (db_->compact().value()) {
  }
  EXPECT_GT(db_->stats().blocks_compacted, 0u);
  for (const bool again : {false, true}) {
    if (again) reopen();
    const SampleColumns samples = read();
    ASSERT_EQ(samples.size(), model.size());
    size_t k = 0;
    for (const auto& [t, expected] : model) {
      ASSERT_EQ(samples.t[k], t);
      ASSERT_TRUE(samples.h[k] && same_histogram(*samples.h[k], *expected)) << k;
      ++k;
    }
    const SampleColumns part = read({kStart + 1'000'000, kStart + 1'999'999});
    ASSERT_EQ(part.size(), 67u);
  }
}

TEST_F(HistogramStore, SealedChunksLeaveTheHeap) {
  FloatHistogram h = example_histogram(160);
  for (int i = 0; i < 15; ++i) {
    observe(h, 3);
    append(i, h);
  }
  const auto full = db_->stats().open_tile_bytes;
  append(15, h);
  db_->maintain();
  EXPECT_LT(db_->stats().open_tile_bytes + 15 * 160 * sizeof(double), full + 16);
  EXPECT_EQ(read().size(), 16u);
}

TEST_F(HistogramStore, ADamagedFileOfABlockLeavesItsFloatsAlone) {
  FloatHistogram h = example_histogram();
  for (int i = 0; i < 120; ++i) {
    observe(h, 3);
    append(i * 15, h);
    if (i % 2 == 0) append_float(i * 15 + 1, i);
    db_->maintain();
  }
  settle();
  ASSERT_FALSE(db_->stats().blocks.empty());
  const size_t all = read().size();
  const std::string block = dir_.path() + "/blocks/" + db_->stats().blocks.front().name;
  const std::string path = block + "/histograms";
  const std::string bytes = fs_.read_file(path).value();
  const auto overwrite = [&](std::string_view content) {
    db_.reset();
    ASSERT_TRUE(fs_.create(path).value()->append(content));
    reopen();
  };
  std::string damaged = bytes;
  damaged[40] ^= 1;
  overwrite(damaged);
  const size_t left = read().size();
  EXPECT_LT(left, all);
  EXPECT_GT(left, all / 2);
  overwrite(std::string_view(bytes).substr(0, bytes.size() / 2));
  EXPECT_EQ(read().size(), left);
  db_.reset();
  ASSERT_TRUE(fs_.remove(path));
  reopen();
  EXPECT_EQ(read().size(), left);
  overwrite(bytes);
  EXPECT_EQ(read().size(), all);
}

/// Random histories against a plain model, through kills, failing files and losses of power.
class HistogramHistory {
 public:
  HistogramHistory(uint64_t seed, double failing, double power)
      : random_(seed), failing_(failing), power_(power) {
    configure_logging(LogLevel::kError, LogFormat::kLogfmt);
    options_.path = dir_.path();
    options_.block_span = 10min;
    options_.out_of_order_window = 20min;
    options_.retention_time = Millis(0);
    options_.wal_segment_bytes = 16 << 10;
    open();
  }

  void run(int steps) {
    for (int i = 0; i < steps && !testing::Test::HasFatalFailure(); ++i) step();
    open();
    fs_.set_hook(nullptr);
    check(read_all());
  }

 private:
  using Values = std::map<TimestampMs, HistogramPtr>;  // null: a float
  using Model = std::map<Labels, Values>;

  bool chance(double p) { return std::uniform_real_distribution<>(0, 1)(random_) < p; }
  int pick(int n) { return std::uniform_int_distribution<>(0, n - 1)(random_); }

  void open() {
    db_.reset();
    fs_.set_hook(nullptr);
    auto opened = Db::open(options_, fs_, clock_);
    ASSERT_TRUE(opened) << opened.error().message;
    db_ = std::move(*opened);
    if (failing_ == 0) return;
    fs_.set_hook([this](std::string_view operation, const std::string& path) -> Result<> {
      if (!chance(failing_)) return {};
      return fail(ErrorCode::kIo, fmt::format("injected: {} {}", operation, path));
    });
  }

  void step() {
    if (chance(0.7)) {
      append();
    } else if (chance(0.8)) {
      db_->maintain();
    } else if (chance(0.3)) {
      (void)db_->compact();
    } else if (chance(0.3)) {
      if (db_->flush()) synced_ = model_;
    }
    if (chance(0.02)) open();
    if (chance(power_)) lose_power();
  }

  void append() {
    now_ += pick(40'000);
    if (now_ > clock_.now_ms()) clock_.advance(Millis(now_ - clock_.now_ms()));
    std::vector<TimedHistogram> samples;
    std::vector<Labels> series;
    for (int n = 1 + pick(6); n > 0; --n) {
      const Labels labels{{kMetricName, "h"}, {"i", std::to_string(pick(4))}};
      const auto id = db_->series(labels);
      if (!id) return;
      const TimestampMs t = now_ - (chance(0.2) ? pick(900'000) : pick(3000));
      const auto h = chance(0.3) ? arbitrary_histogram(random_) : grown_;
      observe(grown_, static_cast<size_t>(pick(8)));
      samples.push_back({*id, t, shared(h)});
      series.push_back(labels);
    }
    if (chance(0.1)) {
      const TimedSample sample{samples.front().series, samples.front().t, 7};
      if (db_->append_samples({&sample, 1})) {
        model_[series.front()].insert_or_assign(sample.t, nullptr);
      }
    }
    if (!db_->append_histograms(samples)) return;
    for (size_t i = 0; i < samples.size(); ++i) {
      model_[series[i]].try_emplace(samples[i].t, samples[i].h);
    }
  }

  Model read_all() {
    Model found;
    const Matcher all = Matcher::equal(std::string(kMetricName), "h");
    auto set = db_->select({&all, 1}, {}, 0);
    EXPECT_TRUE(set) << set.error().message;
    SampleColumns samples;
    for (size_t i = 0; set && i < (*set)->size(); ++i) {
      EXPECT_TRUE((*set)->read(i, {}, samples));
      Values values;
      for (size_t k = 0; k < samples.size(); ++k) {
        const auto h = samples.h.empty() ? nullptr : samples.h[k];
        EXPECT_TRUE(values.try_emplace(samples.t[k], h).second);
      }
      if (!values.empty()) found[(*set)->labels(i)] = std::move(values);
    }
    return found;
  }

  static bool same(const HistogramPtr& a, const HistogramPtr& b) {
    return !a || !b ? !a && !b : same_histogram(*a, *b);
  }

  /// All of `part` is in `whole`; a float may have come over a histogram.
  static void expect_in(const Model& part, const Model& whole, std::string_view what) {
    for (const auto& [labels, values] : part) {
      const auto series = whole.find(labels);
      ASSERT_TRUE(series != whole.end() || values.empty()) << what << labels.to_string();
      for (const auto& [t, h] : values) {
        const auto sample = series->second.find(t);
        ASSERT_NE(sample, series->second.end()) << what << labels.to_string() << t - kStart;
        ASSERT_TRUE(same(sample->second, h)) << what << labels.to_string() << t - kStart;
      }
    }
  }

  void check(const Model& found) {
    expect_in(model_, found, "lost: ");
    expect_in(found, model_, "made up: ");
  }

  void lose_power() {
    db_.reset();
    fs_.set_hook(nullptr);
    ASSERT_TRUE(fs_.lose_power());
    const double failing = std::exchange(failing_, 0);
    open();
    failing_ = failing;
    Model found = read_all();
    for (const auto& [labels, values] : synced_) {
      for (const auto& [t, h] : values) ASSERT_TRUE(found[labels].contains(t)) << t - kStart;
    }
    model_ = found;
    synced_ = std::move(found);
    open();
  }

  std::mt19937_64 random_;
  double failing_;
  double power_;
  TempDir dir_;
  FaultFs fs_{real_fs()};
  ManualClock clock_{kStart};
  Options options_;
  std::unique_ptr<Db> db_;
  FloatHistogram grown_ = example_histogram();
  TimestampMs now_ = kStart;
  Model model_;
  Model synced_;
};

class HistogramProperty : public testing::TestWithParam<uint64_t> {};

TEST_P(HistogramProperty, AgreesWithTheModelThroughKills) {
  HistogramHistory(GetParam(), 0, 0).run(500);
}
TEST_P(HistogramProperty, AgreesWithTheModelThroughFailingFiles) {
  HistogramHistory(GetParam(), 0.05, 0).run(500);
}
TEST_P(HistogramProperty, KeepsWhatWasSyncedThroughLossOfPower) {
  HistogramHistory(GetParam(), 0.01, 0.02).run(500);
}

INSTANTIATE_TEST_SUITE_P(Seeds, HistogramProperty, testing::Range<uint64_t>(1, 5));

}  // namespace
}  // namespace strata::tsdb
