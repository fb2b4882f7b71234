// The buckets of a native histogram with their bounds, as Prometheus draws them
// (model/histogram/generic.go).
#pragma once
#include <cstdint>
#include <vector>

#include "model/histogram.h"

namespace strata {

struct HistogramBucket {
  double lower = 0;
  double upper = 0;
  bool lower_inclusive = false;
  bool upper_inclusive = false;
  double count = 0;
  friend bool operator==(const HistogramBucket&, const HistogramBucket&) = default;
};

/// Upper bound of positive bucket `index`: 2^(index * 2^-schema), schema -4 to 8. The last bucket
/// that holds finite numbers ends at the largest double, the one after it at +Inf.
double exponential_bound(int64_t index, int32_t schema);

/// Replaces `out` by all buckets of `histogram`, empty ones too, lowest first. The zero bucket is
/// among them when it is not empty, and cuts off what reaches into it. Buckets that no span covers
/// are left out.
void list_buckets(const FloatHistogram& histogram, std::vector<HistogramBucket>& out);

/// `histogram` with the wider buckets of a lower exponential schema: 2^(schema difference) of its
/// buckets become one. REQUIRES: schema <= histogram.schema, no custom buckets.
FloatHistogram reduce_resolution(const FloatHistogram& histogram, int32_t schema);

}  // namespace strata
