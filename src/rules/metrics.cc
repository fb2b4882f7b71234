// The series that rules show of themselves: Prometheus' names where it has them.
#include "rules/manager.h"

namespace strata::rules {
namespace {

std::string group_label(const GroupView& group) { return group.file + ";" + group.spec->name; }

double number(uint64_t value) { return static_cast<double>(value); }

struct Row {
  std::string_view name;
  bool counter;
  std::string_view help;
  double (*value)(const GroupView&);
};

constexpr Row kRows[] = {
    {"prometheus_rule_evaluations_total", true, "Rules that were evaluated.",
     [](const GroupView& g) { return number(g.counters.evaluations); }},
    {"prometheus_rule_evaluation_failures_total", true, "Rules that could not be evaluated.",
     [](const GroupView& g) { return number(g.counters.failures); }},
    {"prometheus_rule_group_iterations_total", true, "Iterations of the group, with those missed.",
     [](const GroupView& g) { return number(g.counters.iterations + g.counters.missed); }},
    {"prometheus_rule_group_iterations_missed_total", true,
     "Iterations left out because the one before still ran, or the process was late.",
     [](const GroupView& g) { return number(g.counters.missed); }},
    {"prometheus_rule_group_interval_seconds", false, "How often the group is evaluated.",
     [](const GroupView& g) { return number(static_cast<uint64_t>(g.interval.count())) / 1000; }},
    {"prometheus_rule_group_rules", false, "Rules of the group.",
     [](const GroupView& g) { return number(g.spec->rules.size()); }},
    {"prometheus_rule_group_last_duration_seconds", false, "How long the last iteration took.",
     [](const GroupView& g) { return g.evaluation_seconds; }},
    {"prometheus_rule_group_last_evaluation_timestamp_seconds", false,
     "When the group was last evaluated.",
     [](const GroupView& g) { return static_cast<double>(g.last_evaluation) / 1000; }},
    {"prometheus_rule_group_last_evaluation_samples", false,
     "Samples that the last iteration wrote.",
     [](const GroupView& g) { return number(g.counters.samples); }},
    {"strata_rule_alerts_ended_total", true, "Alerts that ended.",
     [](const GroupView& g) { return number(g.counters.ended); }},
    {"strata_rule_alerts_ended_without_data_total", true,
     "Alerts that ended because the series that they compare was gone.",
     [](const GroupView& g) { return number(g.counters.ended_without_data); }},
    {"strata_rule_template_failures_total", true,
     "Labels and annotations that could not be expanded.",
     [](const GroupView& g) { return number(g.counters.failed_templates); }},
    {"strata_rule_samples_dropped_total", true,
     "Results that the store refused: another value was there, or they were too old.",
     [](const GroupView& g) { return number(g.counters.samples_dropped); }},
    {"strata_rule_histograms_dropped_total", true,
     "Native histograms that recording rules gave, which cannot be stored yet.",
     [](const GroupView& g) { return number(g.counters.histograms_dropped); }},
};

}  // namespace

std::vector<metrics::Callback> Manager::register_metrics(metrics::Registry& registry) {
  std::vector<metrics::Callback> callbacks;
  for (const Row& row : kRows) {
    const auto emit_all = [this, value = row.value](const metrics::Emit<"rule_group">& emit) {
      for (const GroupView& group : counters()) emit(value(group), group_label(group));
    };
    callbacks.push_back(row.counter
                            ? registry.callback_counter<"rule_group">(
                                  *metrics::CounterName::parse(row.name), row.help, emit_all)
                            : registry.callback_gauge<"rule_group">(
                                  *metrics::MetricName::parse(row.name), row.help, emit_all));
  }
  callbacks.push_back(registry.callback_gauge<"state">(
      "strata_rule_alerts", "Alerts by what they do; no_data: their series is gone.",
      [this](const metrics::Emit<"state">& emit) {
        AlertingRule::Counts all;
        for (const AlertingRule::Counts& counts : alert_counts()) {
          all.pending += counts.pending;
          all.firing += counts.firing;
          all.no_data += counts.no_data;
        }
        emit(number(all.pending), "pending");
        emit(number(all.firing), "firing");
        emit(number(all.no_data), "no_data");
      }));
  return callbacks;
}

}  // namespace strata::rules
