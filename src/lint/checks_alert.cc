#include <algorithm>

#include "lint/linter.h"
#include "promql/function_table.h"
#include "promql/parser.h"

namespace strata::lint {
namespace {

using promql::as;
using promql::Expr;
using promql::ExprKind;
using promql::Op;

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// Labels that a template takes from the alert: $labels.x and .Labels.x.
std::vector<std::string> labels_named(std::string_view text) {
  std::vector<std::string> labels;
  for (const std::string_view prefix : {"$labels.", ".Labels."}) {
    for (size_t at = 0; (at = text.find(prefix, at)) != text.npos;) {
      at += prefix.size();
      size_t end = at;
      while (end < text.size() && is_word(text[end])) ++end;
      if (end > at) labels.emplace_back(text.substr(at, end - at));
    }
  }
  return labels;
}

// `up == 0` and nothing else.
const promql::VectorSelector* down_of(const Expr& expr) {
  const Expr& inner = promql::unwrap(expr);
  if (inner.kind != ExprKind::kBinary) return nullptr;
  const auto& comparison = as<promql::BinaryExpr>(inner);
  if (!promql::is_comparison(comparison.op)) return nullptr;
  const Expr& left = promql::unwrap(*comparison.lhs);
  if (left.kind != ExprKind::kVectorSelector) return nullptr;
  const auto& selector = as<promql::VectorSelector>(left);
  return selector.name == "up" ? &selector : nullptr;
}

}  // namespace

void Linter::check_texts(const Expr& expr) {
  const auto labels = facts_of(catalog_, expr).labels;
  for (const auto& text : subject_.texts) {
    // Inside of `range query` the labels are those of another expression.
    if (text.find("{{ range") != text.npos || text.find("{{range") != text.npos) continue;
    for (const auto& label : labels_named(text)) {
      if (labels.lacks(label)) {
        find(Severity::kWarning, "template-label-lost", label,
             fmt::format("the text names $labels.{}, which the expression does not have{}", label,
                         labels.exact ? ": its aggregation keeps others" : ""));
      } else if (!labels.exact && labels.is_catalogued && !labels.names.contains(label)) {
        const auto meant = label == "node" && labels.names.contains("hostname")
                               ? "; DCGM has hostname (Hostname before May 2026)"
                               : "";
        find(Severity::kWarning, "template-label-unknown", label,
             fmt::format("the text names $labels.{}: neither the metric nor scraping gives that "
                         "label, and without relabelling it renders empty{}",
                         label, meant));
      }
    }
  }
}

// A gauge at one moment, without `for`: one odd scrape pages somebody.
void Linter::check_hold(const Expr& expr) {
  if (subject_.hold.count() > 0 || calls(expr, "")) return;
  for (const auto* selector : selectors_of(expr)) {
    const Known metric = known(*selector);
    const bool is_gauge = metric.is_known() && metric.series_type() == MetricType::kGauge;
    if (!is_gauge || calls(expr, "absent")) continue;
    return find(Severity::kWarning, "missing-for", "",
                fmt::format("without `for`, one scrape of {} is enough to fire", selector->name));
  }
}

void Linter::check_hang(const Expr& expr) {
  const auto* selector = down_of(expr);
  if (selector == nullptr) return;
  for (const auto& matcher : selector->matchers) {
    if (matcher.name() != "job") continue;
    for (const auto& source : catalog_.sources()) {
      if (source.layer != catalog::Layer::kEngine || !matcher.value().contains(source.kind)) {
        continue;
      }
      return find(Severity::kNote, "up-misses-hangs", "",
                  "an engine that hangs still answers its metrics: add an alert on "
                  "llm_requests_running > 0 and rate(llm_generation_tokens_total[2m]) == 0");
    }
  }
}

}  // namespace strata::lint
