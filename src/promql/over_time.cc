// The *_over_time functions: what a window of samples comes to.
#include <algorithm>
#include <cmath>
#include <limits>

#include "promql/histogram_ops.h"
#include "promql/kahan.h"
#include "promql/quote.h"
#include "promql/range_functions.h"
#include "promql/sliding.h"
#include "promql/window_folds.h"

namespace strata::promql {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// The mean of sums, until the sum overflows: then the mean is carried along.
double mean_of(std::span<const double> values) {
  double sum = values[0];
  double compensation = 0;
  size_t i = 1;
  for (; i < values.size(); ++i) {
    double next = sum;
    double next_compensation = compensation;
    kahan_add(values[i], next, next_compensation);
    if (std::isinf(next)) break;
    sum = next;
    compensation = next_compensation;
  }
  double count = static_cast<double>(i);
  double mean = sum / count;
  compensation /= count;
  for (; i < values.size(); ++i) {
    count += 1;
    const double keep = (count - 1) / count;
    mean *= keep;
    compensation *= keep;
    kahan_add(values[i] / count, mean, compensation);
  }
  return mean + compensation;
}

/// body(values) for the floats of each window that has some; histograms are ignored, with an info.
template <class Body>
void floats_only(const RangeCall& call, const RangeWindows& windows, RowView out, Body body) {
  for (size_t w = 0; w < windows.size(); ++w) {
    if (windows.floats.count(w) == 0) continue;
    if (windows.histograms.count(w) > 0) {
      info_histograms_ignored(call, windows.series->labels->metric_name());
    }
    out.set(w, body(w));
  }
}

void fold_histograms(const RangeCall& call, const RangeWindows& windows, size_t w, bool average,
                     RowView out) {
  HistogramFold fold(average);
  auto& annotations = call.query.annotations;
  const SourceSpan span = annotation_span(call);
  for (const auto& h : windows.histogram_values(w)) {
    if (fold.add(*h)) continue;
    return warn_mixed_schemas(call, windows.series->labels->metric_name());
  }
  if (fold.counter_reset_collision()) {
    annotations.warn(span, "conflicting counter resets during histogram aggregation");
  }
  if (fold.bounds_reconciled()) {
    annotations.info(span, "mismatched custom buckets were reconciled during aggregation");
  }
  out.set(w, std::make_shared<FloatHistogram>(fold.result()));
}

/// body(w) for the floats of each window that has only those.
template <class Body>
void floats_or_histograms(const RangeCall& call, const RangeWindows& windows, bool average,
                          RowView out, Body body) {
  for (size_t w = 0; w < windows.size(); ++w) {
    if (windows.mixed(w)) {
      warn_mixed(call, windows.series->labels->metric_name());
    } else if (windows.histograms.count(w) > 0) {
      fold_histograms(call, windows, w, average, out);
    } else if (windows.floats.count(w) > 0) {
      out.set(w, body(w));
    }
  }
}

/// The first sample for which no other is better; better(a, b): a replaces b.
template <class Better>
size_t best_of(std::span<const double> values, Better better) {
  size_t best = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    if (better(values[i], values[best]) || std::isnan(values[best])) best = i;
  }
  return best;
}

double seconds(TimestampMs t) { return static_cast<double>(t) / 1000; }

bool has_samples(const RangeWindows& windows, size_t w) {
  return windows.floats.count(w) + windows.histograms.count(w) > 0;
}

// Whether the window's first (last) sample is a float.
bool float_is_first(const RangeWindows& windows, size_t w) {
  if (windows.histograms.count(w) == 0) return true;
  return windows.floats.count(w) > 0 &&
         windows.times(w).front() < windows.histogram_times(w).front();
}
bool float_is_last(const RangeWindows& windows, size_t w) {
  if (windows.histograms.count(w) == 0) return true;
  return windows.floats.count(w) > 0 && windows.times(w).back() > windows.histogram_times(w).back();
}

}  // namespace

namespace {

/// The q-quantile of `count` values, of which value_at(rank) are known by their rank.
template <class ValueAt>
double quantile_by_rank(double q, size_t count, ValueAt value_at) {
  if (count == 0 || std::isnan(q)) return kNan;
  if (q < 0) return -std::numeric_limits<double>::infinity();
  if (q > 1) return std::numeric_limits<double>::infinity();
  const double rank = q * static_cast<double>(count - 1);
  const auto lower = static_cast<size_t>(rank);
  const size_t upper = std::min(lower + 1, count - 1);
  const double weight = rank - static_cast<double>(lower);
  return value_at(lower) * (1 - weight) + value_at(upper) * weight;
}

}  // namespace

double quantile_of_sorted(double q, std::span<const double> sorted) {
  return quantile_by_rank(q, sorted.size(), [&](size_t rank) { return sorted[rank]; });
}

double quantile(double q, std::span<double> values) {
  std::ranges::sort(values, SortedWindow::before);
  return quantile_of_sorted(q, values);
}

void range_sum(const RangeCall& call, const RangeWindows& windows, RowView out) {
  SlidingFold sums(SumFold{windows.v});
  floats_or_histograms(call, windows, false, out, [&](size_t w) {
    return sums.at(windows.floats.begin[w], windows.floats.end[w]).total();
  });
}

