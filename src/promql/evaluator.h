// Walks an expression and makes its operators. One Evaluator is one set of steps: a subquery, or a
// part that does not depend on the step, gets its own.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "promql/ast.h"
#include "promql/function_table.h"
#include "promql/matrix_source.h"
#include "promql/query.h"
#include "promql/row.h"
#include "promql/vector_source.h"

namespace strata::promql {

/// What an expression evaluates to: the member that its type names.
struct Value {
  Value() = default;
  explicit Value(std::vector<double> s) : type(ValueType::kScalar), scalar(std::move(s)) {}
  explicit Value(VectorPtr v) : type(ValueType::kVector), vector(std::move(v)) {}
  explicit Value(FramePtr v) : type(ValueType::kVector), vector(std::move(v)) {}

  ValueType type = ValueType::kNone;
  std::vector<double> scalar;  // one a step
  std::string text;
  VectorPtr vector;
};

class Evaluator {
 public:
  Evaluator(Query& query, Steps steps) : query_(query), steps_(steps) {}

  Query& query() { return query_; }
  const Steps& steps() const { return steps_; }

  /// Anything but a range vector.
  Result<Value> eval(const Expr& expr);
  Result<std::vector<double>> scalar(const Expr& expr);
  Result<VectorPtr> vector(const Expr& expr);
  Result<FramePtr> frame(const Expr& expr);
  /// A matrix selector or a subquery.
  Result<MatrixPtr> matrix(const Expr& expr);
  /// REQUIRES: `expr` is a string literal, maybe in parentheses.
  static const std::string& string(const Expr& expr);

  /// timestamp() and start_timestamp() of a selector tell of the sample, not of the step.
  enum class Sampled : uint8_t { kValue, kTimestamp, kStartTimestamp };
  Result<VectorPtr> select(const VectorSelector& selector, Sampled what);

  /// `body` over the range vector among the call's arguments. Drops names unless the function
  /// keeps them.
  Result<VectorPtr> range_function(const Call& call, RangeBody body);
  /// The same as vector(), but names that are to be dropped (SeriesRef::drop_name) may still be
  /// there, where that can make no two series the same: for who looks at other labels only.
  Result<VectorPtr> vector_of_any_name(const Expr& expr);

 private:
  Result<VectorPtr> range_rows(const Call& call, RangeBody body);
  Result<Value> eval_call(const Call& call);
  Result<Value> eval_unary(const UnaryExpr& unary);
  Result<Value> eval_invariant(const Expr& expr);
  Result<Value> eval_repeated(const Expr& expr, uint32_t number);
  Result<Value> eval_node(const Expr& expr);
  Result<Value> eval_unprofiled(const Expr& expr);
  Result<MatrixPtr> matrix_unprofiled(const Expr& expr);
  Result<VectorPtr> select_smoothed(const VectorSelector& selector);
  Result<MatrixPtr> matrix_of(const MatrixSelector& selector);
  Result<MatrixPtr> matrix_of(const SubqueryExpr& subquery);

  Query& query_;
  const Steps steps_;
};

/// aggregate.cc, binary.cc
Result<Value> eval_aggregate(Evaluator& evaluator, const AggregateExpr& expr);
Result<Value> eval_binary(Evaluator& evaluator, const BinaryExpr& expr);

/// What a range function knows besides the samples.
struct RangeCall {
  const Call& call;
  Query& query;
  Steps steps;
  Millis range;
  const VectorSelector* selector = nullptr;  // null for a subquery
  std::vector<std::vector<double>> scalars;  // the call's scalar arguments, one a step
  SourceSpan argument_span;                  // of the range vector

  /// Of window `w`.
  double scalar(size_t argument, const RangeWindows& windows, size_t w) const {
    return scalars[argument][windows.first_step + w];
  }
  bool anchored() const { return selector != nullptr && selector->anchored; }
  bool smoothed() const { return selector != nullptr && selector->smoothed; }
};

}  // namespace strata::promql
