#include "model/histogram_buckets.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace strata {
namespace {

constexpr int kMaxSchema = 8;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// 2^(i/256) / 2: the bounds of schema 8 between 0.5 and 1. Those of lower schemas are among them.
double fraction(int64_t i) {
  static const auto table = [] {
    std::array<double, 1 << kMaxSchema> values{};
    for (size_t k = 0; k < values.size(); ++k) {
      // In long double, so that the rounding to double is the right one.
      values[k] = static_cast<double>(std::exp2(static_cast<long double>(k) / values.size()) / 2);
    }
    return values;
  }();
  return table[static_cast<size_t>(i)];
}

double custom_bound(int64_t index, const std::vector<double>& bounds) {
  if (index < 0) return -kInfinity;
  return static_cast<size_t>(index) < bounds.size() ? bounds[static_cast<size_t>(index)]
                                                    : kInfinity;
}

// Calls visit(index, count) for each bucket of the spans, index ascending.
template <class Visit>
void walk(const std::vector<BucketSpan>& spans, const std::vector<double>& counts, Visit&& visit) {
  int64_t index = 0;
  size_t i = 0;
  for (const auto& span : spans) {
    index += span.offset;
    for (uint32_t n = 0; n < span.length && i < counts.size(); ++n) visit(index++, counts[i++]);
  }
}

}  // namespace

double exponential_bound(int64_t index, int32_t schema) {
  constexpr int kMaxExponent = 1024;  // 2^1024 is the first power that is not finite
  constexpr int64_t kFar = 1 << 20;   // beyond any exponent, and the shift below stays in range
  index = std::clamp(index, -kFar, kFar);
  int64_t exponent = 0;
  double mantissa = 0.5;
  if (schema <= 0) {
    exponent = index * (int64_t{1} << -schema) + 1;
  } else {
    const int64_t in_octave = index & ((int64_t{1} << schema) - 1);
    mantissa = fraction(in_octave << (kMaxSchema - schema));
    exponent = (index >> schema) + 1;
  }
  if (mantissa == 0.5 && exponent == kMaxExponent + 1) return std::numeric_limits<double>::max();
  return std::ldexp(mantissa, static_cast<int>(exponent));
}

void list_buckets(const FloatHistogram& histogram, std::vector<HistogramBucket>& out) {
  out.clear();
  if (histogram.uses_custom_buckets()) {
    walk(histogram.positive_spans, histogram.positive_buckets, [&](int64_t index, double count) {
      out.push_back({custom_bound(index - 1, histogram.custom_values),
                     custom_bound(index, histogram.custom_values), index == 0, true, count});
    });
    return;
  }
  const double zero = histogram.zero_threshold;
  const auto bound = [&](int64_t index) { return exponential_bound(index, histogram.schema); };
  walk(histogram.negative_spans, histogram.negative_buckets, [&](int64_t index, double count) {
    out.push_back({-bound(index), std::min(-bound(index - 1), -zero), true, false, count});
  });
  std::ranges::reverse(out);
  if (histogram.zero_count > 0) out.push_back({-zero, zero, true, true, histogram.zero_count});
  walk(histogram.positive_spans, histogram.positive_buckets, [&](int64_t index, double count) {
    out.push_back({std::max(bound(index - 1), zero), bound(index), false, true, count});
  });
}

namespace {

// The buckets of one side, `shift` times two of them joined.
void reduce_side(const std::vector<BucketSpan>& spans, const std::vector<double>& counts,
                 int32_t shift, std::vector<BucketSpan>& out_spans, std::vector<double>& out) {
  int64_t end = 0;  // index behind the last bucket of `out`
  walk(spans, counts, [&](int64_t index, double count) {
    // Bucket i ends where bucket ((i - 1) >> shift) + 1 of the lower schema contains it.
    const int64_t wide = ((index - 1) >> shift) + 1;
    if (!out.empty() && wide == end - 1) {
      out.back() += count;
      return;
    }
    if (out_spans.empty() || wide != end) {
      out_spans.push_back({static_cast<int32_t>(wide - end), 0});
    }
    ++out_spans.back().length;
    out.push_back(count);
    end = wide + 1;
  });
}

}  // namespace

FloatHistogram reduce_resolution(const FloatHistogram& histogram, int32_t schema) {
  FloatHistogram out;
  out.counter_reset_hint = histogram.counter_reset_hint;
  out.schema = schema;
  out.zero_threshold = histogram.zero_threshold;
  out.zero_count = histogram.zero_count;
  out.count = histogram.count;
  out.sum = histogram.sum;
  const int32_t shift = histogram.schema - schema;
  reduce_side(histogram.positive_spans, histogram.positive_buckets, shift, out.positive_spans,
              out.positive_buckets);
  reduce_side(histogram.negative_spans, histogram.negative_buckets, shift, out.negative_spans,
              out.negative_buckets);
  return out;
}

}  // namespace strata
