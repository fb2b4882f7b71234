// Compares answers with what test files expect.
#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "base/regex.h"
#include "model/sample.h"
#include "promql/histogram_ops.h"
#include "promql/promqltest_eval.h"
#include "promql/quote.h"

namespace strata::promql {
namespace {

constexpr double kTolerance = 1e-6;

bool almost_equal(double a, double b) {
  if (is_stale_nan(a) || is_stale_nan(b)) return is_stale_nan(a) && is_stale_nan(b);
  if (std::isnan(a) && std::isnan(b)) return true;
  if (a == b) return true;
  constexpr double kSmallest = std::numeric_limits<double>::min();
  const double sum = std::abs(a) + std::abs(b);
  const double difference = std::abs(a - b);
  if (a == 0 || b == 0 || sum < kSmallest) return difference < kTolerance * kSmallest;
  return difference / std::min(sum, std::numeric_limits<double>::max()) < kTolerance;
}

bool almost_equal(const std::vector<double>& a, const std::vector<double>& b) {
  return std::ranges::equal(a, b, [](double x, double y) { return almost_equal(x, y); });
}

bool almost_equal(const FloatHistogram& expected, const FloatHistogram& actual, bool with_hint) {
  const FloatHistogram e = compacted(expected);
  const FloatHistogram a = compacted(actual);
  return e.schema == a.schema && almost_equal(e.count, a.count) && almost_equal(e.sum, a.sum) &&
         e.custom_values == a.custom_values && e.zero_threshold == a.zero_threshold &&
         almost_equal(e.zero_count, a.zero_count) && e.positive_spans == a.positive_spans &&
         e.negative_spans == a.negative_spans &&
         almost_equal(e.positive_buckets, a.positive_buckets) &&
         almost_equal(e.negative_buckets, a.negative_buckets) &&
         (!with_hint || expected.counter_reset_hint == actual.counter_reset_hint);
}

std::string text_of(const Point& point) {
  return point.h ? test_expression(*point.h) : number_text(point.v);
}
std::string text_of(const SequenceValue& value) {
  if (value.omitted) return "_";
  return value.h ? test_expression(*value.h) : number_text(value.v);
}

bool matches(const SequenceValue& expected, const Point& actual) {
  if (expected.omitted || (expected.h == nullptr) != (actual.h == nullptr)) return false;
  if (expected.h) return almost_equal(*expected.h, *actual.h, expected.hint_given);
  return almost_equal(expected.v, actual.v);
}

std::string check_vector(const EvalCommand& command, const Vector& vector) {
  std::set<Labels> seen;
  for (size_t i = 0; i < vector.size(); ++i) {
    const auto& [metric, point] = vector[i];
    const auto found = command.series.find(metric);
    if (found == command.series.end()) {
      return fmt::format("unexpected {} with {}", metric.to_string(), text_of(point));
    }
    if (command.expects(EvalCommand::Expect::kOrdered) && found->second.position != i + 1) {
      return fmt::format("{} is at position {}, expected {}", metric.to_string(), i + 1,
                         found->second.position);
    }
    if (found->second.values.empty())
      return fmt::format("no value is expected of {}", metric.to_string());
    const SequenceValue& expected = found->second.values[0];
    if (!matches(expected, point)) {
      return fmt::format("{}: expected {}, got {}", metric.to_string(), text_of(expected),
                         text_of(point));
    }
    seen.insert(metric);
  }
  for (const auto& entry : command.series) {
    if (!seen.contains(entry.first)) return fmt::format("{} is missing", entry.first.to_string());
  }
  return {};
}

std::string check_points(const EvalCommand& command, const MatrixSeries& series,
                         const std::vector<SequenceValue>& values) {
  size_t next = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i].omitted) continue;
    const TimestampMs t = command.start + static_cast<int64_t>(i) * command.step.count();
    if (next == series.points.size() || series.points[next].t != t) {
      return fmt::format("{}: no point at {} (expected {})", series.metric.to_string(), t,
                         text_of(values[i]));
    }
    const Point& point = series.points[next++];
    if (!matches(values[i], point)) {
      return fmt::format("{} at {}: expected {}, got {}", series.metric.to_string(), t,
                         text_of(values[i]), text_of(point));
    }
  }
  if (next == series.points.size()) return {};
  return fmt::format("{}: unexpected point at {}: {}", series.metric.to_string(),
                     series.points[next].t, text_of(series.points[next]));
}

