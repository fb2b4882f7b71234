// The tree that the parser makes and the engine evaluates. Plain data: whoever holds the ExprPtr
// owns the whole tree; a const tree may be read by any number of threads. Depth and size are
// bounded by the parser (ParserOptions).
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "model/duration.h"
#include "model/matcher.h"

namespace strata::promql {

enum class ValueType : uint8_t { kNone, kScalar, kVector, kMatrix, kString };

/// "scalar", "instant vector", "range vector", "string", "none": what error texts say.
std::string_view documented_name(ValueType type);
/// "scalar", "vector", "matrix", "string", "none": what the API says.
std::string_view to_string(ValueType type);

/// Bytes [start, end) of the query text.
struct SourceSpan {
  int32_t start = 0;
  int32_t end = 0;
  friend bool operator==(const SourceSpan&, const SourceSpan&) = default;
};

enum class Op : uint8_t {
  kAdd,
  kSub,
  kMul,
  kDiv,
  kMod,
  kPow,
  kAtan2,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kTrimUpper,  // </
  kTrimLower,  // >/
  kAnd,
  kOr,
  kUnless,
};
/// As PromQL spells it.
std::string_view to_string(Op op);
bool is_comparison(Op op);
bool is_set_operator(Op op);

enum class Aggregation : uint8_t {
  kSum,
  kAvg,
  kMin,
  kMax,
  kCount,
  kGroup,
  kStddev,
  kStdvar,
  kTopk,
  kBottomk,
  kCountValues,
  kQuantile,
  kLimitk,
  kLimitRatio,
};
std::string_view to_string(Aggregation op);
/// Whether the aggregation has a parameter before its vector.
bool takes_parameter(Aggregation op);
bool is_experimental(Aggregation op);

struct Function;  // function_table.h

enum class ExprKind : uint8_t {
  kNumber,
  kString,
  kParen,
  kUnary,
  kBinary,
  kAggregate,
  kCall,
  kVectorSelector,
  kMatrixSelector,
  kSubquery,
  kDuration,
};

struct Expr {
  Expr(ExprKind k, SourceSpan s) : kind(k), span(s) {}
  Expr(const Expr&) = default;
  Expr& operator=(const Expr&) = delete;
  virtual ~Expr() = default;

