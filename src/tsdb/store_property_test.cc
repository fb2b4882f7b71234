// Random histories against a plain model: maps of maps. The store is killed, loses power, and meets
// failing and torn writes on the way; whatever it acknowledged must be there, once, bit for bit.
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "base/fault_fs.h"
#include "base/log.h"
#include "base/temp_dir.h"
#include "tsdb/db.h"

namespace strata::tsdb {
namespace {

using namespace std::chrono_literals;

constexpr TimestampMs kStart = 1'700'000'000'000;

using Values = std::map<TimestampMs, uint64_t>;  // bits
using Model = std::map<Labels, Values>;

struct Faults {
  double failing = 0;  // share of file operations that fail
  double power = 0;    // share of steps that end in a loss of power
  double reopening = 0.02;
};

class History {
 public:
  History(uint64_t seed, Faults faults) : random_(seed), faults_(faults), fs_(real_fs()) {
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
    fs_.set_hook(nullptr);
    open();
    check();
  }

 private:
  double chance() { return std::uniform_real_distribution<>(0, 1)(random_); }
  int pick(int n) { return std::uniform_int_distribution<>(0, n - 1)(random_); }

  void step() {
    const double p = chance();
    if (p < 0.70) {
      scrape();
    } else if (p < 0.80) {
      timed();
    } else if (p < 0.96) {
      db_->maintain();
    } else if (p < 0.97) {
      (void)db_->compact();
    } else if (p < 0.98) {
      if (db_->flush()) synced_ = model_;
    } else {
      check();
    }
    if (chance() < faults_.reopening) open();
    if (chance() < faults_.power) lose_power();
  }

  void arm() {
    if (faults_.failing == 0) return;
    fs_.set_hook([this](std::string_view operation, const std::string& path) -> Result<> {
      if (chance() >= faults_.failing) return {};
      return fail(ErrorCode::kIo, fmt::format("injected: {} {}", operation, path));
    });
  }

  void open() {
    db_.reset();
    fs_.set_hook(nullptr);
    auto opened = Db::open(options_, fs_, clock_);
    ASSERT_TRUE(opened) << opened.error().message;
    db_ = std::move(*opened);
    ids_.clear();
    arm();
  }

  void lose_power() {
    db_.reset();
    fs_.set_hook(nullptr);
    ASSERT_TRUE(fs_.lose_power());
    open();
    // Between what was synced and what was appended; go on with what there is.
    fs_.set_hook(nullptr);
    Model found = read_all();
    arm();
    for (const auto& [labels, values] : synced_) {
      for (const auto& [t, bits] : values) {
        ASSERT_TRUE(found[labels].contains(t)) << labels.to_string() << " lost " << t - kStart;
      }
    }
    for (const auto& [labels, values] : found) {
      for (const auto& [t, bits] : values) {
        const auto sample = model_[labels].find(t);
        ASSERT_TRUE(sample != model_[labels].end() && sample->second == bits)
            << labels.to_string() << " made up " << t - kStart;
      }
    }
    model_ = std::move(found);
    synced_ = model_;
  }

  double value() {
    switch (pick(10)) {
      case 0: return stale_nan();
      case 1: return std::bit_cast<double>(0x7ff8000000000000 | (random_() & 0xffff));
      case 2: return -0.0;
      case 3: return std::bit_cast<double>(random_());
      case 4: return chance() * 1000;
      case 5: return std::numeric_limits<double>::infinity();
      default: return std::floor(chance() * 100);
    }
  }

  struct Target {
    std::vector<int> columns;
    int next_column = 0;
    TimestampMs last = 0;
  };

  Labels labels_of(int target, int column) {
    return {{kMetricName, fmt::format("m{}", column % 3)},
            {"target", std::to_string(target)},
            {"column", std::to_string(column)}};
  }

  void churn(Target& target) {
    if (target.columns.empty() || chance() < 0.1) target.columns.push_back(target.next_column++);
    if (chance() < 0.05 && target.columns.size() > 1) {
      target.columns.erase(target.columns.begin() + pick(static_cast<int>(target.columns.size())));
    }
    if (chance() < 0.02) std::ranges::shuffle(target.columns, random_);
    if (target.columns.size() > 40) target.columns.resize(20);
  }

  SeriesId id_of(const Labels& labels) {
    const auto [entry, is_new] = ids_.try_emplace(labels);
    if (is_new) entry->second = db_->series(labels).value();
    return entry->second;
  }

