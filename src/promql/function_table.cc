#include "promql/function_table.h"

#include <algorithm>
#include <cmath>

#include "promql/function_bodies.h"
#include "promql/range_functions.h"

namespace strata::promql {
namespace {

using enum ValueType;

constexpr int kAny = -1;

Function floats(std::string_view name, FloatBody body, std::string_view summary) {
  return {.name = name, .args = {kVector}, .body = body, .summary = summary};
}

Function over_range(std::string_view name, RangeBody body, std::string_view summary) {
  return {.name = name, .args = {kMatrix}, .body = body, .summary = summary};
}

Function special(std::string_view name, std::vector<ValueType> args, SpecialBody body,
                 std::string_view summary) {
  return {.name = name, .args = std::move(args), .body = body, .summary = summary};
}

Function experimental(Function function) {
  function.experimental = true;
  return function;
}
Function variadic(int count, Function function) {
  function.variadic = count;
  return function;
}
Function scalar_result(Function function) {
  function.result = kScalar;
  return function;
}
Function keeps_name(Function function) {
  function.keeps_name = true;
  return function;
}
Function with_args(std::vector<ValueType> args, Function function) {
  function.args = std::move(args);
  return function;
}

void add_float_functions(std::vector<Function>& out) {
  out.push_back(floats("abs", [](double v) { return std::abs(v); }, "absolute value"));
  out.push_back(floats("acos", [](double v) { return std::acos(v); }, "arc cosine, in radians"));
  out.push_back(
      floats("acosh", [](double v) { return std::acosh(v); }, "inverse hyperbolic cosine"));
  out.push_back(floats("asin", [](double v) { return std::asin(v); }, "arc sine, in radians"));
  out.push_back(floats("asinh", [](double v) { return std::asinh(v); }, "inverse hyperbolic sine"));
  out.push_back(floats("atan", [](double v) { return std::atan(v); }, "arc tangent, in radians"));
  out.push_back(
      floats("atanh", [](double v) { return std::atanh(v); }, "inverse hyperbolic tangent"));
  out.push_back(floats("ceil", [](double v) { return std::ceil(v); }, "rounded up"));
  out.push_back(floats("cos", [](double v) { return std::cos(v); }, "cosine of radians"));
  out.push_back(floats("cosh", [](double v) { return std::cosh(v); }, "hyperbolic cosine"));
  out.push_back(floats("deg", to_degrees, "radians as degrees"));
  out.push_back(floats("exp", [](double v) { return std::exp(v); }, "e to the power of the value"));
  out.push_back(floats("floor", [](double v) { return std::floor(v); }, "rounded down"));
  out.push_back(floats("ln", [](double v) { return std::log(v); }, "natural logarithm"));
  out.push_back(floats("log10", [](double v) { return std::log10(v); }, "decimal logarithm"));
  out.push_back(floats("log2", [](double v) { return std::log2(v); }, "binary logarithm"));
  out.push_back(floats("rad", to_radians, "degrees as radians"));
  out.push_back(floats("sgn", sign_of, "-1, 0 or 1: the value's sign"));
  out.push_back(floats("sin", [](double v) { return std::sin(v); }, "sine of radians"));
  out.push_back(floats("sinh", [](double v) { return std::sinh(v); }, "hyperbolic sine"));
  out.push_back(floats("sqrt", [](double v) { return std::sqrt(v); }, "square root"));
  out.push_back(floats("tan", [](double v) { return std::tan(v); }, "tangent of radians"));
  out.push_back(floats("tanh", [](double v) { return std::tanh(v); }, "hyperbolic tangent"));
}

void add_range_functions(std::vector<Function>& out) {
  out.push_back(over_range("avg_over_time", range_avg, "mean of the range's samples"));
  out.push_back(over_range("changes", range_changes, "how often the value changed"));
  out.push_back(over_range("count_over_time", range_count, "number of samples"));
  out.push_back(over_range("delta", range_delta, "how much a gauge grew, extrapolated"));
  out.push_back(over_range("deriv", range_deriv, "slope per second of the regression line"));
  out.push_back(keeps_name(over_range("first_over_time", range_first, "the oldest sample")));
  out.push_back(over_range("idelta", range_idelta, "difference of the last two samples"));
  out.push_back(over_range("increase", range_increase, "how much a counter grew, extrapolated"));
  out.push_back(over_range("irate", range_irate, "growth per second between the last two samples"));
  out.push_back(keeps_name(over_range("last_over_time", range_last, "the newest sample")));
  out.push_back(experimental(
      over_range("mad_over_time", range_mad, "median absolute deviation of the samples")));
  out.push_back(over_range("max_over_time", range_max, "the largest sample"));
  out.push_back(over_range("min_over_time", range_min, "the smallest sample"));
  out.push_back(
      with_args({kMatrix, kScalar}, over_range("predict_linear", range_predict_linear,
                                               "the regression line so many seconds from now")));
  out.push_back(over_range("present_over_time", range_present, "1 where there is a sample"));
  out.push_back(with_args({kScalar, kMatrix}, over_range("quantile_over_time", range_quantile,
                                                         "quantile of the samples")));
  out.push_back(over_range("rate", range_rate, "growth per second of a counter, extrapolated"));
  out.push_back(over_range("resets", range_resets, "how often the counter began anew"));
  out.push_back(over_range("stddev_over_time", range_stddev, "standard deviation of the samples"));
  out.push_back(over_range("stdvar_over_time", range_stdvar, "variance of the samples"));
  out.push_back(over_range("sum_over_time", range_sum, "sum of the samples"));
  out.push_back(experimental(
      over_range("ts_of_first_over_time", range_ts_of_first, "time of the oldest sample")));
  out.push_back(experimental(
      over_range("ts_of_last_over_time", range_ts_of_last, "time of the newest sample")));
  out.push_back(experimental(
      over_range("ts_of_max_over_time", range_ts_of_max, "time of the last largest sample")));
  out.push_back(experimental(
      over_range("ts_of_min_over_time", range_ts_of_min, "time of the last smallest sample")));
}

void add_time_functions(std::vector<Function>& out) {
  const auto date = [&](std::string_view name, SpecialBody body, std::string_view summary) {
    out.push_back(variadic(1, special(name, {kVector}, body, summary)));
  };
  date("day_of_month", call_day_of_month, "1 to 31, of a Unix time in UTC; default: now");
  date("day_of_week", call_day_of_week, "0 (Sunday) to 6");
  date("day_of_year", call_day_of_year, "1 to 366");
  date("days_in_month", call_days_in_month, "28 to 31");
  date("hour", call_hour, "0 to 23");
  date("minute", call_minute, "0 to 59");
  date("month", call_month, "1 to 12");
  date("year", call_year, "the year");
  out.push_back(scalar_result(special("time", {}, call_time, "the time of evaluation")));
  out.push_back(special("timestamp", {kVector}, call_timestamp, "the time of each sample"));
  out.push_back(experimental(special("start_timestamp", {kVector}, call_start_timestamp,
                                     "when what each sample counts began")));
  const auto of_query = [&](std::string_view name, SpecialBody body, std::string_view summary) {
    out.push_back(experimental(scalar_result(special(name, {}, body, summary))));
  };
  of_query("start", call_start, "the first time of the query");
  of_query("end", call_end, "the last time of the query");
  of_query("range", call_range, "seconds from the first to the last time of the query");
  of_query("step", call_step, "seconds between two evaluations of the query");
}

void add_vector_functions(std::vector<Function>& out) {
  out.push_back(special("absent", {kVector}, call_absent, "1 where the vector is empty"));
  out.push_back(special("absent_over_time", {kMatrix}, call_absent_over_time,
                        "1 where the range has no sample"));
  out.push_back(special("clamp", {kVector, kScalar, kScalar}, call_clamp,
                        "held between a minimum and a maximum"));
  out.push_back(special("clamp_max", {kVector, kScalar}, call_clamp_max, "at most the maximum"));
  out.push_back(special("clamp_min", {kVector, kScalar}, call_clamp_min, "at least the minimum"));
  out.push_back(experimental(special("double_exponential_smoothing", {kMatrix, kScalar, kScalar},
                                     call_double_exponential_smoothing,
                                     "smoothed with a level factor and a trend factor")));
  out.push_back(experimental(
      scalar_result(special("max_of", {kScalar, kScalar}, call_max_of, "the larger scalar"))));
  out.push_back(experimental(
      scalar_result(special("min_of", {kScalar, kScalar}, call_min_of, "the smaller scalar"))));
  out.push_back(scalar_result(special("pi", {}, call_pi, "3.14159…")));
  out.push_back(variadic(1, special("round", {kVector, kScalar}, call_round,
                                    "rounded to the nearest multiple; default: of 1")));
  out.push_back(scalar_result(
      special("scalar", {kVector}, call_scalar, "the value of the only float, else NaN")));
  out.push_back(special("sort", {kVector}, call_sort, "by value, ascending"));
  out.push_back(special("sort_desc", {kVector}, call_sort_desc, "by value, descending"));
  out.push_back(experimental(variadic(kAny, special("sort_by_label", {kVector, kString},
                                                    call_sort_by_label, "by labels' values"))));
  out.push_back(
      experimental(variadic(kAny, special("sort_by_label_desc", {kVector, kString},
                                          call_sort_by_label_desc, "by labels, descending"))));
  out.push_back(special("vector", {kScalar}, call_vector, "a series without labels"));
}

void add_label_and_histogram_functions(std::vector<Function>& out) {
  out.push_back(variadic(kAny, special("label_join", {kVector, kString, kString, kString},
                                       call_label_join, "joins labels' values into a label")));
  out.push_back(special("label_replace", {kVector, kString, kString, kString, kString},
                        call_label_replace, "sets a label from what a pattern found in another"));
  out.push_back(experimental(variadic(
      1, special("info", {kVector, kVector}, call_info, "adds labels of matching info metrics"))));
  out.push_back(special("histogram_avg", {kVector}, call_histogram_avg, "mean observation"));
  out.push_back(special("histogram_count", {kVector}, call_histogram_count, "observations"));
  out.push_back(special("histogram_sum", {kVector}, call_histogram_sum, "sum of observations"));
  out.push_back(special("histogram_stddev", {kVector}, call_histogram_stddev,
                        "estimated standard deviation of observations"));
  out.push_back(special("histogram_stdvar", {kVector}, call_histogram_stdvar,
                        "estimated variance of observations"));
  out.push_back(special("histogram_fraction", {kScalar, kScalar, kVector}, call_histogram_fraction,
                        "estimated fraction of observations between two values"));
  out.push_back(special("histogram_quantile", {kScalar, kVector}, call_histogram_quantile,
                        "estimated quantile of observations"));
  constexpr int kMaxQuantiles = 9;
  out.push_back(experimental(variadic(
      kMaxQuantiles,
      special("histogram_quantiles", {kVector, kString, kScalar, kScalar}, call_histogram_quantiles,
              "several quantiles, each under its value of a label"))));
}

std::vector<Function> make_table() {
  std::vector<Function> table;
  add_float_functions(table);
  add_range_functions(table);
  add_time_functions(table);
  add_vector_functions(table);
  add_label_and_histogram_functions(table);
  std::ranges::sort(table, {}, &Function::name);
  return table;
}

const std::vector<Function>& table() {
  static const std::vector<Function> functions = make_table();
  return functions;
}

}  // namespace

std::span<const Function> functions() { return table(); }

const Function* find_function(std::string_view name) {
  const auto found = std::ranges::lower_bound(table(), name, {}, &Function::name);
  return found != table().end() && found->name == name ? &*found : nullptr;
}

}  // namespace strata::promql