std::string check_matrix(const EvalCommand& command, const Matrix& matrix) {
  std::set<Labels> seen;
  if (!std::ranges::is_sorted(matrix, {}, &MatrixSeries::metric)) return "series are not sorted";
  for (const MatrixSeries& series : matrix) {
    const auto found = command.series.find(series.metric);
    if (found == command.series.end()) {
      return fmt::format("unexpected {} with {}", series.metric.to_string(),
                         text_of(series.points.front()));
    }
    if (auto problem = check_points(command, series, found->second.values); !problem.empty()) {
      return problem;
    }
    seen.insert(series.metric);
  }
  for (const auto& entry : command.series) {
    if (!seen.contains(entry.first)) return fmt::format("{} is missing", entry.first.to_string());
  }
  return {};
}

bool matches(const EvalCommand::Text& expected, const std::string& actual) {
  if (!expected.is_regex) return expected.text.empty() || expected.text == actual;
  const auto regex = Regex::compile(expected.text);
  return regex && regex->partial_match(actual);
}

std::string check_annotations(const EvalCommand& command, EvalCommand::Expect wanted,
                              EvalCommand::Expect unwanted, const std::vector<std::string>& actual,
                              std::string_view kind) {
  if (command.expects(unwanted) && !actual.empty()) {
    return fmt::format("unexpected {}: {}", kind, actual[0]);
  }
  if (!command.expects(wanted)) return {};
  const auto& expected = command.texts(wanted);
  if (actual.empty()) return fmt::format("expected a {}: {}", kind, expected[0].text);
  for (const auto& text : actual) {
    if (std::ranges::none_of(expected, [&](const auto& e) { return matches(e, text); })) {
      return fmt::format("unexpected {}: {} (expected {})", kind, text, expected[0].text);
    }
  }
  for (const auto& e : expected) {
    if (std::ranges::none_of(actual, [&](const auto& text) { return matches(e, text); })) {
      return fmt::format("missing {}: {} (got {})", kind, e.text, actual[0]);
    }
  }
  return {};
}

}  // namespace

std::string check_value(const EvalCommand& command, const QueryValue& value) {
  if (const auto* vector = std::get_if<Vector>(&value)) {
    return command.scalar ? "expected a scalar, got a vector" : check_vector(command, *vector);
  }
  if (const auto* matrix = std::get_if<Matrix>(&value)) {
    return command.scalar ? "expected a scalar, got a matrix" : check_matrix(command, *matrix);
  }
  if (const auto* scalar = std::get_if<Scalar>(&value)) {
    if (!command.scalar) return fmt::format("unexpected scalar {}", number_text(scalar->v));
    if (almost_equal(*command.scalar, scalar->v)) return {};
    return fmt::format("expected {}, got {}", number_text(*command.scalar), number_text(scalar->v));
  }
  const std::string& text = std::get<StringValue>(value).v;
  if (command.text == text) return {};
  return fmt::format("expected {}, got {}", quoted(command.text.value_or("")), quoted(text));
}

std::string check_result(const EvalCommand& command, const Result<QueryResult>& result) {
  using enum EvalCommand::Expect;
  if (!result) {
    const std::string& message = result.error().message;
    if (!command.expects(kFail)) return "failed: " + message;
    const auto& expected = command.texts(kFail)[0];
    if (matches(expected, message)) return {};
    return fmt::format("expected failure {}, got {}", expected.text, message);
  }
  if (command.expects(kFail)) return "expected a failure";
  auto problem = check_annotations(command, kWarn, kNoWarn, result->warnings, "warning");
  if (problem.empty()) {
    problem = check_annotations(command, kInfo, kNoInfo, result->infos, "info");
  }
  return problem.empty() ? check_value(command, result->value) : problem;
}

}  // namespace strata::promql
