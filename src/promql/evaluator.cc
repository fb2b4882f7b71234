#include "promql/evaluator.h"

#include <algorithm>
#include <array>

#include "promql/histogram_ops.h"
#include "promql/profile.h"

namespace strata::promql {
namespace {

class RangeFunctionRows final : public VectorSource {
 public:
  RangeFunctionRows(MatrixPtr matrix, RangeCall call, RangeBody body)
      : VectorSource(matrix->all_series()),
        matrix_(std::move(matrix)),
        call_(std::move(call)),
        body_(body) {}

  Result<> row(size_t i, RowView out) const override { return slice(i, 0, out); }
  bool has_slices() const override { return matrix_->has_slices(); }
  Result<> slice(size_t i, size_t first, RowView out) const override {
    const BorrowedReader reader;
    const RangeWindows* windows = TRY(reader->read(*matrix_, i, first, out.size()));
    call_.query.count_steps(call_.steps, first, out.size(), [windows](size_t w) {
      return windows->floats.count(w) + windows->histograms.count(w);
    });
    out.clear();
    body_(call_, *windows, out);
    return {};
  }

 private:
  const MatrixPtr matrix_;
  const RangeCall call_;
  const RangeBody body_;
};

// Functions that know of samples beyond the range's ends.
Result<> check_modifiers(const RangeCall& call) {
  constexpr auto kAnchored =
      std::to_array<std::string_view>({"changes", "delta", "increase", "rate", "resets"});
  constexpr auto kSmoothed = std::to_array<std::string_view>({"delta", "increase", "rate"});
  const auto check = [&](std::span<const std::string_view> allowed, std::string_view modifier,
                         std::string_view list) -> Result<> {
    const std::string_view name = call.call.function->name;
    if (std::ranges::count(allowed, name) > 0) return {};
    return execution_error(fmt::format("{0} modifier can only be used with: {1} - not with {2}",
                                       modifier, list, name));
  };
  if (call.anchored()) {
    return check(kAnchored, "anchored", "changes, delta, increase, rate, resets");
  }
  if (call.smoothed()) return check(kSmoothed, "smoothed", "delta, increase, rate");
  return {};
}

Result<> apply_to_floats(FloatBody body, RowView row) {
  row.drop_histograms();
  for (double& v : row.v) {
    if (!is_absent(v)) v = body(v);
  }
  return {};
}

void negate(RowView row) {
  for (size_t i = 0; i < row.size(); ++i) {
    if (row.is_histogram(i)) {
      row.set(i, scaled(*row.histogram(i), -1));
    } else if (row.has(i)) {
      row.v[i] = -row.v[i];
    }
  }
}

}  // namespace

Result<Value> Evaluator::eval(const Expr& expr) {
  TRY(query_.check());
  if (query_.profile == nullptr || expr.kind == ExprKind::kParen) return eval_unprofiled(expr);
  Profile::Part part(*query_.profile, expr);
  Value value = TRY(eval_unprofiled(expr));
  if (value.type == ValueType::kVector) value.vector = part.watched(std::move(value.vector));
  return value;
}

Result<Value> Evaluator::eval_unprofiled(const Expr& expr) {
  if (steps_.count > 1 && query_.step_invariant.contains(&expr)) return eval_invariant(expr);
  const auto repeated = query_.repeated.find(&expr);
  return repeated == query_.repeated.end() ? eval_node(expr)
                                           : eval_repeated(expr, repeated->second);
}

Result<Value> Evaluator::eval_node(const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kNumber:
      return Value(std::vector<double>(steps_.count, as<NumberLiteral>(expr).value));
    case ExprKind::kString: {
      Value value;
      value.type = ValueType::kString;
      value.text = as<StringLiteral>(expr).value;
      return value;
    }
    case ExprKind::kParen: return eval(*as<ParenExpr>(expr).inner);
    case ExprKind::kUnary: return eval_unary(as<UnaryExpr>(expr));
    case ExprKind::kBinary: return eval_binary(*this, as<BinaryExpr>(expr));
    case ExprKind::kAggregate: return eval_aggregate(*this, as<AggregateExpr>(expr));
    case ExprKind::kCall: return eval_call(as<Call>(expr));
    case ExprKind::kVectorSelector:
      return Value(TRY(select(as<VectorSelector>(expr), Sampled::kValue)));
    case ExprKind::kMatrixSelector:
    case ExprKind::kSubquery:
    case ExprKind::kDuration: break;
  }
  return fail(ErrorCode::kInternal, "a range vector was evaluated as an instant vector");
}

Result<Value> Evaluator::eval_invariant(const Expr& expr) {
  Evaluator once(query_, {steps_.start, steps_.interval, 1});
  Value value = TRY(once.eval(expr));
  if (value.type == ValueType::kScalar) value.scalar.assign(steps_.count, value.scalar[0]);
  if (value.type == ValueType::kVector) {
    // Evaluated here and now: "once" is the point.
    FramePtr frame = TRY(Frame::of(query_, std::move(value.vector), 1));
    value.vector = broadcast(std::move(frame));
  }
  return value;
}

