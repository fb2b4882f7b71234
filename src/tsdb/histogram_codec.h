// Native histograms as bytes (docs/formats/histogram.md).
//
// A chunk is a run of histograms of one series: the layouts of their buckets, each once, and a tile
// (tile.h) whose columns are count, sum, zero count and every bucket that any of them has. So each
// bucket is coded as what its numbers are over time, integers as packed deltas mostly. A single
// histogram, for the log, is coded against the one before it in its record. Both are lossless to
// the bit, hints and the cut of spans included. Bytes are untrusted: wrong ones are kCorruption.
//
// Bounds: kMaxTileRows histograms and kMaxChunkLayouts layouts a chunk, kMaxHistogramBuckets
// buckets a histogram, four times as many columns a chunk.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tsdb/histogram_sample.h"
#include "tsdb/record.h"
#include "tsdb/tile.h"

namespace strata::tsdb {

inline constexpr size_t kMaxChunkLayouts = 64;
inline constexpr size_t kMaxChunkColumns = 3 + 3 * kMaxHistogramBuckets;

/// Appends a chunk of the first histograms that may share one; returns how many. REQUIRES: at least
/// one, times ascend strictly, check_histogram() holds for each.
size_t encode_histogram_chunk(std::span<const HistogramSample> samples, std::string& out);

/// What buckets a histogram has.
struct BucketLayout {
  int32_t schema = 0;
  double zero_threshold = 0;
  std::vector<BucketSpan> positive_spans;
  std::vector<BucketSpan> negative_spans;
  std::vector<double> custom_values;
};

/// Reads an encoded chunk in place; valid while its bytes are. Immutable, thread-safe.
class HistogramChunk {
 public:
  static Result<HistogramChunk> open(std::string_view bytes);

  size_t rows() const { return tile_.rows(); }
  TimeRange time_range() const { return tile_.time_range(); }
  /// Appends the histograms in `range`. On an error `out` is as it was.
  Result<> read(TimeRange range, std::vector<HistogramSample>& out) const;
  /// The last one in `range`, or false.
  Result<bool> read_last(TimeRange range, HistogramSample& out) const;

 private:
  struct Run {
    uint32_t layout = 0;
    CounterResetHint hint = CounterResetHint::kUnknown;
    uint32_t end = 0;  // first row that is not in it
  };
  explicit HistogramChunk(TileView tile) : tile_(tile) {}
  Result<> fill(size_t column, TimeRange range, size_t first_row, SampleColumns& scratch,
                TileScratch& tile_scratch, std::span<FloatHistogram*> rows) const;

  TileView tile_;
  std::vector<BucketLayout> layouts_;
  std::vector<Run> runs_;
  std::vector<int32_t> positive_;  // bucket indexes of the columns
  std::vector<int32_t> negative_;
  std::vector<std::vector<uint32_t>> places_;  // by layout: column -> bucket, or kNoBucket
};

/// Appends one histogram. `previous`, or null, is what decode_histogram() will be given.
void encode_histogram(std::string& out, const FloatHistogram& h, const FloatHistogram* previous);
Result<> decode_histogram(record::Reader& in, const FloatHistogram* previous, FloatHistogram& out);

}  // namespace strata::tsdb
