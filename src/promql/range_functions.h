// The functions of range vectors: each turns all windows of a series into a row. See RangeBody.
#pragma once
#include <string>
#include <string_view>

#include "promql/evaluator.h"

namespace strata::promql {

// rate.cc
void range_rate(const RangeCall& call, const RangeWindows& windows, RowView out);
void range_increase(const RangeCall& call, const RangeWindows& windows, RowView out);
void range_delta(const RangeCall& call, const RangeWindows& windows, RowView out);
void range_irate(const RangeCall& call, const RangeWindows& windows, RowView out);
void range_idelta(const RangeCall& call, const RangeWindows& windows, RowView out);
/// Whether the counter began anew between two samples, as their start timestamps tell.
bool is_start_time_reset(TimestampMs previous_start, TimestampMs previous, TimestampMs start,
                         TimestampMs t);

// rate_extended.cc
void range_extended_rate(const RangeCall& call, const RangeWindows& windows, RowView out,
                         bool is_counter, bool per_second);

// rate_histogram.cc
struct HistogramContext {
  Annotations& annotations;
  SourceSpan span;
  std::string_view metric;
  bool is_counter;
};
/// How much the counter grew over the window; null (and an annotation) where that has no answer.
std::shared_ptr<FloatHistogram> histogram_growth(const HistogramContext& context,
                                                 std::span<const HistogramPtr> h,
                                                 std::span<const TimestampMs> t,
                                                 std::span<const TimestampMs> start_times);
/// On the line between two samples; a counter that was reset grew from zero. Null as above.
HistogramPtr interpolated_histogram(const HistogramContext& context, const HistogramPtr& h1,
                                    TimestampMs t1, const HistogramPtr& h2, TimestampMs t2,
                                    TimestampMs t);
/// a - b and a + b, with annotations; null where they are incompatible.
std::shared_ptr<FloatHistogram> annotated_sum(const HistogramContext& context,
                                              const FloatHistogram& a, const FloatHistogram& b,
                                              bool subtract);

// over_time.cc
void range_sum(const RangeCall& call, const RangeWindows& windows, RowView out);
void range_avg(const RangeCall& call, const RangeWindows& windows, RowView out);
void range_count(const RangeCall& call, const RangeWindows& windows, RowView out);
void range_present(const RangeCall& call, const RangeWindows& windows, RowView out);
void range_first(const RangeCall& call, const RangeWindows& windows, RowView out);
void range_last(const RangeCall& call, const RangeWindows& windows, RowView out);
void range_ts_of_first(const RangeCall& call, const RangeWindows& windows, RowView out);
void range_ts_of_last(const RangeCall& call, const RangeWindows& windows, RowView out);
void range_max(const RangeCall& call, const RangeWindows& windows, RowView out);
void range_min(const RangeCall& call, const RangeWindows& windows, RowView out);
void range_ts_of_max(const RangeCall& call, const RangeWindows& windows, RowView out);
void range_ts_of_min(const RangeCall& call, const RangeWindows& windows, RowView out);
void range_stddev(const RangeCall& call, const RangeWindows& windows, RowView out);
void range_stdvar(const RangeCall& call, const RangeWindows& windows, RowView out);
void range_quantile(const RangeCall& call, const RangeWindows& windows, RowView out);
void range_mad(const RangeCall& call, const RangeWindows& windows, RowView out);

// trend.cc
void range_changes(const RangeCall& call, const RangeWindows& windows, RowView out);
void range_resets(const RangeCall& call, const RangeWindows& windows, RowView out);
void range_deriv(const RangeCall& call, const RangeWindows& windows, RowView out);
void range_predict_linear(const RangeCall& call, const RangeWindows& windows, RowView out);

/// The q-quantile of `values`, which are reordered: interpolated between neighbours, NaN sorted
/// first; NaN when there are none, -Inf and +Inf for q outside [0, 1].
double quantile(double q, std::span<double> values);
/// The same of values that are sorted like that already.
double quantile_of_sorted(double q, std::span<const double> sorted);

/// Where annotations about a range function point: its first argument.
SourceSpan annotation_span(const RangeCall& call);
void warn_mixed(const RangeCall& call, std::string_view metric);
std::string mixed_samples_text(std::string_view metric);
std::string mixed_schemas_text(std::string_view metric);
void info_histograms_ignored(const RangeCall& call, std::string_view metric);
void warn_mixed_schemas(const RangeCall& call, std::string_view metric);

}  // namespace strata::promql
