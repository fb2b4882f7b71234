#include "rules/group.h"

#include <map>

#include "base/log.h"

namespace strata::rules {

std::string_view to_string(Health health) {
  switch (health) {
    case Health::kUnknown: return "unknown";
    case Health::kOk: return "ok";
    case Health::kError: return "err";
  }
  return "";
}

Group::Group(std::string file, std::shared_ptr<const GroupSpec> spec,
             std::shared_ptr<const RuleSettings> settings, const GroupDeps& deps)
    : file_(std::move(file)), spec_(std::move(spec)), settings_(std::move(settings)), deps_(deps) {
  // Rules are the same when their name and labels are; of several such, by their order.
  std::map<std::string, size_t> seen;
  for (const RuleSpec& rule : spec_->rules) {
    auto made = std::make_unique<Rule>();
    made->spec = &rule;
    if (rule.is_alert()) made->alerting = std::make_unique<AlertingRule>(rule);
    std::string key = fmt::format("{}\n{}\n{}", file_, spec_->name, rule.name());
    for (const auto& [name, value] : rule.labels) key += fmt::format("\n{}={}", name, value);
    made->key = fmt::format("{}\n#{}", key, seen[key]++);
    rules_.push_back(std::move(made));
  }
}

Millis Group::interval() const {
  return spec_->interval.count() > 0 ? spec_->interval : settings_->evaluation_interval;
}

void Group::adopt(Group& old) {
  for (auto& rule : rules_) {
    for (auto& other : old.rules_) {
      if (other->key != rule->key || other->spec->is_alert() != rule->spec->is_alert()) continue;
      std::swap(rule->output, other->output);
      if (rule->alerting) rule->alerting->restore(other->alerting->alerts());
      MutexLock lock(old.mutex_);
      rule->health = other->health;
      rule->last_error = other->last_error;
      rule->last_evaluation = other->last_evaluation;
      rule->evaluation_seconds = other->evaluation_seconds;
    }
  }
}

void Group::restore(StateLog& state) {
  const TimestampMs away_since = state.last_written();
  const TimestampMs away = deps_.clock.now_ms() - away_since;
  for (auto& rule : rules_) {
    if (!rule->alerting) continue;
    auto alerts = state.alerts(rule->key);
    std::erase_if(alerts, [&](const Alert& alert) {
      return alert.state == AlertState::kPending && away > settings_->outage_tolerance.count();
    });
    // An alert does not wait while nobody looks.
    for (Alert& alert : alerts) {
      if (alert.state == AlertState::kPending && away > 0) alert.active_at += away;
    }
    rule->alerting->restore(std::move(alerts));
  }
}

void Group::begin(TimestampMs at) {
  at_ = at;
  next_ = 0;
  samples_ = 0;
  began_ = deps_.clock.steady();
}

bool Group::evaluate_next() {
  if (next_ >= rules_.size()) return false;
  Rule& rule = *rules_[next_++];
  templates::QueryContext templating;
  templating.at = at_ - spec_->query_offset.value_or(settings_->query_offset).count();
  templating.query = deps_.text_query;
  templating.external_url = settings_->external_url;
  const auto functions = templates::query_functions(templating);
  const EvaluationContext context{.query = deps_.query,
                                  .settings = *settings_,
                                  .functions = functions,
                                  .at = at_,
                                  .query_at = templating.at,
                                  .limit = spec_->limit};
  const auto began = deps_.clock.steady();
  GroupCounters counted;
  const auto result = run(rule, context, counted);
  const auto took = std::chrono::duration<double>(deps_.clock.steady() - began).count();
  if (!result) {
    log_warn("a rule could not be evaluated", {{"file", file_},
                                               {"group", spec_->name},
                                               {"rule", rule.spec->name()},
                                               {"error", result.error().message}});
  }
  MutexLock lock(mutex_);
  rule.health = result ? Health::kOk : Health::kError;
  rule.last_error = result ? "" : result.error().message;
  rule.last_evaluation = at_;
  rule.evaluation_seconds = took;
  ++counters_.evaluations;
  counters_.failures += result ? 0 : 1;
  counters_.ended += counted.ended;
  counters_.ended_without_data += counted.ended_without_data;
  counters_.failed_templates += counted.failed_templates;
  counters_.histograms_dropped += counted.histograms_dropped;
  counters_.samples_dropped += counted.samples_dropped;
  return next_ < rules_.size();
}

Result<> Group::run(Rule& rule, const EvaluationContext& context, GroupCounters& counted) {
  Result<> evaluated;
  if (rule.alerting) {
    AlertingRule::Changes changes;
    evaluated = rule.alerting->evaluate(context, rule.output, changes);
    counted.ended = changes.ended;
    counted.ended_without_data = changes.ended_without_data;
    counted.failed_templates = changes.failed_templates;
    keep_changes(rule, changes);
    if (on_change_) on_change_(*rule.spec, changes);
    if (deps_.sink != nullptr) {
      // Also when the expression could not be evaluated: what fires is still said to.
      auto notices = rule.alerting->due_notices(context, interval());
      if (!notices.empty()) deps_.sink->send(at_, std::move(notices));
    }
  } else {
    const auto recorded = evaluate_recording(*rule.spec, context, rule.output);
    if (recorded)
      counted.histograms_dropped = recorded->histograms_dropped;
    else
      evaluated = std::unexpected(recorded.error());
  }
  // On an error the series of before are left as they are, to be found for the lookback's time.
  TRY(evaluated);
  const auto counts = TRY(rule.output.write(deps_.writer, context.query_at));
  counted.samples_dropped = counts.dropped;
  samples_ += rule.output.size();
  return {};
}

void Group::keep_changes(const Rule& rule, const AlertingRule::Changes& changes) {
  if (changes.ended_without_data > 0) {
    log_warn("alerts ended because their series are gone, not because the condition is over",
             {{"rule", rule.spec->name()}, {"alerts", changes.ended_without_data}});
  }
  if (deps_.state == nullptr) return;
  if (auto kept = deps_.state->write(rule.key, changes.changed, changes.removed, at_); !kept) {
    log_error("the states of alerts could not be written; a restart may forget the last changes",
              {{"error", kept.error().message}});
  }
}

void Group::finish() {
  bool pending = false;
  for (const auto& rule : rules_) {
    pending = pending || (rule->alerting && rule->alerting->state() == AlertState::kPending);
  }
  if (pending && deps_.state != nullptr) deps_.state->mark_alive(at_);
  MutexLock lock(mutex_);
  ++counters_.iterations;
  counters_.samples = samples_;
  last_evaluation_ = at_;
  evaluation_seconds_ = std::chrono::duration<double>(deps_.clock.steady() - began_).count();
}

void Group::evaluate(TimestampMs at) {
  begin(at);
  while (evaluate_next()) {
  }
  finish();
}

void Group::end() {
  const TimestampMs at = deps_.clock.now_ms();
  for (auto& rule : rules_) {
    if (auto ended = rule->output.end(deps_.writer, at); !ended) {
      log_warn("the series of a rule that is no more could not be ended",
               {{"rule", rule->spec->name()}, {"error", ended.error().message}});
    }
  }
}

void Group::count_missed(uint64_t iterations) {
  MutexLock lock(mutex_);
  counters_.missed += iterations;
}

void Group::append_alert_counts(std::vector<AlertingRule::Counts>& out) const {
  for (const auto& rule : rules_) {
    if (rule->alerting) out.push_back(rule->alerting->counts());
  }
}

void Group::append_keys(std::vector<std::string>& out) const {
  for (const auto& rule : rules_) out.push_back(rule->key);
}

GroupView Group::view(Detail detail) const {
  GroupView out;
  out.spec = spec_;
  out.file = file_;
  out.interval = interval();
  out.query_offset = spec_->query_offset.value_or(settings_->query_offset);
  for (const auto& rule : rules_) {
    if (detail == Detail::kCounters) break;
    RuleView view;
    view.group = spec_;
    view.spec = rule->spec;
    if (rule->alerting && detail == Detail::kAll) {
      view.alerts = rule->alerting->alerts();
      std::erase_if(view.alerts,
                    [](const Alert& alert) { return alert.state == AlertState::kInactive; });
      view.state = rule->alerting->state();
      view.no_data = rule->alerting->counts().no_data;
    }
    out.rules.push_back(std::move(view));
  }
  MutexLock lock(mutex_);
  out.last_evaluation = last_evaluation_;
  out.evaluation_seconds = evaluation_seconds_;
  out.counters = counters_;
  for (size_t i = 0; i < out.rules.size(); ++i) {
    out.rules[i].health = rules_[i]->health;
    out.rules[i].last_error = rules_[i]->last_error;
    out.rules[i].last_evaluation = rules_[i]->last_evaluation;
    out.rules[i].evaluation_seconds = rules_[i]->evaluation_seconds;
  }
  return out;
}

std::vector<Alert> Group::alerts_of(std::string_view alert) const {
  std::vector<Alert> out;
  for (const auto& rule : rules_) {
    if (!rule->alerting || rule->spec->alert != alert) continue;
    for (Alert& found : rule->alerting->alerts()) {
      if (found.state != AlertState::kInactive) out.push_back(std::move(found));
    }
  }
  return out;
}

}  // namespace strata::rules