  void scrape() {
    const int number = pick(4);
    Target& target = targets_[number];
    churn(target);
    TimestampMs t = now_ += pick(20'000);
    const double p = chance();
    if (p < 0.03 && target.last > 0) t = target.last;
    if (p > 0.95) t -= pick(300'000);
    target.last = std::max(target.last, t);
    advance();
    std::vector<SeriesId> columns;
    std::vector<double> values;
    for (const int column : target.columns) {
      columns.push_back(id_of(labels_of(number, column)));
      values.push_back(value());
    }
    const auto stats =
        db_->append_scrape(db_->target(fmt::format("target-{}", number)), t, columns, values);
    if (!stats) {
      ASSERT_EQ(stats.error().code, ErrorCode::kIo) << stats.error().message;
      return;
    }
    size_t known = 0;
    for (size_t i = 0; i < columns.size(); ++i) {
      known += !remember(labels_of(number, target.columns[i]), t, values[i]);
    }
    // A scrape may come again for a time that only late samples have; reading then drops it.
    ASSERT_EQ(stats->too_old, 0u);
    ASSERT_LE(stats->appended, columns.size());
    ASSERT_GE(stats->appended, columns.size() - known);
  }

  void timed() {
    std::vector<TimedSample> samples;
    std::vector<Labels> labels;
    for (int n = pick(30) + 1; n > 0; --n) {
      const Labels series{{kMetricName, "timed"}, {"i", std::to_string(pick(10))}};
      const TimestampMs t = now_ - (chance() < 0.3 ? pick(600'000) : pick(3000));
      samples.push_back({id_of(series), t, value()});
      labels.push_back(series);
    }
    const auto stats = db_->append_samples(samples);
    if (!stats) return;
    size_t stored = 0;
    for (size_t i = 0; i < samples.size(); ++i) {
      stored += remember(labels[i], samples[i].t, samples[i].v);
    }
    ASSERT_GE(stats->appended, stored);
  }

  bool remember(const Labels& labels, TimestampMs t, double v) {
    return model_[labels].try_emplace(t, std::bit_cast<uint64_t>(v)).second;
  }

  void advance() {
    if (now_ > clock_.now_ms()) clock_.advance(Millis(now_ - clock_.now_ms()));
  }

  Model read_all() {
    Model found;
    const Matcher all = Matcher::make(Matcher::Op::kRegex, std::string(kMetricName), ".+").value();
    auto set = db_->select({&all, 1}, {}, 0);
    EXPECT_TRUE(set) << set.error().message;
    SampleColumns samples;
    for (size_t i = 0; set && i < (*set)->size(); ++i) {
      EXPECT_TRUE((*set)->read(i, {}, samples));
      Values values;
      for (size_t k = 0; k < samples.size(); ++k) {
        EXPECT_TRUE(values.try_emplace(samples.t[k], std::bit_cast<uint64_t>(samples.v[k])).second);
      }
      if (!values.empty()) {
        EXPECT_TRUE(found.try_emplace((*set)->labels(i), std::move(values)).second) << "twice";
      }
    }
    return found;
  }

  void check() {
    fs_.set_hook(nullptr);
    Model found = read_all();
    for (const auto& [labels, values] : model_) {
      for (const auto& [t, bits] : values) {
        const auto sample = found[labels].find(t);
        ASSERT_NE(sample, found[labels].end()) << labels.to_string() << " lost " << t - kStart;
        ASSERT_EQ(sample->second, bits) << labels.to_string() << " at " << t - kStart;
      }
      ASSERT_EQ(found[labels].size(), values.size()) << labels.to_string();
    }
    check_last();
    arm();
  }

  /// read_last() says what read() ends with.
  void check_last() {
    const Matcher matcher = Matcher::make(Matcher::Op::kRegex, "target", "[01]").value();
    const TimeRange range{now_ - pick(3'000'000), now_ - pick(1'000'000)};
    auto set = db_->select({&matcher, 1}, range, 0).value();
    SampleColumns samples;
    for (size_t i = 0; i < set->size(); ++i) {
      ASSERT_TRUE(set->read(i, range, samples));
      Sample last;
      HistogramPtr histogram;
      const bool found = set->read_last(i, range, last, histogram).value();
      ASSERT_EQ(found, samples.size() > 0) << set->labels(i).to_string();
      if (!found) continue;
      ASSERT_EQ(last.t, samples.t.back());
      ASSERT_EQ(std::bit_cast<uint64_t>(last.v), std::bit_cast<uint64_t>(samples.v.back()));
    }
  }

  std::mt19937_64 random_;
  const Faults faults_;
  TempDir dir_;
  FaultFs fs_;
  ManualClock clock_{kStart};
  Options options_;
  std::unique_ptr<Db> db_;
  std::map<Labels, SeriesId> ids_;
  std::map<int, Target> targets_;
  TimestampMs now_ = kStart;
  Model model_;
  Model synced_;
};

class StoreProperty : public testing::TestWithParam<uint64_t> {};

TEST_P(StoreProperty, AgreesWithTheModelThroughKills) { History(GetParam(), {}).run(400); }

TEST_P(StoreProperty, AgreesWithTheModelThroughFailingFiles) {
  History(GetParam(), {.failing = 0.05}).run(400);
}

TEST_P(StoreProperty, KeepsWhatWasSyncedThroughLossOfPower) {
  History(GetParam(), {.failing = 0.01, .power = 0.02}).run(400);
}

INSTANTIATE_TEST_SUITE_P(Seeds, StoreProperty, testing::Range<uint64_t>(1, 6));

}  // namespace
}  // namespace strata::tsdb