void range_avg(const RangeCall& call, const RangeWindows& windows, RowView out) {
  SlidingFold sums(SumFold{windows.v});
  floats_or_histograms(call, windows, true, out, [&](size_t w) {
    const auto sum = sums.at(windows.floats.begin[w], windows.floats.end[w]);
    if (std::isinf(sum.sum)) return mean_of(windows.values(w));
    const auto count = static_cast<double>(windows.floats.count(w));
    return sum.sum / count + sum.compensation / count;
  });
}

void range_count(const RangeCall&, const RangeWindows& windows, RowView out) {
  for (size_t w = 0; w < windows.size(); ++w) {
    const size_t count = windows.floats.count(w) + windows.histograms.count(w);
    if (count > 0) out.set(w, static_cast<double>(count));
  }
}

void range_present(const RangeCall&, const RangeWindows& windows, RowView out) {
  for (size_t w = 0; w < windows.size(); ++w) {
    if (has_samples(windows, w)) out.set(w, 1);
  }
}

void range_first(const RangeCall&, const RangeWindows& windows, RowView out) {
  for (size_t w = 0; w < windows.size(); ++w) {
    if (!has_samples(windows, w)) continue;
    float_is_first(windows, w) ? out.set(w, windows.values(w).front())
                               : out.set(w, windows.histogram_values(w).front());
  }
}

void range_last(const RangeCall&, const RangeWindows& windows, RowView out) {
  for (size_t w = 0; w < windows.size(); ++w) {
    if (!has_samples(windows, w)) continue;
    float_is_last(windows, w) ? out.set(w, windows.values(w).back())
                              : out.set(w, windows.histogram_values(w).back());
  }
}

void range_ts_of_first(const RangeCall&, const RangeWindows& windows, RowView out) {
  for (size_t w = 0; w < windows.size(); ++w) {
    if (!has_samples(windows, w)) continue;
    out.set(w, seconds(float_is_first(windows, w) ? windows.times(w).front()
                                                  : windows.histogram_times(w).front()));
  }
}

void range_ts_of_last(const RangeCall&, const RangeWindows& windows, RowView out) {
  for (size_t w = 0; w < windows.size(); ++w) {
    if (!has_samples(windows, w)) continue;
    out.set(w, seconds(float_is_last(windows, w) ? windows.times(w).back()
                                                 : windows.histogram_times(w).back()));
  }
}

template <bool kMax>
static void range_extreme(const RangeCall& call, const RangeWindows& windows, RowView out) {
  SlidingFold extremes(ExtremeFold<kMax>{windows.v});
  floats_only(call, windows, out, [&](size_t w) {
    return extremes.at(windows.floats.begin[w], windows.floats.end[w]).best;
  });
}

void range_max(const RangeCall& call, const RangeWindows& windows, RowView out) {
  range_extreme<true>(call, windows, out);
}

void range_min(const RangeCall& call, const RangeWindows& windows, RowView out) {
  range_extreme<false>(call, windows, out);
}

void range_ts_of_max(const RangeCall& call, const RangeWindows& windows, RowView out) {
  floats_only(call, windows, out, [&](size_t w) {
    return seconds(windows.times(w)[best_of(windows.values(w), std::greater_equal<>())]);
  });
}

void range_ts_of_min(const RangeCall& call, const RangeWindows& windows, RowView out) {
  floats_only(call, windows, out, [&](size_t w) {
    return seconds(windows.times(w)[best_of(windows.values(w), std::less_equal<>())]);
  });
}

void range_stddev(const RangeCall& call, const RangeWindows& windows, RowView out) {
  SlidingFold moments(VarianceFold{windows.v});
  floats_only(call, windows, out, [&](size_t w) {
    return std::sqrt(moments.at(windows.floats.begin[w], windows.floats.end[w]).variance());
  });
}

void range_stdvar(const RangeCall& call, const RangeWindows& windows, RowView out) {
  SlidingFold moments(VarianceFold{windows.v});
  floats_only(call, windows, out, [&](size_t w) {
    return moments.at(windows.floats.begin[w], windows.floats.end[w]).variance();
  });
}

namespace {

template <class Window>
void slide_quantile(const RangeCall& call, const RangeWindows& windows, RowView out,
                    Window& window) {
  floats_only(call, windows, out, [&](size_t w) {
    const double q = call.scalar(0, windows, w);
    if (std::isnan(q) || q < 0 || q > 1) {
      call.query.annotations.warn(
          annotation_span(call),
          fmt::format("quantile value should be between 0 and 1, got {}", number_text(q)));
    }
    window.at(windows.floats.begin[w], windows.floats.end[w]);
    return quantile_by_rank(q, windows.floats.count(w),
                            [&](size_t rank) { return window.value_at(rank); });
  });
}

}  // namespace

void range_quantile(const RangeCall& call, const RangeWindows& windows, RowView out) {
  if (const auto counted = CountedWindow::make(windows.v)) {
    slide_quantile(call, windows, out, *counted);
  } else {
    SortedWindow sorted(windows.v);
    slide_quantile(call, windows, out, sorted);
  }
}

void range_mad(const RangeCall& call, const RangeWindows& windows, RowView out) {
  std::vector<double> values;
  floats_only(call, windows, out, [&](size_t w) {
    const auto window = windows.values(w);
    values.assign(window.begin(), window.end());
    if (std::ranges::any_of(values, [](double v) { return std::isnan(v); })) return kNan;
    const double median = quantile(0.5, values);
    for (double& v : values) v = std::abs(v - median);
    return quantile(0.5, values);
  });
}

}  // namespace strata::promql
