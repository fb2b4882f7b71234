// An alerting rule: its expression's results become alerts, which wait (`for`), fire, are kept
// firing (`keep_firing_for`), end, and are remembered for 15 minutes so that receivers surely hear
// of it.
//
// The state machine is Prometheus'. Two things are added that an author of rules wants to tell from
// "all is well": an alert whose series is gone ends with `no_data_since` set (and fires on for
// RuleSettings::no_data_hold); and while the expression cannot be evaluated alerts stay as they are
// and receivers are told so again, so that an error ends no alert.
//
// Owned by its group. evaluate() and restore() are called by one thread at a time, the views by
// any. Bounded by the engine's limits and the group's `limit`.
#pragma once
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "rules/alert.h"
#include "rules/alert_template.h"
#include "rules/evaluation.h"
#include "rules/rule_output.h"
#include "rules/sink.h"

namespace strata::rules {

class AlertingRule {
 public:
  /// How long an alert that ended is remembered, and receivers are told.
  static constexpr Millis kResolvedRetention = std::chrono::minutes(15);

  /// REQUIRES: `spec` is an alert of a file that was parsed, and outlives the rule.
  explicit AlertingRule(const RuleSpec& spec);

  struct Changes {
    std::vector<Alert> changed;  // whose state is to be kept over a restart
    std::vector<Labels> removed;
    size_t removed_pending = 0;  // of the removed: they waited, and never fired
    size_t ended = 0;
    size_t ended_without_data = 0;
    size_t failed_templates = 0;
  };
  /// Adds ALERTS and ALERTS_FOR_STATE to `output`, and what became of alerts to `changes`. Error:
  /// what the rule's health shows; the alerts are as they were, but for kLimit (more than the
  /// group's limit), which drops them all, as Prometheus does.
  Result<> evaluate(const EvaluationContext& context, RuleOutput& output, Changes& changes);

  /// What receivers are to hear now; marks it as sent.
  std::vector<AlertNotice> due_notices(const EvaluationContext& context, Millis interval);

  /// Alerts of another life of the rule. Before the first evaluation.
  void restore(std::vector<Alert> alerts);
  std::vector<Alert> alerts() const;  // ended ones too; by labels
  AlertState state() const;
  struct Counts {
    size_t pending = 0;
    size_t firing = 0;
    size_t no_data = 0;  // gone without data, or held since, of the alerts that are remembered
  };
  Counts counts() const;
  const RuleSpec& spec() const { return spec_; }

 private:
  struct Found {
    Labels series;
    Labels labels;
    StringPairs annotations;
    double value = 0;
  };
  using Alerts = std::unordered_map<Labels, Alert, LabelsHash>;

  Result<std::vector<Found>> expand(const Vector& result, const EvaluationContext& context,
                                    size_t& failed) const;
  Result<std::vector<Labels>> without_data(const std::vector<Found>& found,
                                           const EvaluationContext& context) const;
  void step(const EvaluationContext& context, std::vector<Found> found,
            const std::vector<Labels>& no_data, Changes& changes) REQUIRES(mutex_);
  void take(const EvaluationContext& context, Found now, Changes& changes) REQUIRES(mutex_);
  bool keep_firing(Alert& alert, const EvaluationContext& context) const;
  void add_output(RuleOutput& output) const REQUIRES(mutex_);

  const RuleSpec& spec_;
  std::vector<std::pair<std::string, AlertTemplate>> labels_;
  std::vector<std::pair<std::string, AlertTemplate>> annotations_;
  bool has_templates_ = false;  // some text is not constant
  /// What the expression compares, when it is a comparison: has a series where there are data.
  const promql::Expr* compared_ = nullptr;
  std::string generator_path_;

  mutable Mutex mutex_;
  Alerts alerts_ GUARDED_BY(mutex_);
};

}  // namespace strata::rules
