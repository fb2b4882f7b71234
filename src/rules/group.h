// One group at work: its rules in order, one iteration at a time.
//
// Owned by Manager (or by a unit test or a replay, which drive it themselves). An iteration is
// begin(), evaluate_next() until it says that was the last, end(): by one thread at a time, not
// necessarily the same. view() by any thread, any time.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "rules/alerting_rule.h"
#include "rules/recording_rule.h"
#include "rules/series_writer.h"
#include "rules/state_log.h"
#include "rules/view.h"

namespace strata::rules {

/// What all groups share; outlives them.
struct GroupDeps {
  ExprQuery query;
  /// For templates: text, not yet parsed.
  std::function<Result<Vector>(std::string_view query, TimestampMs at)> text_query;
  SeriesWriter& writer;
  Sink* sink = nullptr;       // null: nobody is told
  StateLog* state = nullptr;  // null: nothing outlives the process
  const Clock& clock;
};

class Group {
 public:
  /// REQUIRES: `spec` is of a file that was parsed; `deps` outlives the group.
  Group(std::string file, std::shared_ptr<const GroupSpec> spec,
        std::shared_ptr<const RuleSettings> settings, const GroupDeps& deps);

  /// Takes over what `old` knows of the rules that both have: alerts, and the series that they
  /// wrote. What only `old` had is given up by the old group's end().
  void adopt(Group& old);
  /// Takes over alerts of the last run of the process. Before the first iteration.
  void restore(StateLog& state);

  /// Called with what each evaluation of an alerting rule changed, by the evaluating thread.
  using OnChange = std::function<void(const RuleSpec&, const AlertingRule::Changes&)>;
  void on_change(OnChange callback) { on_change_ = std::move(callback); }

  void begin(TimestampMs at);
  /// Evaluates the next rule; false when that was the last, or there is none.
  bool evaluate_next();
  void finish();
  /// All of an iteration.
  void evaluate(TimestampMs at);
  /// The group is no more: its series end, its alerts are forgotten.
  void end();
  void count_missed(uint64_t iterations);

  const std::string& file() const { return file_; }
  const GroupSpec& spec() const { return *spec_; }
  Millis interval() const;
  enum class Detail : uint8_t {
    kAll,
    kRules,     // without alerts and their states
    kCounters,  // without rules
  };
  GroupView view(Detail detail = Detail::kAll) const;
  void append_alert_counts(std::vector<AlertingRule::Counts>& out) const;
  /// Of the rules in the state log.
  void append_keys(std::vector<std::string>& out) const;
  bool uses(const RuleSettings& settings) const { return *settings_ == settings; }
  /// Alerts that fire or wait, of all rules named `alert`.
  std::vector<Alert> alerts_of(std::string_view alert) const;

 private:
  struct Rule {
    const RuleSpec* spec = nullptr;
    std::unique_ptr<AlertingRule> alerting;  // null: a recording rule
    RuleOutput output;
    std::string key;  // in the state log
    Health health = Health::kUnknown;
    std::string last_error;
    TimestampMs last_evaluation = 0;
    double evaluation_seconds = 0;
  };

  Result<> run(Rule& rule, const EvaluationContext& context, GroupCounters& counted);
  void keep_changes(const Rule& rule, const AlertingRule::Changes& changes);

  const std::string file_;
  const std::shared_ptr<const GroupSpec> spec_;
  const std::shared_ptr<const RuleSettings> settings_;
  const GroupDeps& deps_;
  std::vector<std::unique_ptr<Rule>> rules_;

  // The iteration that runs; the evaluating thread's.
  TimestampMs at_ = 0;
  size_t next_ = 0;
  std::chrono::nanoseconds began_{0};
  uint64_t samples_ = 0;
  OnChange on_change_;

  mutable Mutex mutex_;  // guards the fields of Rule from `health` on, too
  GroupCounters counters_ GUARDED_BY(mutex_);
  TimestampMs last_evaluation_ GUARDED_BY(mutex_) = 0;
  double evaluation_seconds_ GUARDED_BY(mutex_) = 0;
};

}  // namespace strata::rules
