// Growth of native histograms over a window.
#include <algorithm>

#include "promql/histogram_ops.h"
#include "promql/quote.h"
#include "promql/range_functions.h"

namespace strata::promql {
namespace {

void info_reconciled(const HistogramContext& context, bool subtract) {
  context.annotations.info(context.span,
                           fmt::format("mismatched custom buckets were reconciled during {}",
                                       subtract ? "subtraction" : "addition"));
}

void warn_not(const HistogramContext& context, std::string_view what) {
  context.annotations.warn(context.span, fmt::format("this native histogram metric is not a {}: {}",
                                                     what, quoted(context.metric)));
}

bool is_gauge(const HistogramPtr& h) { return h->counter_reset_hint == CounterResetHint::kGauge; }

// Nothing was counted yet, in buckets like those of `h`.
FloatHistogram zero_like(const FloatHistogram& h) {
  FloatHistogram zero;
  zero.schema = h.schema;
  zero.custom_values = h.custom_values;
  return zero;
}

}  // namespace

std::shared_ptr<FloatHistogram> annotated_sum(const HistogramContext& context,
                                              const FloatHistogram& a, const FloatHistogram& b,
                                              bool subtract) {
  HistogramAccumulator sum(a);
  if (!(subtract ? sum.subtract(b) : sum.add(b))) {
    context.annotations.warn(context.span, mixed_schemas_text(context.metric));
    return nullptr;
  }
  if (sum.take_bounds_reconciled()) info_reconciled(context, subtract);
  return std::make_shared<FloatHistogram>(sum.result());
}

HistogramPtr interpolated_histogram(const HistogramContext& context, const HistogramPtr& h1,
                                    TimestampMs t1, const HistogramPtr& h2, TimestampMs t2,
                                    TimestampMs t) {
  if (t == t1) return h1;
  if (t == t2) return h2;
  const double fraction = static_cast<double>(t - t1) / static_cast<double>(t2 - t1);
  if (context.is_counter && detect_reset(*h2, *h1)) return scaled(*h2, fraction);
  const auto difference = annotated_sum(context, *h2, *h1, true);
  if (!difference) return nullptr;
  return annotated_sum(context, *scaled(*difference, fraction), *h1, false);
}

std::shared_ptr<FloatHistogram> histogram_growth(const HistogramContext& context,
                                                 std::span<const HistogramPtr> h,
                                                 std::span<const TimestampMs> t,
                                                 std::span<const TimestampMs> start_times) {
  const auto reset_at = [&](size_t i, const FloatHistogram& before) {
    const bool by_start = i < start_times.size() &&
                          is_start_time_reset(start_times[i - 1], t[i - 1], start_times[i], t[i]);
    return by_start || detect_reset(*h[i], before);
  };
  const auto mixed = [&]() -> std::shared_ptr<FloatHistogram> {
    context.annotations.warn(context.span, mixed_schemas_text(context.metric));
    return nullptr;
  };
  if (context.is_counter && (is_gauge(h.front()) || is_gauge(h.back())))
    warn_not(context, "counter");

  FloatHistogram first = *h.front();
  if (context.is_counter && reset_at(1, first)) first = zero_like(*h[1]);
  const bool custom = first.uses_custom_buckets();
  if (h.back()->uses_custom_buckets() != custom) return mixed();

  HistogramAccumulator growth(*h.back());
  if (context.is_counter) {
    for (size_t i = 1; i + 1 < h.size(); ++i) {
      if (is_gauge(h[i])) warn_not(context, "counter");
      if (h[i]->uses_custom_buckets() != custom) return mixed();
      // Only to come down to its resolution.
      if (!custom) growth.add(zero_like(*h[i]));
    }
  }
  if (!growth.subtract(first)) return mixed();
  if (growth.take_bounds_reconciled()) info_reconciled(context, true);
  if (context.is_counter) {
    const FloatHistogram* before = &first;
    for (size_t i = 1; i < h.size(); ++i) {
      if (reset_at(i, *before)) {
        if (!growth.add(*before)) return mixed();
        if (growth.take_bounds_reconciled()) info_reconciled(context, false);
      }
      before = h[i].get();
    }
  } else if (!is_gauge(h.front()) || !is_gauge(h.back())) {
    warn_not(context, "gauge");
  }
  auto result = std::make_shared<FloatHistogram>(growth.result());
  result->counter_reset_hint = CounterResetHint::kGauge;
  return result;
}

}  // namespace strata::promql
