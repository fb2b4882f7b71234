// For tests: groups over series in memory, whose samples tests and rules add, and a clock that they
// move.
#pragma once
#include <gtest/gtest.h>

#include "base/temp_dir.h"
#include "promql/memory_source.h"
#include "rules/manager.h"

namespace strata::rules {

/// Writes into a MemorySource. Everything waits for the one mutex, queries too: tests only.
class MemoryWriter final : public SeriesWriter {
 public:
  explicit MemoryWriter(promql::MemorySource& source) : source_(source) {}
  Result<Series> series(const Labels& labels) override {
    MutexLock lock(mutex_);
    names_.push_back(labels);
    return static_cast<Series>(names_.size() - 1);
  }
  Result<Counts> append(TimestampMs t, std::span<const Series> series,
                        std::span<const double> values) override {
    MutexLock lock(mutex_);
    if (fails) return fail(ErrorCode::kIo, "the disk is full");
    for (size_t i = 0; i < series.size(); ++i) {
      SampleColumns sample;
      sample.t = {t};
      sample.v = {values[i]};
      source_.add(names_[static_cast<size_t>(series[i])], sample);
    }
    return Counts{};
  }
  bool fails = false;

 private:
  Mutex mutex_;
  promql::MemorySource& source_;
  std::vector<Labels> names_;
};

class CollectingSink final : public Sink {
 public:
  void send(TimestampMs, std::vector<AlertNotice> alerts) override {
    MutexLock lock(mutex_);
    for (auto& alert : alerts) notices_.push_back(std::move(alert));
  }
  std::vector<AlertNotice> take() {
    MutexLock lock(mutex_);
    return std::exchange(notices_, {});
  }

 private:
  Mutex mutex_;
  std::vector<AlertNotice> notices_ GUARDED_BY(mutex_);
};

class RulesTest : public ::testing::Test {
 protected:
  static constexpr TimestampMs kStart = 1'700'000'000'000;

  void add(const Labels& labels, double value) {
    SampleColumns sample;
    sample.t = {clock_.now_ms()};
    sample.v = {value};
    source_.add(labels, sample);
  }
  void pass(std::chrono::milliseconds time) { clock_.advance(time); }

  GroupDeps deps() {
    const auto as_vector = [](Result<QueryResult> result) -> Result<Vector> {
      if (!result) return std::unexpected(result.error());
      if (auto* vector = std::get_if<Vector>(&result->value)) return *vector;
      return Vector{{Labels(), Point{0, std::get<Scalar>(result->value).v, nullptr}}};
    };
    return {
        .query =
            [this, as_vector](const promql::Expr& expr, const std::string& text, TimestampMs at) {
              return as_vector(engine_.instant(source_, expr, text, at));
            },
        .text_query = [this, as_vector](
                          std::string_view text,
                          TimestampMs at) { return as_vector(engine_.instant(source_, text, at)); },
        .writer = writer_,
        .sink = &sink_,
        .state = state_.get(),
        .clock = clock_};
  }
  /// The only group of a file.
  std::unique_ptr<Group> group(std::string_view text, RuleSettings settings = {}) {
    const auto file = parse_rule_file(text, "r.yml");
    EXPECT_TRUE(file) << file.error().message;
    deps_.push_back(std::make_unique<GroupDeps>(deps()));
    return std::make_unique<Group>("r.yml", std::make_shared<GroupSpec>(file->groups.at(0)),
                                   std::make_shared<RuleSettings>(std::move(settings)),
                                   *deps_.back());
  }
  void open_state() { state_ = std::move(*StateLog::open(dir_.file("rules"), real_fs(), clock_)); }

  /// What `query` gives now, "{labels} value" a line.
  std::string ask(std::string_view query) {
    auto result = engine_.instant(source_, query, clock_.now_ms());
    EXPECT_TRUE(result) << result.error().message;
    std::string out;
    for (const auto& sample : std::get<Vector>(result->value)) {
      out += fmt::format("{} {}\n", sample.metric.to_string(), sample.point.v);
    }
    return out;
  }

  TempDir dir_;
  ManualClock clock_{kStart};
  promql::MemorySource source_;
  promql::Engine engine_{{}, nullptr, clock_};
  MemoryWriter writer_{source_};
  CollectingSink sink_;
  std::unique_ptr<StateLog> state_;
  std::vector<std::unique_ptr<GroupDeps>> deps_;
};

}  // namespace strata::rules
