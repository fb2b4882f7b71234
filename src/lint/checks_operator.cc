#include <algorithm>
#include <cmath>

#include "lint/linter.h"
#include "promql/function_table.h"
#include "promql/parser.h"

namespace strata::lint {
namespace {

using promql::as;
using promql::Expr;
using promql::ExprKind;
using promql::Op;

std::string number_text(double value) { return fmt::format("{}", value); }

// `3 < x` as `x > 3`.
Op mirrored(Op op) {
  switch (op) {
    case Op::kLess: return Op::kGreater;
    case Op::kLessEqual: return Op::kGreaterEqual;
    case Op::kGreater: return Op::kLess;
    case Op::kGreaterEqual: return Op::kLessEqual;
    default: return op;
  }
}

bool never_holds(double min, double max, Op op, double number) {
  switch (op) {
    case Op::kGreater: return max <= number;
    case Op::kGreaterEqual: return max < number;
    case Op::kLess: return min >= number;
    case Op::kLessEqual: return min > number;
    case Op::kEqual: return number < min || number > max;
    default: return false;
  }
}

bool always_holds(double min, double max, Op op, double number) {
  switch (op) {
    case Op::kGreater: return min > number;
    case Op::kGreaterEqual: return min >= number;
    case Op::kLess: return max < number;
    case Op::kLessEqual: return max <= number;
    default: return false;
  }
}

// The division that a comparison is about: under a factor, perhaps.
const promql::BinaryExpr* division_of(const Expr& expr) {
  const Expr& inner = promql::unwrap(expr);
  if (inner.kind != ExprKind::kBinary) return nullptr;
  const auto& binary = as<promql::BinaryExpr>(inner);
  if (binary.op == Op::kDiv && !constant_of(*binary.rhs)) return &binary;
  if (binary.op != Op::kMul && binary.op != Op::kDiv) return nullptr;
  if (constant_of(*binary.rhs)) return division_of(*binary.lhs);
  if (constant_of(*binary.lhs)) return division_of(*binary.rhs);
  return nullptr;
}

bool is_count(const Expr& expr) {
  const Expr& inner = promql::unwrap(expr);
  return (inner.kind == ExprKind::kAggregate &&
          as<promql::AggregateExpr>(inner).op == promql::Aggregation::kCount) ||
         (inner.kind == ExprKind::kCall &&
          as<promql::Call>(inner).function->name == "count_over_time");
}

// Under a sum and its like: what is summed.
const Expr& summed(const Expr& expr) {
  const Expr& inner = promql::unwrap(expr);
  if (inner.kind != ExprKind::kAggregate) return inner;
  return summed(*as<promql::AggregateExpr>(inner).inner);
}

// Whether something keeps the denominator from being zero.
bool is_guarded(const Expr& expr) {
  const Expr& inner = promql::unwrap(expr);
  if (inner.kind == ExprKind::kCall) {
    const auto name = as<promql::Call>(inner).function->name;
    return name == "clamp_min" || name == "clamp";
  }
  if (inner.kind != ExprKind::kBinary) return false;
  const auto& binary = as<promql::BinaryExpr>(inner);
  return promql::is_comparison(binary.op) || promql::is_set_operator(binary.op) ||
         binary.op == Op::kAdd;
}

// USED of FREE, used of available: a part over the other part.
bool is_rest_of(std::string_view part, std::string_view rest) {
  const auto lower = [](std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return out;
  };
  std::string a = lower(part);
  const std::string b = lower(rest);
  const auto at = a.find("used");
  return at != a.npos && a.replace(at, 4, "free") == b;
}

}  // namespace

void Linter::check_binary(const promql::BinaryExpr& expr, Context context) {
  if (promql::is_comparison(expr.op)) {
    const auto right = constant_of(*expr.rhs);
    const auto left = constant_of(*expr.lhs);
    if (right && !left) check_comparison(expr, *expr.lhs, expr.op, *right, context);
    if (left && !right) check_comparison(expr, *expr.rhs, mirrored(expr.op), *left, context);
    if (!left && !right) check_units(expr);
  }
  if (expr.op == Op::kAdd || expr.op == Op::kSub) check_units(expr);
  if (expr.op == Op::kDiv) check_ratio(expr);
  if (expr.op == Op::kAnd) check_contradiction(expr);
  if (expr.matching) check_join(expr);
}

void Linter::check_comparison(const promql::BinaryExpr& expr, const Expr& vector, Op op,
                              double number, Context context) {
  const Facts facts = facts_of(catalog_, vector);
  if (check_range_of(vector, facts, op, number)) return;
  check_counter(vector, op, number);
  if (op == Op::kGreater || op == Op::kGreaterEqual) check_full_by_design(vector, number);

  const auto* selector = selector_of(vector);
  if (selector == nullptr || calls(vector, "") || context.in_range) return;
  const Known metric = known(*selector);
  const bool is_sticky =
      std::ranges::any_of(metric.found, [](const auto& entry) { return entry.metric->sticky; });
  if (is_sticky && op != Op::kEqual && !watches_changes_) {
    find(
        Severity::kError, "sticky-gauge", selector->name,
        fmt::format("{} keeps its last value: {} holds for ever once it did; use changes({}[5m]) > "
                    "0 and {} > 0",
                    selector->name, promql::to_string(expr), selector->name, selector->name));
  }
}

// True when the comparison has been complained of.
bool Linter::check_range_of(const Expr& vector, const Facts& facts, Op op, double number) {
  const auto text = promql::to_string(vector);
  if (is_count(vector) && (op == Op::kEqual || op == Op::kLess || op == Op::kLessEqual) &&
      never_holds(1, facts.max, op, number)) {
    find(Severity::kError, "count-is-never-zero", text,
         fmt::format("{} is never below 1: of nothing it is nothing, not 0; use absent(), or {} or "
                     "vector(0)",
                     text, text));
    return true;
  }
  if (!facts.from_catalog && !(facts.min >= 0 && number < 0)) return false;
  if (never_holds(facts.min, facts.max, op, number)) {
    const bool is_percent = facts.unit == "ratio" && facts.max == 1 && number > 1 && number <= 100;
    if (is_percent) {
      find(Severity::kError, "percent-of-ratio", text,
           fmt::format("{} is 0 to 1, so it is never {} {}: compare with {}", text,
                       promql::to_string(op), number_text(number), number_text(number / 100)));
    } else if (calls(vector, "histogram_quantile") && number > facts.min) {
      find(Severity::kError, "beyond-buckets", text,
           fmt::format("the last bucket ends at {}: no quantile is ever {} {}", facts.max,
                       promql::to_string(op), number_text(number)));
    } else {
      find(Severity::kError, "never-true", text,
           fmt::format("{} is {} to {}, so it is never {} {}", text, facts.min, facts.max,
                       promql::to_string(op), number_text(number)));
    }
    return true;
  }
  if (facts.from_catalog && always_holds(facts.min, facts.max, op, number)) {
    find(Severity::kError, "always-true", text,
         fmt::format("{} is {} to {}, so it is always {} {}", text, facts.min, facts.max,
                     promql::to_string(op), number_text(number)));
    return true;
  }
  const bool is_above = op == Op::kGreater || op == Op::kGreaterEqual;
  if (is_above && facts.unit == "percent" && facts.max == 100 && number > 0 && number < 1) {
    find(Severity::kWarning, "ratio-of-percent", text,
         fmt::format("{} is 0 to 100: did you mean {}?", text, number_text(number * 100)));
    return true;
  }
  if (is_above && facts.unit == "seconds" && facts.max > 1e5 && number >= 1000 &&
      !vector_is_counter(vector)) {
    find(Severity::kWarning, "unit-mismatch", text,
         fmt::format("{} is in seconds; {} looks like milliseconds", text, number_text(number)));
    return true;
  }
  return false;
}

bool Linter::vector_is_counter(const Expr& vector) const {
  const auto* selector = selector_of(summed(vector));
  return selector != nullptr && known(*selector).series_type() == MetricType::kCounter;
}

void Linter::check_counter(const Expr& vector, Op op, double number) {
  const Expr& inner = summed(vector);
  if (inner.kind != ExprKind::kVectorSelector || is_count(vector)) return;
  const auto& selector = as<promql::VectorSelector>(inner);
  const Known metric = known(selector);
  if (!metric.is_known() || metric.series_type() != MetricType::kCounter) return;
  if (op == Op::kEqual || op == Op::kNotEqual) return;
  find(Severity::kError, "counter-without-rate", selector.name,
       fmt::format("{} only grows until its process restarts: once above {} it stays there; use "
                   "increase({}[5m]) or rate()",
                   selector.name, number_text(number), selector.name));
}

void Linter::check_full_by_design(const Expr& vector, double number) {
  const auto* division = division_of(vector);
  if (division == nullptr) return;
  const auto* part = selector_of(*division->lhs);
  if (part == nullptr || !known(*part).becomes("gpu_memory_used_bytes")) return;
  const auto* rest = selector_of(*division->rhs);
  if (rest != nullptr && is_rest_of(part->name, rest->name)) return;  // said elsewhere
  const double share = number > 1 ? number / 100 : number;
  if (share < 0.8) return;
  find(Severity::kWarning, "full-by-design", part->name,
       "an engine takes its memory when it starts (vLLM 90 % of it by default) and keeps it: this "
       "says nothing of load; alert on KV cache usage and preemptions");
}

void Linter::check_ratio(const promql::BinaryExpr& expr) {
  if (constant_of(*expr.rhs)) {
    if (*constant_of(*expr.rhs) == 0) {
      find(Severity::kError, "division-by-zero", "", "the denominator is 0");
    }
    return;
  }
  const auto* part = selector_of(summed(*expr.lhs));
  const auto* whole = selector_of(summed(*expr.rhs));
  if (part == nullptr || whole == nullptr) return;
  const Known top = known(*part);
  const Known bottom = known(*whole);
  if (is_rest_of(top.family, bottom.family)) {
    return find(Severity::kError, "part-of-the-rest", part->name,
                fmt::format("{0} / {1} is 1 when half is used: the share is {0} / ({0} + {1})",
                            part->name, whole->name));
  }
  if (!bottom.is_known() || !top.is_known() || is_guarded(*expr.rhs)) return;
  if (bottom.min > 0) return;
  const bool is_gauge = bottom.series_type() == MetricType::kGauge;
  const bool is_capacity =
      bottom.unit == top.unit && bottom.family.find("total") != std::string::npos;
  // Sum over count of one histogram: without observations there is nothing to say.
  if (top.family == bottom.family || !is_gauge || is_capacity || !subject_.is_alert) return;
  find(Severity::kWarning, "unguarded-ratio", promql::to_string(expr),
       fmt::format("{0} may be 0, and the ratio infinite, which is above any threshold: divide by "
                   "({0} > 0)",
                   promql::to_string(*expr.rhs)));
}

void Linter::check_units(const promql::BinaryExpr& expr) {
  const auto left = facts_of(catalog_, *expr.lhs).unit;
  const auto right = facts_of(catalog_, *expr.rhs).unit;
  if (left.empty() || right.empty() || left == right) return;
  find(Severity::kError, "unit-mismatch", promql::to_string(expr),
       fmt::format("{} is in {}, {} in {}", promql::to_string(*expr.lhs), left,
                   promql::to_string(*expr.rhs), right));
}

void Linter::check_join(const promql::BinaryExpr& expr) {
  if (expr.op == Op::kOr) return;
  const auto left = facts_of(catalog_, *expr.lhs).labels;
  const auto right = facts_of(catalog_, *expr.rhs).labels;
  const auto& matching = *expr.matching;
  const auto text = promql::to_string(expr.op);
  if (matching.on) {
    for (const auto& label : matching.labels) {
      const bool left_lacks = left.lacks(label);
      const bool right_lacks = right.lacks(label);
      if (left_lacks == right_lacks) continue;
      find(Severity::kError, "join-label-lost", label,
           fmt::format("on ({}) of {}: the {} side has lost that label, so nothing matches", label,
                       text, left_lacks ? "left" : "right"));
    }
    return;
  }
  if (!left.exact || !right.exact) return;
  auto without = [&](std::set<std::string> names) {
    for (const auto& label : matching.labels) names.erase(label);
    return names;
  };
  const auto a = without(left.names);
  const auto b = without(right.names);
  if (a == b) return;
  std::vector<std::string> apart;
  std::ranges::set_symmetric_difference(a, b, std::back_inserter(apart));
  find(Severity::kError, "join-label-lost", apart.front(),
       fmt::format("the two sides of {} have different labels ({} is on one only), so nothing "
                   "matches: aggregate both by the same, or say on (…)",
                   text, apart.front()));
}

void Linter::check_contradiction(const promql::BinaryExpr& expr) {
  const auto bound_of = [](const Expr& side) -> const promql::BinaryExpr* {
    const Expr& inner = promql::unwrap(side);
    if (inner.kind != ExprKind::kBinary) return nullptr;
    const auto& comparison = as<promql::BinaryExpr>(inner);
    const bool usable = promql::is_comparison(comparison.op) && constant_of(*comparison.rhs);
    return usable && !comparison.return_bool ? &comparison : nullptr;
  };
  const auto* left = bound_of(*expr.lhs);
  const auto* right = bound_of(*expr.rhs);
  if (left == nullptr || right == nullptr) return;
  if (promql::to_string(*left->lhs) != promql::to_string(*right->lhs)) return;
  const double a = *constant_of(*left->rhs);
  const double b = *constant_of(*right->rhs);
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const bool above = left->op == Op::kGreater || left->op == Op::kGreaterEqual;
  const bool below = left->op == Op::kLess || left->op == Op::kLessEqual;
  if ((above && never_holds(a, kInfinity, right->op, b)) ||
      (below && never_holds(-kInfinity, a, right->op, b))) {
    find(Severity::kError, "never-true", promql::to_string(expr),
         fmt::format("{} and {} never hold together", promql::to_string(*left),
                     promql::to_string(*right)));
  }
}

}  // namespace strata::lint
