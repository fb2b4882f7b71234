// For tests: groups over series in memory, whose samples tests and rules add, and a clock that they
// move.
#pragma once
#include <gtest/gtest.h>

#include "base/temp_dir.h"
#include "promql/memory_source.h"
#include "rules/as_vector.h"
#include "rules/manager.h"
#include "rules/memory_writer.h"

namespace strata::rules {

/// A store that may be full.
class FailingWriter final : public SeriesWriter {
 public:
  explicit FailingWriter(promql::MemorySource& source) : memory_(source) {}
  Result<Series> series(const Labels& labels) override { return memory_.series(labels); }
  Result<Counts> append(TimestampMs t, std::span<const Series> series,
                        std::span<const double> values) override {
    if (fails) return fail(ErrorCode::kIo, "the disk is full");
    return memory_.append(t, series, values);
  }
  bool fails = false;

 private:
  MemoryWriter memory_;
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
    return {.query =
                [this](const promql::Expr& expr, const std::string& text, TimestampMs at) {
                  return as_vector(engine_.instant(source_, expr, text, at));
                },
            .text_query =
                [this](std::string_view text, TimestampMs at) {
                  return as_vector(engine_.instant(source_, text, at));
                },
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
  FailingWriter writer_{source_};
  CollectingSink sink_;
  std::unique_ptr<StateLog> state_;
  std::vector<std::unique_ptr<GroupDeps>> deps_;
};

}  // namespace strata::rules
