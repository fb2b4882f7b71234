// Growth of native histograms over a window.
#include <algorithm>

#include "promql/histogram_ops.h"
#include "promql/quote.h"
#include "promql/range_functions.h"

namespace strata::promql {
namespace {

void info_reconciled(const HistogramRate& rate, bool subtract) {
  rate.call.query.annotations.info(
      annotation_span(rate.call), fmt::format("mismatched custom buckets were reconciled during {}",
                                              subtract ? "subtraction" : "addition"));
}

void warn_not(const HistogramRate& rate, std::string_view what) {
  rate.call.query.annotations.warn(
      annotation_span(rate.call),
      fmt::format("this native histogram metric is not a {}: {}", what, quoted(rate.metric)));
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

std::shared_ptr<FloatHistogram> annotated_sum(const HistogramRate& rate, const FloatHistogram& a,
                                              const FloatHistogram& b, bool subtract) {
  HistogramAccumulator sum(a);
  if (!(subtract ? sum.subtract(b) : sum.add(b))) {
    warn_mixed_schemas(rate.call, rate.metric);
    return nullptr;
  }
  if (sum.take_bounds_reconciled()) info_reconciled(rate, subtract);
  return std::make_shared<FloatHistogram>(sum.result());
}

std::shared_ptr<FloatHistogram> histogram_growth(const HistogramRate& rate,
                                                 std::span<const HistogramPtr> h,
                                                 std::span<const TimestampMs> t,
                                                 std::span<const TimestampMs> start_times) {
  const auto reset_at = [&](size_t i, const FloatHistogram& before) {
    const bool by_start = i < start_times.size() &&
                          is_start_time_reset(start_times[i - 1], t[i - 1], start_times[i], t[i]);
    return by_start || detect_reset(*h[i], before);
  };
  const auto mixed = [&]() -> std::shared_ptr<FloatHistogram> {
    warn_mixed_schemas(rate.call, rate.metric);
    return nullptr;
  };
  if (rate.is_counter && (is_gauge(h.front()) || is_gauge(h.back()))) warn_not(rate, "counter");

  FloatHistogram first = *h.front();
  if (rate.is_counter && reset_at(1, first)) first = zero_like(*h[1]);
  const bool custom = first.uses_custom_buckets();
  if (h.back()->uses_custom_buckets() != custom) return mixed();

  HistogramAccumulator growth(*h.back());
  if (rate.is_counter) {
    for (size_t i = 1; i + 1 < h.size(); ++i) {
      if (is_gauge(h[i])) warn_not(rate, "counter");
      if (h[i]->uses_custom_buckets() != custom) return mixed();
      // Only to come down to its resolution.
      if (!custom) growth.add(zero_like(*h[i]));
    }
  }
  if (!growth.subtract(first)) return mixed();
  if (growth.take_bounds_reconciled()) info_reconciled(rate, true);
  if (rate.is_counter) {
    const FloatHistogram* before = &first;
    for (size_t i = 1; i < h.size(); ++i) {
      if (reset_at(i, *before)) {
        if (!growth.add(*before)) return mixed();
        if (growth.take_bounds_reconciled()) info_reconciled(rate, false);
      }
      before = h[i].get();
    }
  } else if (!is_gauge(h.front()) || !is_gauge(h.back())) {
    warn_not(rate, "gauge");
  }
  auto result = std::make_shared<FloatHistogram>(growth.result());
  result->counter_reset_hint = CounterResetHint::kGauge;
  return result;
}

}  // namespace strata::promql
