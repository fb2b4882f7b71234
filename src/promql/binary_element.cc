#include "promql/binary_element.h"

#include <cmath>

#include "promql/histogram_ops.h"
#include "promql/quote.h"

namespace strata::promql {
namespace {

ElementResult mismatch(Query& query, const BinaryExpr& expr, std::string_view lhs,
                       std::string_view rhs) {
  const std::string_view op = to_string(expr.op);
  query.annotations.info(
      expr.span,
      fmt::format("incompatible sample types encountered for binary operator {}: {} {} {}",
                  quoted(op), lhs, op, rhs));
  return {.exists = false};
}

ElementResult combine_floats(Query& query, const BinaryExpr& expr, double lhs, double rhs) {
  if (is_arithmetic(expr.op)) return {.v = arithmetic(expr.op, lhs, rhs)};
  if (is_comparison(expr.op)) return {.v = lhs, .keep = compare(expr.op, lhs, rhs)};
  return mismatch(query, expr, "float", "float");
}

ElementResult sum_of_histograms(Query& query, const BinaryExpr& expr, const FloatHistogram& lhs,
                                const FloatHistogram& rhs) {
  const bool subtract = expr.op == Op::kSub;
  const std::string_view what = subtract ? "subtraction" : "addition";
  HistogramAccumulator sum(lhs);
  if (!(subtract ? sum.subtract(rhs) : sum.add(rhs))) {
    query.annotations.warn(expr.span,
                           fmt::format("incompatible bucket layout encountered for binary "
                                       "operator {}",
                                       to_string(expr.op)));
    return {.exists = false};
  }
  if (sum.counter_reset_collision()) {
    query.annotations.warn(expr.span,
                           fmt::format("conflicting counter resets during histogram {}", what));
  }
  if (sum.take_bounds_reconciled()) {
    query.annotations.info(
        expr.span, fmt::format("mismatched custom buckets were reconciled during {}", what));
  }
  auto result = std::make_shared<FloatHistogram>(sum.result());
  if (subtract) result->counter_reset_hint = CounterResetHint::kGauge;
  return {.h = std::move(result)};
}

ElementResult combine_histogram_float(Query& query, const BinaryExpr& expr,
                                      const FloatHistogram& lhs, double rhs) {
  switch (expr.op) {
    case Op::kMul: return {.h = scaled(lhs, rhs)};
    case Op::kDiv: return {.h = divided(lhs, rhs)};
    case Op::kTrimUpper:
    case Op::kTrimLower: {
      const bool upper = expr.op == Op::kTrimUpper;
      return {.h = std::make_shared<FloatHistogram>(trimmed(lhs, rhs, upper))};
    }
    default: return mismatch(query, expr, "histogram", "float");
  }
}

}  // namespace

bool is_arithmetic(Op op) { return op <= Op::kAtan2; }

double arithmetic(Op op, double lhs, double rhs) {
  switch (op) {
    case Op::kAdd: return lhs + rhs;
    case Op::kSub: return lhs - rhs;
    case Op::kMul: return lhs * rhs;
    case Op::kDiv: return lhs / rhs;
    case Op::kMod: return std::fmod(lhs, rhs);
    case Op::kPow: return std::pow(lhs, rhs);
    default: return std::atan2(lhs, rhs);
  }
}

bool compare(Op op, double lhs, double rhs) {
  switch (op) {
    case Op::kEqual: return lhs == rhs;
    case Op::kNotEqual: return lhs != rhs;
    case Op::kLess: return lhs < rhs;
    case Op::kLessEqual: return lhs <= rhs;
    case Op::kGreater: return lhs > rhs;
    default: return lhs >= rhs;
  }
}

ElementResult combine(Query& query, const BinaryExpr& expr, Element lhs, Element rhs) {
  if (lhs.h == nullptr && rhs.h == nullptr) return combine_floats(query, expr, lhs.v, rhs.v);
  if (lhs.h == nullptr) {
    if (expr.op == Op::kMul) return {.h = scaled(**rhs.h, lhs.v)};
    return mismatch(query, expr, "float", "histogram");
  }
  if (rhs.h == nullptr) return combine_histogram_float(query, expr, **lhs.h, rhs.v);
  switch (expr.op) {
    case Op::kAdd:
    case Op::kSub: return sum_of_histograms(query, expr, **lhs.h, **rhs.h);
    case Op::kEqual: return {.h = *lhs.h, .keep = equal(**lhs.h, **rhs.h)};
    case Op::kNotEqual: return {.h = *lhs.h, .keep = !equal(**lhs.h, **rhs.h)};
    default: return mismatch(query, expr, "histogram", "histogram");
  }
}

}  // namespace strata::promql