  const ExprKind kind;
  int32_t height = 1;  // levels of the tree from here down
  SourceSpan span;
};
using ExprPtr = std::unique_ptr<Expr>;

struct NumberLiteral final : Expr {
  explicit NumberLiteral(double v, SourceSpan s = {}) : Expr(ExprKind::kNumber, s), value(v) {}
  double value;
  bool is_duration = false;  // written as 5m: a value in seconds that prints as a duration
};

struct StringLiteral final : Expr {
  StringLiteral(std::string v, SourceSpan s) : Expr(ExprKind::kString, s), value(std::move(v)) {}
  std::string value;
};

struct ParenExpr final : Expr {
  ParenExpr(ExprPtr e, SourceSpan s) : Expr(ExprKind::kParen, s), inner(std::move(e)) {}
  ExprPtr inner;
};

struct UnaryExpr final : Expr {
  UnaryExpr(bool minus, ExprPtr e, SourceSpan s)
      : Expr(ExprKind::kUnary, s), negative(minus), inner(std::move(e)) {}
  bool negative;  // or a plus sign
  ExprPtr inner;
};

enum class Cardinality : uint8_t { kOneToOne, kManyToOne, kOneToMany, kManyToMany };

struct VectorMatching {
  Cardinality card = Cardinality::kOneToOne;
  bool on = false;  // `labels` are those that match; otherwise those that do not
  std::vector<std::string> labels;
  std::vector<std::string> include;  // of group_left and group_right
  std::optional<double> fill_left;   // what a side counts as where it has no match
  std::optional<double> fill_right;
};

struct BinaryExpr final : Expr {
  BinaryExpr(Op o, ExprPtr l, ExprPtr r, SourceSpan s)
      : Expr(ExprKind::kBinary, s), op(o), lhs(std::move(l)), rhs(std::move(r)) {}
  Op op;
  bool return_bool = false;
  ExprPtr lhs;
  ExprPtr rhs;
  std::optional<VectorMatching> matching;  // only between two vectors
};

struct AggregateExpr final : Expr {
  AggregateExpr(Aggregation o, SourceSpan s) : Expr(ExprKind::kAggregate, s), op(o) {}
  Aggregation op;
  bool without = false;
  ExprPtr inner;
  ExprPtr parameter;  // null where the operation takes none
  std::vector<std::string> grouping;
};

struct Call final : Expr {
  Call(const Function* f, SourceSpan s) : Expr(ExprKind::kCall, s), function(f) {}
  const Function* function;  // from function_table.h, never null
  std::vector<ExprPtr> args;
};

enum class AtPoint : uint8_t { kNone, kStart, kEnd };

/// A duration that is computed when the query's step and range are known.
struct DurationExpr final : Expr {
  enum class Kind : uint8_t {
    kAdd,
    kSub,
    kMul,
    kDiv,
    kMod,
    kPow,
    kStep,
    kRange,
    kMinOf,
    kMaxOf,
  };
  DurationExpr(Kind o, ExprPtr l, ExprPtr r, SourceSpan s)
      : Expr(ExprKind::kDuration, s), op(o), lhs(std::move(l)), rhs(std::move(r)) {}
  Kind op;
  bool wrapped = false;  // in parentheses
  ExprPtr lhs;           // null for a unary sign
  ExprPtr rhs;           // null for step() and range()
};

/// offset and @: what selectors and subqueries share.
struct TimeShift {
  Millis offset{0};     // positive: into the past
  ExprPtr offset_expr;  // a DurationExpr that says what `offset` is; or null
  std::optional<TimestampMs> at;
  AtPoint at_point = AtPoint::kNone;
};

struct VectorSelector final : Expr {
  explicit VectorSelector(SourceSpan s) : Expr(ExprKind::kVectorSelector, s) {}
  std::string name;               // what stood before the braces; also in `matchers`, last
  std::vector<Matcher> matchers;  // in the order of the text
  TimeShift shift;
  bool anchored = false;
  bool smoothed = false;
  bool any_series = false;  // info()'s second argument may select everything
  /// Set by prepare(): of histograms only count and sum are asked for.
  bool histogram_stats = false;
};

struct MatrixSelector final : Expr {
  MatrixSelector(std::unique_ptr<VectorSelector> v, SourceSpan s)
      : Expr(ExprKind::kMatrixSelector, s), vector(std::move(v)) {}
  std::unique_ptr<VectorSelector> vector;
  Millis range{0};
  ExprPtr range_expr;  // or null
};

struct SubqueryExpr final : Expr {
  SubqueryExpr(ExprPtr e, SourceSpan s) : Expr(ExprKind::kSubquery, s), inner(std::move(e)) {}
  ExprPtr inner;
  Millis range{0};
  Millis step{0};  // 0: the engine's default
  ExprPtr range_expr;
  ExprPtr step_expr;
  TimeShift shift;
};

/// REQUIRES: `expr` is a T.
template <class T>
const T& as(const Expr& expr) {
  return static_cast<const T&>(expr);
}
template <class T>
T& as(Expr& expr) {
  return static_cast<T&>(expr);
}

ValueType type_of(const Expr& expr);
ExprPtr clone(const Expr& expr);
/// visit(child) for each part of `expr` that is evaluated, in the order of the text; a matrix
/// selector's vector selector is one.
void for_each_child(const Expr& expr, const std::function<void(const Expr&)>& visit);
/// Without parentheses around it.
const Expr& unwrap(const Expr& expr);

}  // namespace strata::promql
