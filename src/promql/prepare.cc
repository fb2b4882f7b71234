#include "promql/prepare.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "promql/function_table.h"
#include "promql/parser_impl.h"

namespace strata::promql {
namespace {

// Their value depends on the time of evaluation even where their arguments do not.
constexpr auto kTimeDependent = std::to_array<std::string_view>(
    {"day_of_month", "day_of_week", "day_of_year", "days_in_month", "hour", "minute", "month",
     "predict_linear", "start_timestamp", "time", "timestamp", "year"});

class Preparer {
 public:
  explicit Preparer(Query& query) : query_(query) {}

  /// Returns whether `expr` is the same at every step.
  Result<bool> prepare(Expr& expr) {
    const bool invariant = TRY(prepare_node(expr));
    const bool worth_it = expr.kind != ExprKind::kNumber && expr.kind != ExprKind::kString;
    if (invariant && worth_it) query_.step_invariant.insert(&expr);
    return invariant;
  }

 private:
  Result<bool> prepare_node(Expr& expr) {
    switch (expr.kind) {
      case ExprKind::kNumber:
      case ExprKind::kString:
      case ExprKind::kDuration: return true;
      case ExprKind::kParen: return prepare(*as<ParenExpr>(expr).inner);
      case ExprKind::kUnary: return prepare(*as<UnaryExpr>(expr).inner);
      case ExprKind::kBinary: return prepare_binary(as<BinaryExpr>(expr));
      case ExprKind::kAggregate: {
        auto& aggregate = as<AggregateExpr>(expr);
        const bool inner = TRY(prepare(*aggregate.inner));
        return aggregate.parameter ? TRY(prepare(*aggregate.parameter))
        &&inner : inner;
      }
      case ExprKind::kCall: return prepare_call(as<Call>(expr));
      case ExprKind::kVectorSelector: return prepare_selector(as<VectorSelector>(expr));
      case ExprKind::kMatrixSelector: {
        auto& matrix = as<MatrixSelector>(expr);
        TRY(resolve(matrix.range_expr, matrix.range, false));
        return prepare_selector(*matrix.vector);
      }
      case ExprKind::kSubquery: {
        auto& subquery = as<SubqueryExpr>(expr);
        const Nested whole(needs_buckets_, true);
        TRY(prepare(*subquery.inner));
        TRY(resolve(subquery.range_expr, subquery.range, false));
        TRY(resolve(subquery.step_expr, subquery.step, false));
        return prepare_shift(subquery.shift);
      }
    }
    return false;
  }

  /// Counts what encloses the expression at hand.
  class Nested {
   public:
    Nested(int& depth, bool here) : depth_(depth), here_(here ? 1 : 0) { depth_ += here_; }
    ~Nested() { depth_ -= here_; }

   private:
    int& depth_;
    const int here_;
  };

  Result<bool> prepare_binary(BinaryExpr& binary) {
    const Nested whole(needs_buckets_, binary.op == Op::kTrimUpper || binary.op == Op::kTrimLower);
    const bool left = TRY(prepare(*binary.lhs));
    const bool right = TRY(prepare(*binary.rhs));
    return left && right;
  }

  Result<bool> prepare_selector(VectorSelector& selector) {
    selector.histogram_stats = asks_for_stats_ > 0 && needs_buckets_ == 0;
    return prepare_shift(selector.shift);
  }

  Result<bool> prepare_call(Call& call) {
    const std::string_view name = call.function->name;
    const Nested stats(asks_for_stats_, name == "histogram_count" || name == "histogram_sum" ||
                                            name == "histogram_avg");
    const Nested whole(needs_buckets_,
                       name.starts_with("histogram_quantile") || name == "histogram_fraction");
    bool invariant = true;
    for (const auto& arg : call.args) invariant = TRY(prepare(*arg))
    &&invariant;
    if (std::ranges::count(kTimeDependent, call.function->name) == 0) return invariant;
    // timestamp(metric @ 1) tells of the sample.
    const bool of_sample = !call.args.empty() &&
                           unwrap(*call.args[0]).kind == ExprKind::kVectorSelector &&
                           call.function->name.ends_with("timestamp");
    return of_sample && invariant;
  }

  Result<bool> prepare_shift(TimeShift& shift) {
    TRY(resolve(shift.offset_expr, shift.offset, true));
    if (shift.at_point == AtPoint::kStart) shift.at = query_.start;
    if (shift.at_point == AtPoint::kEnd) shift.at = query_.end;
    return shift.at.has_value();
  }

  Result<> resolve(const ExprPtr& expr, Millis& out, bool may_be_negative) {
    if (!expr) return {};
    const double seconds = TRY(value_of(*expr));
    const auto error = [&](std::string_view what) {
      return execution_error(fmt::format("{}:{}: {}", expr->span.start, expr->span.end, what));
    };
    if (!std::isfinite(seconds)) return error("duration is NaN or infinite");
    if (seconds <= 0 && !may_be_negative) return error("duration must be greater than 0");
    if (duration_out_of_range(seconds)) return error("duration is out of range");
    out = Millis(static_cast<int64_t>(seconds * 1000));
    return {};
  }

  // In seconds.
  Result<double> value_of(const Expr& expr) {
    if (expr.kind == ExprKind::kNumber) return as<NumberLiteral>(expr).value;
    const auto& duration = as<DurationExpr>(expr);
    const double left = duration.lhs  ? TRY(value_of(*duration.lhs)) : 0;
    const double right = duration.rhs ? TRY(value_of(*duration.rhs)) : 0;
    const auto zero_divisor = [&](std::string_view what) {
      return execution_error(
          fmt::format("{}:{}: {} by zero", expr.span.start, expr.span.end, what));
    };
    using enum DurationExpr::Kind;
    switch (duration.op) {
      case kAdd: return left + right;
      case kSub: return left - right;
      case kMul: return left * right;
      case kDiv:
        if (right == 0) return zero_divisor("division");
        return left / right;
      case kMod:
        if (right == 0) return zero_divisor("modulo");
        return std::fmod(left, right);
      case kPow: return std::pow(left, right);
      case kStep: return static_cast<double>(query_.step.count()) / 1000;
      case kRange: return static_cast<double>(query_.end - query_.start) / 1000;
      case kMinOf: return std::min(left, right);
      case kMaxOf: return std::max(left, right);
    }
    return 0;
  }

  Query& query_;
  int asks_for_stats_ = 0;
  int needs_buckets_ = 0;
};

}  // namespace

Result<> prepare(Expr& expr, Query& query) {
  TRY(Preparer(query).prepare(expr));
  find_repeated(expr, query);
  return {};
}

}  // namespace strata::promql
