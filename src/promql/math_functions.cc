#include <cmath>
#include <limits>
#include <numbers>

#include "promql/function_bodies.h"
#include "promql/range_functions.h"

namespace strata::promql {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

// Go's math.Min and math.Max: NaN wins.
double go_min(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<double>::quiet_NaN();
  return a < b ? a : b;
}
double go_max(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<double>::quiet_NaN();
  return a > b ? a : b;
}

Result<Value> clamp_between(Evaluator& evaluator, const Call& call, std::vector<double> low,
                            std::vector<double> high) {
  return map_floats(evaluator, *call.args[0],
                    [low = std::move(low), high = std::move(high)](double v, size_t step) {
                      if (high[step] < low[step]) return absent();
                      return go_max(low[step], go_min(high[step], v));
                    });
}

Result<Value> pairwise(Evaluator& evaluator, const Call& call, double (*pick)(double, double)) {
  std::vector<double> left = TRY(evaluator.scalar(*call.args[0]));
  const std::vector<double> right = TRY(evaluator.scalar(*call.args[1]));
  for (size_t i = 0; i < left.size(); ++i) left[i] = pick(left[i], right[i]);
  return Value(std::move(left));
}

// Holt's linear method: a level and a trend, each smoothed.
double smoothed_level(std::span<const double> values, double level_factor, double trend_factor) {
  double level = values[0];
  double previous = 0;
  double trend = values[1] - values[0];
  for (size_t i = 1; i < values.size(); ++i) {
    if (i > 1) trend = trend_factor * (level - previous) + (1 - trend_factor) * trend;
    previous = level;
    level = level_factor * values[i] + (1 - level_factor) * (previous + trend);
  }
  return level;
}

void range_double_exponential_smoothing(const RangeCall& call, const RangeWindows& windows,
                                        RowView out) {
  for (size_t w = 0; w < windows.size(); ++w) {
    const size_t floats = windows.floats.count(w);
    if (floats > 0 && windows.histograms.count(w) > 0) {
      info_histograms_ignored(call, windows.series->labels->metric_name());
    }
    if (floats < 2) continue;
    out.set(w, smoothed_level(windows.values(w), call.scalar(1, windows, w),
                              call.scalar(2, windows, w)));
  }
}

}  // namespace

double sign_of(double v) {
  if (v < 0) return -1;
  return v > 0 ? 1 : v;
}
double to_degrees(double v) { return v * 180 / std::numbers::pi; }
double to_radians(double v) { return v * std::numbers::pi / 180; }

Result<Value> map_floats(Evaluator& evaluator, const Expr& argument,
                         std::function<double(double, size_t)> body) {
  VectorPtr inner = TRY(evaluator.vector(argument));
  std::vector<SeriesRef> series = inner->all_series();
  VectorPtr mapped = edit_rows(std::move(inner), std::move(series),
                               [body = std::move(body)](const SeriesRef&, RowView row) -> Result<> {
                                 row.drop_histograms();
                                 for (size_t i = 0; i < row.size(); ++i) {
                                   if (row.has(i)) row.v[i] = body(row.v[i], i);
                                 }
                                 return {};
                               });
  return Value(
      TRY(drop_names(evaluator.query(), std::move(mapped), evaluator.steps().count, false)));
}

Result<Value> call_clamp(Evaluator& evaluator, const Call& call) {
  std::vector<double> low = TRY(evaluator.scalar(*call.args[1]));
  std::vector<double> high = TRY(evaluator.scalar(*call.args[2]));
  return clamp_between(evaluator, call, std::move(low), std::move(high));
}

Result<Value> call_clamp_max(Evaluator& evaluator, const Call& call) {
  std::vector<double> high = TRY(evaluator.scalar(*call.args[1]));
  return clamp_between(evaluator, call, std::vector<double>(high.size(), -kInf), std::move(high));
}

Result<Value> call_clamp_min(Evaluator& evaluator, const Call& call) {
  std::vector<double> low = TRY(evaluator.scalar(*call.args[1]));
  std::vector<double> high(low.size(), kInf);
  return clamp_between(evaluator, call, std::move(low), std::move(high));
}

Result<Value> call_round(Evaluator& evaluator, const Call& call) {
  std::vector<double> inverse(evaluator.steps().count, 1);
  if (call.args.size() > 1) {
    inverse = TRY(evaluator.scalar(*call.args[1]));
    for (double& v : inverse) v = 1 / v;
  }
  return map_floats(evaluator, *call.args[0],
                    [inverse = std::move(inverse)](double v, size_t step) {
                      return std::floor(v * inverse[step] + 0.5) / inverse[step];
                    });
}

Result<Value> call_pi(Evaluator& evaluator, const Call&) {
  return Value(std::vector<double>(evaluator.steps().count, std::numbers::pi));
}

Result<Value> call_max_of(Evaluator& evaluator, const Call& call) {
  return pairwise(evaluator, call, go_max);
}
Result<Value> call_min_of(Evaluator& evaluator, const Call& call) {
  return pairwise(evaluator, call, go_min);
}

Result<Value> call_double_exponential_smoothing(Evaluator& evaluator, const Call& call) {
  constexpr std::string_view kFactors[] = {"smoothing", "trend"};
  constexpr std::string_view kShort[] = {"sf", "tf"};
  for (size_t i = 0; i < 2; ++i) {
    for (const double factor : TRY(evaluator.scalar(*call.args[i + 1]))) {
      if (factor > 0 && factor < 1) continue;
      return execution_error(fmt::format("invalid {} factor. Expected: 0 < {} < 1, got: {:f}",
                                         kFactors[i], kShort[i], factor));
    }
  }
  return Value(TRY(evaluator.range_function(call, range_double_exponential_smoothing)));
}

}  // namespace strata::promql
