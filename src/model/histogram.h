// Native histograms: exponential buckets (schema -4 to 8) and custom bounds (schema -53), as in
// Prometheus' model/histogram. Counts are doubles, also where the source had integers.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace strata {

/// Custom bounds instead of exponential ones: NHCB.
inline constexpr int32_t kCustomBucketsSchema = -53;

/// `length` buckets in a row, `offset` after the end of the previous span (the first: its index).
struct BucketSpan {
  int32_t offset = 0;
  uint32_t length = 0;
  friend bool operator==(const BucketSpan&, const BucketSpan&) = default;
};

enum class CounterResetHint : uint8_t { kUnknown, kReset, kNotReset, kGauge };

struct FloatHistogram {
  CounterResetHint counter_reset_hint = CounterResetHint::kUnknown;
  int32_t schema = 0;
  double zero_threshold = 0;
  double zero_count = 0;
  double count = 0;
  double sum = 0;
  std::vector<BucketSpan> positive_spans;
  std::vector<BucketSpan> negative_spans;
  std::vector<double> positive_buckets;  // absolute counts, one a bucket of the spans
  std::vector<double> negative_buckets;
  std::vector<double> custom_values;  // upper bounds, schema -53 only, +Inf left out

  bool uses_custom_buckets() const { return schema == kCustomBucketsSchema; }
};

using HistogramPtr = std::shared_ptr<const FloatHistogram>;

}  // namespace strata
