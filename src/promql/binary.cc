// Binary operators: where a side is a scalar, and the set operators. Two vectors: match.cc.
#include <algorithm>
#include <unordered_map>

#include "promql/binary_element.h"
#include "promql/match.h"

namespace strata::promql {
namespace {

Result<Value> scalars(Evaluator& evaluator, const BinaryExpr& expr) {
  std::vector<double> left = TRY(evaluator.scalar(*expr.lhs));
  const std::vector<double> right = TRY(evaluator.scalar(*expr.rhs));
  for (size_t i = 0; i < left.size(); ++i) {
    left[i] = is_comparison(expr.op) ? (compare(expr.op, left[i], right[i]) ? 1 : 0)
                                     : arithmetic(expr.op, left[i], right[i]);
  }
  return Value(std::move(left));
}

/// A vector's rows combined with a scalar's values.
class ScalarOperand {
 public:
  ScalarOperand(Query& query, const BinaryExpr& expr, std::vector<double> scalar, bool on_left)
      : query_(query), expr_(expr), scalar_(std::move(scalar)), on_left_(on_left) {}

  void apply(RowView row) const {
    if (!row.has_histograms() && is_arithmetic(expr_.op)) return apply_arithmetic(row);
    for (size_t i = 0; i < row.size(); ++i) {
      if (row.has(i)) apply_at(row, i);
    }
  }

 private:
  void apply_arithmetic(RowView row) const {
    switch (expr_.op) {
      case Op::kAdd: return loop(row, std::plus<>());
      case Op::kSub: return loop(row, std::minus<>());
      case Op::kMul: return loop(row, std::multiplies<>());
      case Op::kDiv: return loop(row, std::divides<>());
      default: return loop(row, [this](double a, double b) { return arithmetic(expr_.op, a, b); });
    }
  }

  template <class Body>
  void loop(RowView row, Body body) const {
    for (size_t i = 0; i < row.size(); ++i) {
      const double v = row.v[i];
      const double result = on_left_ ? body(scalar_[i], v) : body(v, scalar_[i]);
      row.v[i] = is_absent(v) ? v : result;
    }
  }

  void apply_at(RowView row, size_t i) const {
    const Element scalar{scalar_[i]};
    const Element element{row.v[i], row.is_histogram(i) ? &row.histogram(i) : nullptr};
    ElementResult result =
        combine(query_, expr_, on_left_ ? scalar : element, on_left_ ? element : scalar);
    if (!result.exists) return row.erase(i);
    if (expr_.return_bool) return row.set(i, result.keep ? 1 : 0);
    if (!result.keep) return row.erase(i);
    if (is_comparison(expr_.op)) return;  // a filter: the vector's own element stays
    result.h ? row.set(i, std::move(result.h)) : row.set(i, result.v);
  }

  Query& query_;
  const BinaryExpr& expr_;
  const std::vector<double> scalar_;
  const bool on_left_;
};

Result<Value> with_scalar(Evaluator& evaluator, const BinaryExpr& expr, bool scalar_on_left) {
  std::vector<double> scalar = TRY(evaluator.scalar(scalar_on_left ? *expr.lhs : *expr.rhs));
  VectorPtr vector = TRY(evaluator.vector(scalar_on_left ? *expr.rhs : *expr.lhs));
  const auto operand =
      std::make_shared<ScalarOperand>(evaluator.query(), expr, std::move(scalar), scalar_on_left);
  std::vector<SeriesRef> series = vector->all_series();
  VectorPtr combined = edit_rows(std::move(vector), std::move(series),
                                 [operand](const SeriesRef&, RowView row) -> Result<> {
                                   operand->apply(row);
                                   return {};
                                 });
  if (!is_arithmetic(expr.op) && !expr.return_bool) return Value(std::move(combined));
  return Value(
      TRY(drop_names(evaluator.query(), std::move(combined), evaluator.steps().count, false)));
}

/// For each signature, the steps at which some series with it has a value.
class Presence {
 public:
  Presence(const Frame& frame, const std::vector<uint32_t>& signatures, size_t signature_count)
      : steps_(frame.steps()), present_(signature_count * frame.steps()) {
    for (size_t i = 0; i < frame.size(); ++i) {
      const RowView row = frame.view(i);
      for (size_t s = 0; s < steps_; ++s) {
        if (row.has(s)) present_[signatures[i] * steps_ + s] = true;
      }
    }
  }
  bool at(uint32_t signature, size_t step) const { return present_[signature * steps_ + step]; }

 private:
  const size_t steps_;
  std::vector<bool> present_;
};

// Rows of `frame` where the other side has (or has not) a match.
void keep_where(const Frame& frame, const std::vector<uint32_t>& signatures,
                const Presence& presence, bool wanted) {
  for (size_t i = 0; i < frame.size(); ++i) {
    const RowView row = frame.view(i);
    for (size_t s = 0; s < frame.steps(); ++s) {
      if (row.has(s) && presence.at(signatures[i], s) != wanted) row.erase(s);
    }
  }
}

Result<Value> set_operation(Evaluator& evaluator, const BinaryExpr& expr) {
  Query& query = evaluator.query();
  const size_t steps = evaluator.steps().count;
  FramePtr lhs = TRY(evaluator.frame(*expr.lhs));
  FramePtr rhs = TRY(evaluator.frame(*expr.rhs));
  const Signatures signatures = match_signatures(*expr.matching, *lhs, *rhs);
  if (expr.op != Op::kOr) {
    const Presence right(*rhs, signatures.rhs, signatures.count);
    keep_where(*lhs, signatures.lhs, right, expr.op == Op::kAnd);
    return Value(std::move(lhs));
  }
  const Presence left(*lhs, signatures.lhs, signatures.count);
  keep_where(*rhs, signatures.rhs, left, false);
  std::vector<SeriesRef> series = lhs->all_series();
  series.insert(series.end(), rhs->all_series().begin(), rhs->all_series().end());
  FramePtr both = TRY(Frame::make(query, std::move(series), steps));
  for (size_t i = 0; i < lhs->size(); ++i) both->view(i).copy_from(lhs->view(i));
  for (size_t i = 0; i < rhs->size(); ++i) both->view(lhs->size() + i).copy_from(rhs->view(i));
  if (query.options.delayed_name_removal) return Value(std::move(both));
  return Value(TRY(merge_same_labels(query, std::move(both), steps)));
}

}  // namespace

Result<Value> eval_binary(Evaluator& evaluator, const BinaryExpr& expr) {
  const bool left_scalar = type_of(*expr.lhs) == ValueType::kScalar;
  const bool right_scalar = type_of(*expr.rhs) == ValueType::kScalar;
  if (left_scalar && right_scalar) return scalars(evaluator, expr);
  if (left_scalar || right_scalar) return with_scalar(evaluator, expr, left_scalar);
  if (is_set_operator(expr.op)) return set_operation(evaluator, expr);
  return match_vectors(evaluator, expr);
}

}  // namespace strata::promql
