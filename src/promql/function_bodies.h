// The functions that evaluate their own arguments. See SpecialBody; the table is
// function_table.cc.
#pragma once
#include "promql/evaluator.h"

namespace strata::promql {

// math_functions.cc
double sign_of(double v);
double to_degrees(double v);
double to_radians(double v);
Result<Value> call_clamp(Evaluator& evaluator, const Call& call);
Result<Value> call_clamp_max(Evaluator& evaluator, const Call& call);
Result<Value> call_clamp_min(Evaluator& evaluator, const Call& call);
Result<Value> call_round(Evaluator& evaluator, const Call& call);
Result<Value> call_pi(Evaluator& evaluator, const Call& call);
Result<Value> call_max_of(Evaluator& evaluator, const Call& call);
Result<Value> call_min_of(Evaluator& evaluator, const Call& call);
Result<Value> call_double_exponential_smoothing(Evaluator& evaluator, const Call& call);

// time_functions.cc
Result<Value> call_time(Evaluator& evaluator, const Call& call);
Result<Value> call_timestamp(Evaluator& evaluator, const Call& call);
Result<Value> call_start_timestamp(Evaluator& evaluator, const Call& call);
Result<Value> call_start(Evaluator& evaluator, const Call& call);
Result<Value> call_end(Evaluator& evaluator, const Call& call);
Result<Value> call_range(Evaluator& evaluator, const Call& call);
Result<Value> call_step(Evaluator& evaluator, const Call& call);
Result<Value> call_day_of_month(Evaluator& evaluator, const Call& call);
Result<Value> call_day_of_week(Evaluator& evaluator, const Call& call);
Result<Value> call_day_of_year(Evaluator& evaluator, const Call& call);
Result<Value> call_days_in_month(Evaluator& evaluator, const Call& call);
Result<Value> call_hour(Evaluator& evaluator, const Call& call);
Result<Value> call_minute(Evaluator& evaluator, const Call& call);
Result<Value> call_month(Evaluator& evaluator, const Call& call);
Result<Value> call_year(Evaluator& evaluator, const Call& call);

// vector_functions.cc
Result<Value> call_absent(Evaluator& evaluator, const Call& call);
Result<Value> call_absent_over_time(Evaluator& evaluator, const Call& call);
Result<Value> call_scalar(Evaluator& evaluator, const Call& call);
Result<Value> call_vector(Evaluator& evaluator, const Call& call);
Result<Value> call_sort(Evaluator& evaluator, const Call& call);
Result<Value> call_sort_desc(Evaluator& evaluator, const Call& call);
Result<Value> call_sort_by_label(Evaluator& evaluator, const Call& call);
Result<Value> call_sort_by_label_desc(Evaluator& evaluator, const Call& call);

// label_functions.cc
Result<Value> call_label_replace(Evaluator& evaluator, const Call& call);
Result<Value> call_label_join(Evaluator& evaluator, const Call& call);

// histogram_functions.cc
Result<Value> call_histogram_avg(Evaluator& evaluator, const Call& call);
Result<Value> call_histogram_count(Evaluator& evaluator, const Call& call);
Result<Value> call_histogram_sum(Evaluator& evaluator, const Call& call);
Result<Value> call_histogram_stddev(Evaluator& evaluator, const Call& call);
Result<Value> call_histogram_stdvar(Evaluator& evaluator, const Call& call);
// histogram_quantile.cc
Result<Value> call_histogram_fraction(Evaluator& evaluator, const Call& call);
Result<Value> call_histogram_quantile(Evaluator& evaluator, const Call& call);
Result<Value> call_histogram_quantiles(Evaluator& evaluator, const Call& call);

// info.cc
Result<Value> call_info(Evaluator& evaluator, const Call& call);

/// The floats of `argument` changed by body(value, step); histograms have no result; names drop.
Result<Value> map_floats(Evaluator& evaluator, const Expr& argument,
                         std::function<double(double, size_t)> body);

}  // namespace strata::promql
