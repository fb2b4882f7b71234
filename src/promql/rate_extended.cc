// rate, increase and delta of anchored and smoothed ranges: the range's ends take the value of the
// last sample before them (anchored), or of the line between their neighbours (smoothed).
#include <algorithm>

#include "promql/histogram_ops.h"
#include "promql/interpolate.h"
#include "promql/quote.h"
#include "promql/range_functions.h"

namespace strata::promql {
namespace {

struct Ends {
  size_t first;
  size_t last;
};

// Which samples the ends of the range are taken from; none when the range has no sample.
std::optional<Ends> find_ends(std::span<const TimestampMs> t, TimestampMs start, TimestampMs end,
                              bool smoothed) {
  const auto body = t.first(t.size() - 1);
  const auto after_start = std::ranges::upper_bound(body, start) - body.begin();
  Ends ends{static_cast<size_t>(std::max<std::ptrdiff_t>(0, after_start - 1)), t.size() - 1};
  if (smoothed) {
    ends.last = static_cast<size_t>(std::ranges::lower_bound(body, end) - body.begin());
  }
  if (t[ends.last] <= start) return std::nullopt;
  if (smoothed && t[ends.first] > end) return std::nullopt;
  return ends;
}

class ExtendedRate {
 public:
  ExtendedRate(const RangeCall& call, const RangeWindows& windows, bool is_counter, bool per_second)
      : call_(call),
        windows_(windows),
        context_{call.query.annotations, annotation_span(call),
                 windows.series->labels->metric_name(), is_counter},
        seconds_(per_second ? static_cast<double>(call.range.count()) / 1000 : 1),
        smoothed_(call.smoothed()) {}

  void run(RowView out) const {
    for (size_t w = 0; w < windows_.size(); ++w) {
      if (windows_.mixed(w)) {
        warn_mixed(call_, context_.metric);
      } else if (windows_.histograms.count(w) > 0) {
        histogram_window(w, out);
      } else if (windows_.floats.count(w) > 0) {
        float_window(w, out);
      }
    }
  }

 private:
  void float_window(size_t w, RowView out) const {
    const auto t = windows_.times(w);
    const auto v = windows_.values(w);
    const TimestampMs start = windows_.spec->start_at(w);
    const TimestampMs end = windows_.spec->end_at(w);
    auto ends = find_ends(t, start, end, smoothed_);
    if (!ends) return;
    const double left = left_value(t, v, ends->first, start, smoothed_, context_.is_counter);
    const double right = right_value(t, v, ends->last, end, smoothed_, context_.is_counter);
    double growth = right - left;
    if (context_.is_counter) {
      const size_t inner = ends->first + (t[ends->first] <= start ? 1 : 0);
      const size_t inner_end = ends->last + (t[ends->last] >= end ? 0 : 1);
      double before = left;
      for (size_t i = inner; i < inner_end; ++i) {
        if (v[i] < before) growth += before;
        before = v[i];
      }
      if (right < before) growth += before;
    }
    out.set(w, growth / seconds_);
  }

  bool check_kinds(std::span<const HistogramPtr> h) const {
    const bool custom = h[0]->uses_custom_buckets();
    for (const auto& sample : h) {
      if (sample->uses_custom_buckets() != custom) {
        warn_mixed_schemas(call_, context_.metric);
        return false;
      }
      if (context_.is_counter && sample->counter_reset_hint == CounterResetHint::kGauge) {
        warn_not("counter");
      }
    }
    return true;
  }

  void warn_not(std::string_view what) const {
    call_.query.annotations.warn(
        annotation_span(call_),
        fmt::format("this native histogram metric is not a {}: {}", what, quoted(context_.metric)));
  }

  void histogram_window(size_t w, RowView out) const {
    const auto t = windows_.histogram_times(w);
    const auto h = windows_.histogram_values(w);
    const TimestampMs start = windows_.spec->start_at(w);
    const TimestampMs end = windows_.spec->end_at(w);
    const auto ends = find_ends(t, start, end, smoothed_);
    if (!ends) return;
    const auto [first, last] = *ends;
    if (!check_kinds(h.subspan(first, last - first + 1))) return;
    HistogramPtr left = h[first];
    if (smoothed_ && t[first] < start) {
      left =
          interpolated_histogram(context_, h[first], t[first], h[first + 1], t[first + 1], start);
    }
    HistogramPtr right = h[last];
    if (smoothed_ && last > 0 && t[last] > end) {
      right = interpolated_histogram(context_, h[last - 1], t[last - 1], h[last], t[last], end);
    }
    if (!left || !right) return;
    if (!context_.is_counter && (left->counter_reset_hint != CounterResetHint::kGauge ||
                                 right->counter_reset_hint != CounterResetHint::kGauge)) {
      warn_not("gauge");
    }
    auto growth = annotated_sum(context_, *right, *left, true);
    if (growth && context_.is_counter) growth = corrected(growth, t, h, *ends, start, left, right);
    if (!growth) return;
    growth->counter_reset_hint = CounterResetHint::kGauge;
    out.set(w, divided(*growth, seconds_));
  }

  // Adds what was counted before each reset.
  std::shared_ptr<FloatHistogram> corrected(std::shared_ptr<FloatHistogram> growth,
                                            std::span<const TimestampMs> t,
                                            std::span<const HistogramPtr> h, Ends ends,
                                            TimestampMs start, const HistogramPtr& left,
                                            const HistogramPtr& right) const {
    size_t i = ends.first + 1;
    HistogramPtr before = left;
    if (smoothed_ && t[ends.first] < start && detect_reset(*h[i], *h[ends.first])) {
      before = h[i++];
    }
    if (i > ends.last) return growth;
    for (; i <= ends.last && growth; ++i) {
      const HistogramPtr& now = i == ends.last ? right : h[i];
      if (detect_reset(*now, *before)) growth = annotated_sum(context_, *growth, *before, false);
      before = now;
    }
    return growth;
  }

  const RangeCall& call_;
  const RangeWindows& windows_;
  const HistogramContext context_;
  const double seconds_;
  const bool smoothed_;
};

}  // namespace

void range_extended_rate(const RangeCall& call, const RangeWindows& windows, RowView out,
                         bool is_counter, bool per_second) {
  ExtendedRate(call, windows, is_counter, per_second).run(out);
}

}  // namespace strata::promql
