// Prometheus' chunks of native histograms: integer and float, exponential and custom buckets. The
// format is that of Prometheus' tsdb/docs/format/chunks.md. Pure functions over bytes that are not
// trusted when they are read.
//
// A chunk has one layout of buckets, and a counter chunk no reset. A stale marker, a float sample
// with us, is in theirs a histogram whose sum is the stale NaN.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "interop/prometheus_bytes.h"
#include "model/series_source.h"
#include "tsdb/histogram_sample.h"

namespace strata::interop {

struct HistogramChunkHead {
  ChunkEncoding encoding = ChunkEncoding::kHistogram;  // or kFloatHistogram
  size_t samples = 0;
};

/// What the longest chunk that `samples` begin with is: at most kSamplesPerChunk, integers when all
/// counts are whole. REQUIRES: at least one.
HistogramChunkHead next_histogram_chunk(std::span<const tsdb::HistogramSample> samples);

/// Appends the chunk's data. `previous`, or null, is the sample before it: what the header says
/// about a reset.
void append_histogram_chunk(std::string& out, const HistogramChunkHead& head,
                            std::span<const tsdb::HistogramSample> samples,
                            const FloatHistogram* previous);

/// Appends the samples to `out`. Hints are as Prometheus gives them: the first of a counter chunk
/// unknown, the others no reset. Error: kCorruption; `out` is then as it was.
Result<> read_histogram_chunk(ChunkEncoding encoding, std::string_view data, SampleColumns& out);

}  // namespace strata::interop
