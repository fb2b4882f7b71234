#include "promql/ast.h"

#include <array>

#include "promql/function_table.h"

namespace strata::promql {
namespace {

constexpr auto kOps =
    std::to_array<std::string_view>({"+", "-", "*", "/", "%", "^", "atan2", "==", "!=", "<",
                                     "<=", ">", ">=", "</", ">/", "and", "or", "unless"});
constexpr auto kAggregations = std::to_array<std::string_view>(
    {"sum", "avg", "min", "max", "count", "group", "stddev", "stdvar", "topk", "bottomk",
     "count_values", "quantile", "limitk", "limit_ratio"});

TimeShift clone(const TimeShift& shift) {
  return {shift.offset, shift.offset_expr ? clone(*shift.offset_expr) : nullptr, shift.at,
          shift.at_point};
}

ExprPtr clone_or_null(const ExprPtr& expr) { return expr ? clone(*expr) : nullptr; }

std::unique_ptr<VectorSelector> clone_selector(const VectorSelector& from) {
  auto to = std::make_unique<VectorSelector>(from.span);
  to->name = from.name;
  to->matchers = from.matchers;
  to->shift = clone(from.shift);
  to->anchored = from.anchored;
  to->smoothed = from.smoothed;
  to->any_series = from.any_series;
  to->histogram_stats = from.histogram_stats;
  return to;
}

ExprPtr clone_binary(const BinaryExpr& from) {
  auto to = std::make_unique<BinaryExpr>(from.op, clone(*from.lhs), clone(*from.rhs), from.span);
  to->return_bool = from.return_bool;
  to->matching = from.matching;
  return to;
}

ExprPtr clone_aggregate(const AggregateExpr& from) {
  auto to = std::make_unique<AggregateExpr>(from.op, from.span);
  to->without = from.without;
  to->inner = clone(*from.inner);
  to->parameter = clone_or_null(from.parameter);
  to->grouping = from.grouping;
  return to;
}

ExprPtr clone_subquery(const SubqueryExpr& from) {
  auto to = std::make_unique<SubqueryExpr>(clone(*from.inner), from.span);
  to->range = from.range;
  to->step = from.step;
  to->range_expr = clone_or_null(from.range_expr);
  to->step_expr = clone_or_null(from.step_expr);
  to->shift = clone(from.shift);
  return to;
}

ExprPtr clone_node(const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kNumber: return std::make_unique<NumberLiteral>(as<NumberLiteral>(expr));
    case ExprKind::kString: return std::make_unique<StringLiteral>(as<StringLiteral>(expr));
    case ExprKind::kParen:
      return std::make_unique<ParenExpr>(clone(*as<ParenExpr>(expr).inner), expr.span);
    case ExprKind::kUnary: {
      const auto& from = as<UnaryExpr>(expr);
      return std::make_unique<UnaryExpr>(from.negative, clone(*from.inner), from.span);
    }
    case ExprKind::kBinary: return clone_binary(as<BinaryExpr>(expr));
    case ExprKind::kAggregate: return clone_aggregate(as<AggregateExpr>(expr));
    case ExprKind::kCall: {
      const auto& from = as<Call>(expr);
      auto to = std::make_unique<Call>(from.function, from.span);
      for (const auto& arg : from.args) to->args.push_back(clone(*arg));
      return to;
    }
    case ExprKind::kVectorSelector: return clone_selector(as<VectorSelector>(expr));
    case ExprKind::kMatrixSelector: {
      const auto& from = as<MatrixSelector>(expr);
      auto to = std::make_unique<MatrixSelector>(clone_selector(*from.vector), from.span);
      to->range = from.range;
      to->range_expr = clone_or_null(from.range_expr);
      return to;
    }
    case ExprKind::kSubquery: return clone_subquery(as<SubqueryExpr>(expr));
    case ExprKind::kDuration: {
      const auto& from = as<DurationExpr>(expr);
      auto to = std::make_unique<DurationExpr>(from.op, clone_or_null(from.lhs),
                                               clone_or_null(from.rhs), from.span);
      to->wrapped = from.wrapped;
      return to;
    }
  }
  __builtin_unreachable();
}

}  // namespace

std::string_view documented_name(ValueType type) {
  switch (type) {
    case ValueType::kVector: return "instant vector";
    case ValueType::kMatrix: return "range vector";
    default: return to_string(type);
  }
}

std::string_view to_string(ValueType type) {
  switch (type) {
    case ValueType::kNone: return "none";
    case ValueType::kScalar: return "scalar";
    case ValueType::kVector: return "vector";
    case ValueType::kMatrix: return "matrix";
    case ValueType::kString: return "string";
  }
  return "none";
}

std::string_view to_string(Op op) { return kOps[static_cast<size_t>(op)]; }
bool is_comparison(Op op) { return op >= Op::kEqual && op <= Op::kGreaterEqual; }
bool is_set_operator(Op op) { return op >= Op::kAnd; }

std::string_view to_string(Aggregation op) { return kAggregations[static_cast<size_t>(op)]; }
bool takes_parameter(Aggregation op) { return op >= Aggregation::kTopk; }
bool is_experimental(Aggregation op) { return op >= Aggregation::kLimitk; }

ValueType type_of(const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kNumber:
    case ExprKind::kDuration: return ValueType::kScalar;
    case ExprKind::kString: return ValueType::kString;
    case ExprKind::kParen: return type_of(*as<ParenExpr>(expr).inner);
    case ExprKind::kUnary: return type_of(*as<UnaryExpr>(expr).inner);
    case ExprKind::kBinary: {
      const auto& binary = as<BinaryExpr>(expr);
      const bool scalars =
          type_of(*binary.lhs) == ValueType::kScalar && type_of(*binary.rhs) == ValueType::kScalar;
      return scalars ? ValueType::kScalar : ValueType::kVector;
    }
    case ExprKind::kAggregate:
    case ExprKind::kVectorSelector: return ValueType::kVector;
    case ExprKind::kCall: return as<Call>(expr).function->result;
    case ExprKind::kMatrixSelector:
    case ExprKind::kSubquery: return ValueType::kMatrix;
  }
  return ValueType::kNone;
}

ExprPtr clone(const Expr& expr) {
  ExprPtr to = clone_node(expr);
  to->height = expr.height;
  return to;
}

void for_each_child(const Expr& expr, const std::function<void(const Expr&)>& visit) {
  switch (expr.kind) {
    case ExprKind::kNumber:
    case ExprKind::kString:
    case ExprKind::kDuration:
    case ExprKind::kVectorSelector: return;
    case ExprKind::kParen: return visit(*as<ParenExpr>(expr).inner);
    case ExprKind::kUnary: return visit(*as<UnaryExpr>(expr).inner);
    case ExprKind::kBinary:
      visit(*as<BinaryExpr>(expr).lhs);
      visit(*as<BinaryExpr>(expr).rhs);
      return;
    case ExprKind::kAggregate: {
      const auto& aggregate = as<AggregateExpr>(expr);
      if (aggregate.parameter) visit(*aggregate.parameter);
      return visit(*aggregate.inner);
    }
    case ExprKind::kCall:
      for (const auto& arg : as<Call>(expr).args) visit(*arg);
      return;
    case ExprKind::kMatrixSelector: return visit(*as<MatrixSelector>(expr).vector);
    case ExprKind::kSubquery: return visit(*as<SubqueryExpr>(expr).inner);
  }
}

const Expr& unwrap(const Expr& expr) {
  const Expr* inner = &expr;
  while (inner->kind == ExprKind::kParen) inner = as<ParenExpr>(*inner).inner.get();
  return *inner;
}

}  // namespace strata::promql
