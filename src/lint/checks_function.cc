#include <algorithm>

#include "lint/linter.h"
#include "promql/function_table.h"
#include "promql/parser.h"

namespace strata::lint {
namespace {

using promql::Aggregation;
using promql::as;
using promql::Expr;
using promql::ExprKind;

// Whether the aggregation loses `label`.
bool loses(const promql::AggregateExpr& expr, std::string_view label) {
  const bool named = std::ranges::find(expr.grouping, label) != expr.grouping.end();
  return expr.without ? named : !named;
}

bool keeps_elements(Aggregation op) {
  return op == Aggregation::kTopk || op == Aggregation::kBottomk || op == Aggregation::kLimitk ||
         op == Aggregation::kLimitRatio;
}

}  // namespace

void Linter::check_rate(const promql::Call& call) {
  const Expr& argument = promql::unwrap(*call.args[0]);
  const auto function = call.function->name;
  if (argument.kind == ExprKind::kSubquery) {
    const Expr& inner = promql::unwrap(*as<promql::SubqueryExpr>(argument).inner);
    if (inner.kind == ExprKind::kAggregate &&
        as<promql::AggregateExpr>(inner).op == Aggregation::kSum && !calls(inner, "")) {
      find(Severity::kError, "rate-of-sum", promql::to_string(inner),
           fmt::format("{0}(sum(…)): a counter that starts again inside of a sum looks like a jump "
                       "of all of it; take sum({0}(…)) instead",
                       function));
    }
    return;
  }
  const auto* selector = selector_of(argument);
  if (selector == nullptr) return;
  const Known metric = known(*selector);
  if (!metric.is_known()) return;
  if (metric.series_type() == MetricType::kGauge) {
    const bool mistyped = !metric.found.empty() && metric.found.front().metric->mistyped;
    find(Severity::kError, "rate-of-gauge", selector->name,
         fmt::format("{} is a gauge{}: {}() takes every fall for a restart; use it as it is, or "
                     "delta() or deriv()",
                     metric.family, mistyped ? " (its # TYPE line says counter, wrongly)" : "",
                     function));
  }
  if (metric.type == MetricType::kHistogram && metric.suffix.empty()) {
    find(Severity::kError, "histogram-as-counter", selector->name,
         fmt::format("{} is a histogram: its series are {}_bucket, _sum and _count", metric.family,
                     metric.family));
  }
}

void Linter::check_delta(const promql::Call& call) {
  const auto* selector = selector_of(*call.args[0]);
  if (selector == nullptr) return;
  const Known metric = known(*selector);
  if (!metric.is_known() || metric.series_type() != MetricType::kCounter) return;
  find(Severity::kWarning, "delta-of-counter", selector->name,
       fmt::format("{}() of the counter {} falls when its process restarts; use {}",
                   call.function->name, selector->name,
                   call.function->name == "deriv" ? "rate()" : "increase()"));
}

void Linter::check_quantile(const promql::Call& call) {
  if (const auto quantile = constant_of(*call.args[0]);
      quantile && (*quantile < 0 || *quantile > 1)) {
    find(Severity::kError, "quantile-out-of-range", "",
         fmt::format("histogram_quantile({}, …) is infinite: a quantile is between 0 and 1",
                     *quantile));
  }
  const Expr& inner = promql::unwrap(*call.args[1]);
  const auto selectors = selectors_of(inner);
  if (selectors.empty()) return;
  const auto& selector = *selectors.front();
  const Known metric = known(selector);
  const bool has_buckets = selector.name.ends_with("_bucket");
  if (metric.is_known() && !has_buckets) {
    find(Severity::kError, "quantile-of-non-bucket", selector.name,
         metric.type == MetricType::kHistogram
             ? fmt::format("histogram_quantile wants the buckets: {}_bucket", metric.family)
             : fmt::format("{} is a {}, not a histogram's buckets", metric.family,
                           strata::to_string(metric.type)));
    return;
  }
  if (!has_buckets) return;  // perhaps a native histogram
  if (!calls(inner, "")) {
    find(Severity::kWarning, "quantile-without-rate", selector.name,
         fmt::format("{} counts since the process started: take rate({}[5m]) for the quantile of "
                     "now",
                     selector.name, selector.name));
  }
  if (inner.kind == ExprKind::kAggregate) {
    const auto& aggregate = as<promql::AggregateExpr>(inner);
    if (!keeps_elements(aggregate.op) && loses(aggregate, "le")) {
      find(Severity::kError, "quantile-without-le", selector.name,
           fmt::format("{} drops le, without which there is no quantile: {}(le, …)",
                       promql::to_string(aggregate.op),
                       aggregate.without ? "leave it out of without" : "add it to by"));
    } else if (aggregate.op == Aggregation::kAvg || aggregate.op == Aggregation::kMax ||
               aggregate.op == Aggregation::kMin) {
      find(Severity::kError, "quantile-of-averaged-buckets", selector.name,
           "buckets can be added, not averaged: take sum by (le, …)");
    }
  } else if (metric.is_known()) {
    find(
        Severity::kWarning, "quantile-not-aggregated", selector.name,
        fmt::format("a quantile for every series of {}; for one a model: histogram_quantile(…, sum "
                    "by (le, model_name) (rate({}[5m])))",
                    selector.name, metric.family + metric.suffix));
  }
}

void Linter::check_absent(const promql::Call& call) {
  const Expr& inner = promql::unwrap(*call.args[0]);
  const auto* selector = selector_of(inner);
  if (selector == nullptr) return;
  for (const auto& matcher : selector->matchers) {
    if (matcher.op() != Matcher::Op::kRegex || matcher.name() == kMetricName) continue;
    if (matcher.value().find_first_of("|*+") == std::string::npos) continue;
    find(Severity::kWarning, "absent-with-regex", matcher.to_string(),
         fmt::format(
             "{}({}) speaks up only when all that the pattern matches are gone, and its "
             "result does not say which: compare with a list (up == 0, or one absent() each)",
             call.function->name, matcher.to_string()));
  }
}

void Linter::check_aggregate(const promql::AggregateExpr& expr) {
  if (expr.op != Aggregation::kSum && expr.op != Aggregation::kAvg) return;
  const Expr& inner = promql::unwrap(*expr.inner);
  if (inner.kind == ExprKind::kCall &&
      as<promql::Call>(inner).function->name == "histogram_quantile") {
    find(Severity::kError, "quantile-averaged", promql::to_string(expr.op),
         fmt::format(
             "{}() of quantiles is no quantile of anything: aggregate the buckets, then take "
             "histogram_quantile",
             promql::to_string(expr.op)));
    return;
  }
  if (inner.kind != ExprKind::kVectorSelector) return;
  const auto& selector = as<promql::VectorSelector>(inner);
  const bool of_quantile = std::ranges::any_of(selector.matchers, [](const Matcher& matcher) {
    return matcher.name() == "quantile" && !matcher.matches_empty();
  });
  const bool is_summary = known(selector).series_type() == MetricType::kSummary;
  if (!of_quantile && !is_summary) return;
  find(Severity::kError, "quantile-averaged", selector.name,
       fmt::format("{}() over the quantiles of the summary {} means nothing: quantiles cannot be "
                   "combined",
                   promql::to_string(expr.op), selector.name));
}

}  // namespace strata::lint