// The first time what is asked for more than once is evaluated and kept; then it is there.
Result<Value> Evaluator::eval_repeated(const Expr& expr, uint32_t number) {
  const auto known = query_.evaluated.find({number, steps_});
  if (known != query_.evaluated.end()) {
    if (query_.profile != nullptr) query_.profile->note_reused(expr);
    return Value(shared_rows(known->second));
  }
  Value value = TRY(eval_node(expr));
  // Rows that do not fit are evaluated again instead.
  constexpr size_t kMaxValuesKept = size_t{1} << 22;
  if (value.vector->size() * steps_.count > kMaxValuesKept) return value;
  const std::shared_ptr<const Frame> frame =
      TRY(Frame::of(query_, std::move(value.vector), steps_.count));
  query_.evaluated.emplace(std::pair(number, steps_), frame);
  return Value(shared_rows(frame));
}

Result<std::vector<double>> Evaluator::scalar(const Expr& expr) {
  return std::move(TRY(eval(expr)).scalar);
}

Result<VectorPtr> Evaluator::vector(const Expr& expr) { return std::move(TRY(eval(expr)).vector); }

Result<FramePtr> Evaluator::frame(const Expr& expr) {
  return Frame::of(query_, TRY(vector(expr)), steps_.count);
}

const std::string& Evaluator::string(const Expr& expr) {
  return as<StringLiteral>(unwrap(expr)).value;
}

Result<Value> Evaluator::eval_unary(const UnaryExpr& unary) {
  Value value = TRY(eval(*unary.inner));
  if (!unary.negative) return value;
  for (double& v : value.scalar) v = -v;
  if (value.type != ValueType::kVector) return value;
  std::vector<SeriesRef> series = value.vector->all_series();
  VectorPtr negated = edit_rows(
      std::move(value.vector), std::move(series),
      [](const SeriesRef&, RowView row) -> Result<> {
        negate(row);
        return {};
      },
      Edit::kEachAlike);
  return Value(TRY(drop_names(query_, std::move(negated), steps_.count, false)));
}

Result<Value> Evaluator::eval_call(const Call& call) {
  const Function& function = *call.function;
  if (const auto* special = std::get_if<SpecialBody>(&function.body))
    return (*special)(*this, call);
  if (const auto* range = std::get_if<RangeBody>(&function.body)) {
    return Value(TRY(range_function(call, *range)));
  }
  const auto body = std::get<FloatBody>(function.body);
  VectorPtr argument = TRY(vector(*call.args[0]));
  std::vector<SeriesRef> series = argument->all_series();
  VectorPtr mapped = edit_rows(
      std::move(argument), std::move(series),
      [body](const SeriesRef&, RowView row) { return apply_to_floats(body, row); },
      Edit::kEachAlike);
  return Value(TRY(drop_names(query_, std::move(mapped), steps_.count, false)));
}

Result<VectorPtr> Evaluator::range_function(const Call& call, RangeBody body) {
  VectorPtr rows = TRY(range_rows(call, body));
  if (call.function->keeps_name) return rows;
  return drop_names(query_, std::move(rows), steps_.count, true);
}

Result<VectorPtr> Evaluator::vector_of_any_name(const Expr& expr) {
  const Expr& inner = unwrap(expr);
  const bool plain = inner.kind == ExprKind::kCall && query_.profile == nullptr &&
                     !query_.options.delayed_name_removal && !query_.repeated.contains(&inner) &&
                     !query_.step_invariant.contains(&inner);
  const auto* body = plain ? std::get_if<RangeBody>(&as<Call>(inner).function->body) : nullptr;
  if (body == nullptr) return vector(expr);
  TRY(query_.check());
  VectorPtr rows = TRY(range_rows(as<Call>(inner), *body));
  if (as<Call>(inner).function->keeps_name) return rows;
  if (have_one_name(rows->all_series())) {
    std::vector<SeriesRef> series = rows->all_series();
    for (SeriesRef& s : series) s.drop_name = true;
    return edit_rows(
        std::move(rows), std::move(series),
        [](const SeriesRef&, RowView) -> Result<> { return {}; }, Edit::kEachAlike);
  }
  return drop_names(query_, std::move(rows), steps_.count, true);
}

Result<VectorPtr> Evaluator::range_rows(const Call& call, RangeBody body) {
  RangeCall range_call{call, query_, steps_, Millis(0), nullptr, {}, {}};
  MatrixPtr matrix_argument;
  for (const auto& arg : call.args) {
    auto& scalars = range_call.scalars.emplace_back();
    if (type_of(*arg) == ValueType::kScalar) {
      scalars = TRY(scalar(*arg));
      continue;
    }
    const Expr& inner = unwrap(*arg);
    range_call.argument_span = inner.span;
    if (inner.kind == ExprKind::kMatrixSelector) {
      range_call.selector = as<MatrixSelector>(inner).vector.get();
      range_call.range = as<MatrixSelector>(inner).range;
    } else {
      range_call.range = as<SubqueryExpr>(inner).range;
    }
    matrix_argument = TRY(matrix(inner));
  }
  TRY(check_modifiers(range_call));
  return std::make_unique<RangeFunctionRows>(std::move(matrix_argument), std::move(range_call),
                                             body);
}

}  // namespace strata::promql
