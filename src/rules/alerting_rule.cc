#include "rules/alerting_rule.h"

#include <algorithm>
#include <unordered_set>

#include "model/fingerprint.h"

namespace strata::rules {
namespace {

// The side of a filtering comparison that the result's series are; of `a > 1 and b`, that of a.
const promql::Expr* compared_side(const promql::Expr& whole) {
  const promql::Expr& expr = promql::unwrap(whole);
  if (expr.kind != promql::ExprKind::kBinary) return nullptr;
  const auto& binary = promql::as<promql::BinaryExpr>(expr);
  if (binary.op == promql::Op::kAnd || binary.op == promql::Op::kUnless) {
    return compared_side(*binary.lhs);
  }
  if (!promql::is_comparison(binary.op) || binary.return_bool) return nullptr;
  const bool left_is_vector = promql::type_of(*binary.lhs) == promql::ValueType::kVector;
  return left_is_vector ? binary.lhs.get() : binary.rhs.get();
}

std::vector<std::pair<std::string, AlertTemplate>> parsed(const std::string& alert,
                                                          const StringPairs& texts) {
  std::vector<std::pair<std::string, AlertTemplate>> out;
  for (const auto& [name, text] : texts) {
    // Of a file that was checked: it parses.
    if (auto made = AlertTemplate::parse(alert, text)) out.emplace_back(name, std::move(*made));
  }
  return out;
}

Labels without_name(const Labels& labels) {
  LabelsBuilder builder(labels);
  return builder.remove(kMetricName).build();
}

}  // namespace

AlertingRule::AlertingRule(const RuleSpec& spec)
    : spec_(spec),
      labels_(parsed(spec.alert, spec.labels)),
      annotations_(parsed(spec.alert, spec.annotations)),
      compared_(compared_side(*spec.parsed)),
      generator_path_(templates::table_link(promql::to_string(*spec.parsed))) {
  const auto varies = [](const auto& text) { return !text.second.is_constant(); };
  has_templates_ =
      std::ranges::any_of(labels_, varies) || std::ranges::any_of(annotations_, varies);
}

Result<> AlertingRule::evaluate(const EvaluationContext& context, RuleOutput& output,
                                Changes& changes) {
  const Vector result = TRY(context.query(*spec_.parsed, spec_.expr, context.query_at));
  auto found = TRY(expand(result, context, changes.failed_templates));
  const auto no_data = TRY(without_data(found, context));
  MutexLock lock(mutex_);
  step(context, std::move(found), no_data, changes);
  const auto active = std::ranges::count_if(
      alerts_, [](const auto& entry) { return entry.second.state != AlertState::kInactive; });
  if (context.limit > 0 && static_cast<uint64_t>(active) > context.limit) {
    changes.changed.clear();
    for (const auto& [labels, alert] : alerts_) changes.removed.push_back(labels);
    alerts_.clear();
    return fail(ErrorCode::kLimit,
                fmt::format("exceeded limit of {} with {} alerts", context.limit, active));
  }
  add_output(output);
  return {};
}

// The alerts that the result stands for.
Result<std::vector<AlertingRule::Found>> AlertingRule::expand(const Vector& result,
                                                              const EvaluationContext& context,
                                                              size_t& failed) const {
  std::vector<Found> found;
  std::unordered_set<Labels, LabelsHash> seen;
  AlertData data;
  data.external_labels = templates::labels_value(context.settings.external_labels);
  data.external_url = context.settings.external_url;
  LabelsBuilder builder;
  for (const VectorSample& sample : result) {
    if (has_templates_) data.labels = templates::labels_value(sample.metric);
    data.value = sample.point.v;
    const auto text = [&](const AlertTemplate& from) {
      bool bad = false;
      std::string out = from.expand(data, context.functions, bad);
      failed += bad ? 1 : 0;
      return out;
    };
    Found alert;
    builder.reset(sample.metric);
    builder.remove(kMetricName);
    for (const auto& [name, value] : labels_) builder.set(name, text(value));
    builder.set("alertname", spec_.alert);
    alert.labels = builder.build();
    alert.series = without_name(sample.metric);
    alert.value = sample.point.v;
    for (const auto& [name, value] : annotations_)
      alert.annotations.emplace_back(name, text(value));
    if (!seen.insert(alert.labels).second) {
      return fail(ErrorCode::kExecution,
                  "vector contains metrics with the same labelset after applying alert labels");
    }
    found.push_back(std::move(alert));
  }
  return found;
}

// Of the alerts that fire and were not found: those whose series the compared side has not either.
// Asked only when there are such alerts.
Result<std::vector<Labels>> AlertingRule::without_data(const std::vector<Found>& found,
                                                       const EvaluationContext& context) const {
  std::vector<Labels> gone;
  if (compared_ == nullptr) return gone;
  std::unordered_set<Labels, LabelsHash> there;
  for (const Found& alert : found) there.insert(alert.labels);
  std::vector<std::pair<Labels, Labels>> missing;  // labels, series
  {
    MutexLock lock(mutex_);
    for (const auto& [labels, alert] : alerts_) {
      if (alert.state == AlertState::kFiring && !there.contains(labels)) {
        missing.emplace_back(labels, alert.series);
      }
    }
  }
  if (missing.empty()) return gone;
  const Vector compared = TRY(context.query(*compared_, spec_.expr, context.query_at));
  std::unordered_set<Labels, LabelsHash> has_data;
  for (const VectorSample& sample : compared) has_data.insert(without_name(sample.metric));
  for (auto& [labels, series] : missing) {
    if (!has_data.contains(series)) gone.push_back(std::move(labels));
  }
  return gone;
}

// Whether an alert that fires and was not found fires on.
bool AlertingRule::keep_firing(Alert& alert, const EvaluationContext& context) const {
  const auto within = [&](TimestampMs since, Millis hold) {
    return since != 0 && context.at - since < hold.count();
  };
  if (spec_.keep_firing_for.count() > 0 && alert.keep_firing_since == 0) {
    alert.keep_firing_since = context.at;
  }
  return within(alert.keep_firing_since, spec_.keep_firing_for) ||
         within(alert.no_data_since, context.settings.no_data_hold);
}

// A result of the present evaluation: an alert that is active already, or a new one.
void AlertingRule::take(const EvaluationContext& context, Found now, Changes& changes) {
  const auto known = alerts_.find(now.labels);
  if (known != alerts_.end() && known->second.state != AlertState::kInactive) {
    Alert& alert = known->second;
    const bool held = alert.keep_firing_since != 0 || alert.no_data_since != 0;
    alert.keep_firing_since = 0;
    alert.no_data_since = 0;
    alert.value = now.value;
    alert.annotations = std::move(now.annotations);
    if (held) changes.changed.push_back(alert);
    return;
  }
  Alert alert;
  alert.labels = now.labels;
  alert.series = std::move(now.series);
  alert.annotations = std::move(now.annotations);
  alert.value = now.value;
  alert.active_at = context.at;
  if (spec_.hold.count() > 0) changes.changed.push_back(alert);
  alerts_.insert_or_assign(std::move(now.labels), std::move(alert));
}

// One evaluation of the state machine.
void AlertingRule::step(const EvaluationContext& context, std::vector<Found> found,
                        const std::vector<Labels>& no_data, Changes& changes) {
  std::unordered_set<Labels, LabelsHash> there;
  for (Found& now : found) {
    there.insert(now.labels);
    take(context, std::move(now), changes);
  }
  const std::unordered_set<Labels, LabelsHash> gone(no_data.begin(), no_data.end());
  for (auto entry = alerts_.begin(); entry != alerts_.end();) {
    Alert& alert = entry->second;
    const bool held = there.contains(entry->first);
    const bool forgotten = alert.state == AlertState::kInactive &&
                           context.at - alert.resolved_at > kResolvedRetention.count();
    if (!held && (alert.state == AlertState::kPending || forgotten)) {
      if (!forgotten) ++changes.removed_pending;
      changes.removed.push_back(entry->first);
      entry = alerts_.erase(entry);
      continue;
    }
    if (held && alert.state == AlertState::kPending &&
        context.at - alert.active_at >= spec_.hold.count()) {
      alert.state = AlertState::kFiring;
      alert.fired_at = context.at;
      changes.changed.push_back(alert);
    }
    if (!held && alert.state == AlertState::kFiring) {
      const auto before = std::pair(alert.keep_firing_since, alert.no_data_since);
      const TimestampMs since = alert.no_data_since != 0 ? alert.no_data_since : context.at;
      alert.no_data_since = gone.contains(entry->first) ? since : 0;
      if (!keep_firing(alert, context)) {
        alert.state = AlertState::kInactive;
        alert.resolved_at = context.at;
        ++changes.ended;
        if (alert.no_data_since != 0) ++changes.ended_without_data;
        changes.changed.push_back(alert);
      } else if (before != std::pair(alert.keep_firing_since, alert.no_data_since)) {
        changes.changed.push_back(alert);
      }
    }
    ++entry;
  }
}

void AlertingRule::add_output(RuleOutput& output) const {
  LabelsBuilder builder;
  for (const auto& [labels, alert] : alerts_) {
    if (alert.state == AlertState::kInactive) continue;
    builder.reset(labels);
    builder.set(kMetricName, "ALERTS").set("alertstate", to_string(alert.state));
    output.add(builder.build(), 1);
    builder.set(kMetricName, "ALERTS_FOR_STATE").remove("alertstate");
    // Whole seconds, as in Prometheus.
    output.add(builder.build(), static_cast<double>(alert.active_at / 1000));
  }
}

std::vector<AlertNotice> AlertingRule::due_notices(const EvaluationContext& context,
                                                   Millis interval) {
  const Millis delay = context.settings.resend_delay;
  std::vector<AlertNotice> notices;
  MutexLock lock(mutex_);
  for (auto& [labels, alert] : alerts_) {
    if (alert.state == AlertState::kPending) continue;
    const bool ended_since = alert.resolved_at > alert.last_sent_at;
    if (!ended_since && alert.last_sent_at != 0 &&
        alert.last_sent_at + delay.count() >= context.at) {
      continue;
    }
    alert.last_sent_at = context.at;
    // Two evaluations, or two deliveries, may fail before a receiver thinks that it is over.
    alert.valid_until = context.at + 4 * std::max(interval, delay).count();
    const bool ended = alert.state == AlertState::kInactive;
    notices.push_back({.fingerprint = fingerprint(labels),
                       .labels = labels,
                       .annotations = alert.annotations,
                       .starts_at = alert.fired_at,
                       .ends_at = ended ? alert.resolved_at : alert.valid_until,
                       .ending = !ended                     ? Ending::kNone
                                 : alert.no_data_since != 0 ? Ending::kNoData
                                                            : Ending::kCondition,
                       .value = alert.value,
                       .generator_url = context.settings.external_url + generator_path_});
  }
  return notices;
}

void AlertingRule::restore(std::vector<Alert> alerts) {
  MutexLock lock(mutex_);
  for (Alert& alert : alerts) {
    Labels labels = alert.labels;
    alerts_.insert_or_assign(std::move(labels), std::move(alert));
  }
}

std::vector<Alert> AlertingRule::alerts() const {
  std::vector<Alert> out;
  {
    MutexLock lock(mutex_);
    for (const auto& [labels, alert] : alerts_) out.push_back(alert);
  }
  std::ranges::sort(out, {}, &Alert::labels);
  return out;
}

AlertState AlertingRule::state() const {
  AlertState highest = AlertState::kInactive;
  MutexLock lock(mutex_);
  for (const auto& [labels, alert] : alerts_) highest = std::max(highest, alert.state);
  return highest;
}

AlertingRule::Counts AlertingRule::counts() const {
  Counts counts;
  MutexLock lock(mutex_);
  for (const auto& [labels, alert] : alerts_) {
    if (alert.state == AlertState::kPending) ++counts.pending;
    if (alert.state == AlertState::kFiring) ++counts.firing;
    if (alert.no_data_since != 0) ++counts.no_data;
  }
  return counts;
}

}  // namespace strata::rules
