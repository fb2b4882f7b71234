// Histograms for tests: such as exporters make them, and such as nobody would.
#pragma once
#include <random>

#include "tsdb/histogram_sample.h"

namespace strata::tsdb {

/// A counter of observations like the one that a client library keeps; it grows with observe().
inline FloatHistogram example_histogram(size_t buckets = 8) {
  FloatHistogram h;
  h.schema = 3;
  h.zero_threshold = 0x1p-128;
  h.positive_spans = {{-2, static_cast<uint32_t>(buckets)}};
  h.positive_buckets.assign(buckets, 0);
  return h;
}

inline void observe(FloatHistogram& h, size_t bucket, double n = 1) {
  h.positive_buckets[bucket] += n;
  h.count += n;
  h.sum += n * 0.25 * static_cast<double>(bucket + 1);
}

inline HistogramPtr shared(const FloatHistogram& h) {
  return std::make_shared<const FloatHistogram>(h);
}

/// Anything that check_histogram() accepts.
inline FloatHistogram arbitrary_histogram(std::mt19937_64& random) {
  const auto pick = [&](int n) { return std::uniform_int_distribution<>(0, n - 1)(random); };
  const auto number = [&]() -> double {
    switch (pick(6)) {
      case 0: return std::bit_cast<double>(random());
      case 1: return stale_nan();
      case 2: return -0.0;
      default: return static_cast<double>(pick(1000));
    }
  };
  FloatHistogram h;
  h.counter_reset_hint = static_cast<CounterResetHint>(pick(4));
  h.schema = pick(3) == 0 ? kCustomBucketsSchema : pick(13) - 4;
  h.zero_threshold = pick(2) == 0 ? 0x1p-128 : number();
  h.zero_count = number();
  h.count = number();
  h.sum = number();
  const auto side = [&](std::vector<BucketSpan>& spans, std::vector<double>& buckets) {
    for (int n = pick(4); n > 0; --n) {
      spans.push_back({spans.empty() ? pick(40) - 20 : pick(5), static_cast<uint32_t>(pick(6))});
      for (uint32_t i = 0; i < spans.back().length; ++i) buckets.push_back(number());
    }
  };
  side(h.positive_spans, h.positive_buckets);
  if (!h.uses_custom_buckets()) side(h.negative_spans, h.negative_buckets);
  if (h.uses_custom_buckets()) {
    for (int n = pick(10); n > 0; --n) h.custom_values.push_back(number());
  }
  return h;
}

}  // namespace strata::tsdb
