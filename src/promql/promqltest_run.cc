// Evaluates eval commands, and the variants of them that must answer the same.
#include <algorithm>
#include <array>

#include "promql/function_table.h"
#include "promql/parser.h"
#include "promql/promqltest_eval.h"

namespace strata::promql {
namespace {

constexpr auto kTimeDependent = std::to_array<std::string_view>(
    {"day_of_month", "day_of_week", "day_of_year", "days_in_month", "end", "hour", "minute",
     "month", "predict_linear", "range", "start", "start_timestamp", "step", "time", "timestamp",
     "year"});

/// Puts `@ at` on every selector and subquery that has no @ yet; what is inside a subquery follows
/// the subquery.
class Pinner {
 public:
  explicit Pinner(TimestampMs at) : at_(at) {}
  bool time_dependent() const { return time_dependent_; }

  void pin(Expr& expr) {
    switch (expr.kind) {
      case ExprKind::kParen: return pin(*as<ParenExpr>(expr).inner);
      case ExprKind::kUnary: return pin(*as<UnaryExpr>(expr).inner);
      case ExprKind::kBinary: pin(*as<BinaryExpr>(expr).lhs); return pin(*as<BinaryExpr>(expr).rhs);
      case ExprKind::kAggregate:
        if (as<AggregateExpr>(expr).parameter) pin(*as<AggregateExpr>(expr).parameter);
        return pin(*as<AggregateExpr>(expr).inner);
      case ExprKind::kCall: return pin_call(as<Call>(expr));
      case ExprKind::kVectorSelector: return pin(as<VectorSelector>(expr).shift);
      case ExprKind::kMatrixSelector: return pin(as<MatrixSelector>(expr).vector->shift);
      case ExprKind::kSubquery: return pin(as<SubqueryExpr>(expr).shift);
      default: return;
    }
  }

 private:
  void pin_call(Call& call) {
    if (std::ranges::count(kTimeDependent, call.function->name) > 0) time_dependent_ = true;
    for (const auto& arg : call.args) pin(*arg);
  }
  void pin(TimeShift& shift) const {
    if (!shift.at) shift.at = at_;
  }

  const TimestampMs at_;
  bool time_dependent_ = false;
};

bool mentions_query_times(std::string_view query) {
  constexpr auto kFunctions =
      std::to_array<std::string_view>({"start(", "end(", "step(", "range("});
  std::string lowered(query);
  std::ranges::transform(lowered, lowered.begin(), [](char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  });
  return std::ranges::any_of(kFunctions, [&](auto f) { return lowered.contains(f); });
}

// The values of a matrix at one time.
Vector column(const Matrix& matrix, TimestampMs t) {
  Vector out;
  for (const MatrixSeries& series : matrix) {
    for (const Point& point : series.points) {
      if (point.t == t) out.push_back({series.metric, point});
    }
  }
  return out;
}

class EvalRun {
 public:
  EvalRun(const EvalCommand& command, const Engine& engine, const SeriesSource& source,
          size_t& queries)
      : command_(command), engine_(engine), source_(source), queries_(queries) {}

  std::string run_range() {
    ++queries_;
    return check_result(command_, engine_.range(source_, command_.query, command_.start,
                                                command_.end, command_.step));
  }

  std::string run_instant(const std::string& query, TimestampMs at, bool with_range) {
    ++queries_;
    const auto result = engine_.instant(source_, query, at);
    auto problem = check_result(command_, result);
    if (!problem.empty() || !result || !with_range) return problem;
    const bool skip = command_.is_range_vector || command_.text || mentions_query_times(query) ||
                      command_.expects(EvalCommand::Expect::kOrdered);
    if (skip) return {};
    problem = run_in_middle(query, at, result->value);
    return problem.empty() ? problem : "as a step of a range query: " + problem;
  }

  std::string run_pinned() {
    const ExprPtr expr = *parse(command_.query, engine_.options().syntax);
    Pinner pinner(command_.at);
    pinner.pin(*expr);
    if (pinner.time_dependent()) return {};
    const std::string query = to_string(*expr);
    const TimestampMs t = command_.at;
    std::vector<TimestampMs> times = {-10 * t, 0, t / 5, t, 10 * t};
    if (t == 0) times = {-1000, 0, 1000};
    for (const TimestampMs at : times) {
      const auto problem = run_instant(query, at, true);
      if (!problem.empty()) return fmt::format("{} at {}: {}", query, at, problem);
    }
    return {};
  }

 private:
  std::string run_in_middle(const std::string& query, TimestampMs at, const QueryValue& instant) {
    ++queries_;
    constexpr Millis kMinute = std::chrono::minutes(1);
    const auto range =
        engine_.range(source_, query, at - kMinute.count(), at + kMinute.count(), kMinute);
    if (!range) return "failed: " + range.error().message;
    Vector middle = column(std::get<Matrix>(range->value), at);
    if (std::holds_alternative<Scalar>(instant)) {
      if (middle.empty()) return "no value";
      return check_value(command_, Scalar{at, middle[0].point.v});
    }
    return check_value(command_, std::move(middle));
  }

  const EvalCommand& command_;
  const Engine& engine_;
  const SeriesSource& source_;
  size_t& queries_;
};

// What the selectors of an expression find.
struct Selected {
  bool histograms = false;
  bool start_times = false;
};

void look_at_selected(const Expr& expr, const SeriesSource& source, Selected& found) {
  if (expr.kind == ExprKind::kVectorSelector) {
    const auto set = source.select(as<VectorSelector>(expr).matchers, TimeRange(), 0);
    SampleColumns samples;
    for (size_t i = 0; set && i < (*set)->size(); ++i) {
      if (!(*set)->read(i, TimeRange(), samples)) continue;
      found.histograms = found.histograms || !samples.h.empty();
      found.start_times = found.start_times || !samples.st.empty();
    }
  }
  for_each_child(expr, [&](const Expr& child) { look_at_selected(child, source, found); });
}

bool has_histogram(const SequenceValue& value) { return value.h != nullptr; }

}  // namespace

TestClass class_of(const EvalCommand& command, const SeriesSource& source) {
  const auto expr = parse(command.query, ParserOptions::everything());
  if (!expr) return TestClass::kFloat;  // one that must fail
  if (!parse(command.query)) return TestClass::kExperimental;
  Selected found;
  look_at_selected(**expr, source, found);
  if (found.start_times) return TestClass::kExperimental;
  const bool answers = std::ranges::any_of(command.series, [](const auto& series) {
    return std::ranges::any_of(series.second.values, has_histogram);
  });
  return found.histograms || answers ? TestClass::kHistogram : TestClass::kFloat;
}

std::string run_eval(const EvalCommand& command, const Engine& engine, const SeriesSource& source,
                     bool variants, size_t& queries) {
  EvalRun run(command, engine, source, queries);
  if (command.is_range) return run.run_range();
  auto problem = run.run_instant(command.query, command.at, variants);
  if (!problem.empty() || !variants) return problem;
  if (!parse(command.query, engine.options().syntax)) return {};
  return run.run_pinned();
}

}  // namespace strata::promql
