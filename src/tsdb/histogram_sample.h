// A native histogram at a time, and what the store asks of histograms. Values; pure functions.
#pragma once
#include <cstddef>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/histogram.h"
#include "model/series_source.h"

namespace strata::tsdb {

/// Buckets of one histogram, populated or not; more are refused.
inline constexpr size_t kMaxHistogramBuckets = 16'384;

struct HistogramSample {
  TimestampMs t = 0;
  HistogramPtr h;
};

/// Error: kBadData when spans do not fit the buckets, overlap or leave the range of indexes, when
/// there are more than kMaxHistogramBuckets, or bounds without kCustomBucketsSchema.
Result<> check_histogram(const FloatHistogram& h);

/// Bit for bit, hints aside.
bool same_histogram(const FloatHistogram& a, const FloatHistogram& b);

/// Whether `next` may have counted on from `previous`: the same buckets or more of them, and no
/// count went down. This is when Prometheus goes on with a chunk (tsdb/chunkenc, appendable).
bool counts_on(const FloatHistogram& previous, const FloatHistogram& next);

/// The same without a claim about the sample before it: kReset and kNotReset become kUnknown.
HistogramPtr without_claim(HistogramPtr h);

/// Heap bytes, roughly.
size_t memory_of(const FloatHistogram& h);

/// Puts the histograms of one series together that come from several places. What a sample says
/// about the one before it (CounterResetHint) is only known to hold inside one place; where places
/// meet it becomes kUnknown, as Prometheus' chained iterators do it.
class HistogramJoin {
 public:
  void clear() { samples_.clear(), ends_.clear(); }
  /// What is appended until the next call is of one place.
  std::vector<HistogramSample>& next_place();
  /// Replaces `out` by all samples, ascending; of those with one time the first place's stays.
  void finish(std::vector<HistogramSample>& out);
  /// Appends them to `out`, which has floats only so far; not sorted among those.
  void finish(SampleColumns& out);

 private:
  std::vector<HistogramSample> samples_;
  std::vector<size_t> ends_;  // of each place but the last
};

}  // namespace strata::tsdb
