// Samples as the chunks that Prometheus would keep them in: what its blocks and its streamed remote
// read have in common. Pure functions; lossless to the bit, but for a histogram that is a stale
// marker, which becomes a float that is one.
#pragma once
#include <string>
#include <vector>

#include "interop/prometheus_bytes.h"
#include "model/series_source.h"

namespace strata::interop {

struct Chunk {
  ChunkEncoding encoding = ChunkEncoding::kXor;
  TimeRange range;
  std::string data;
};

/// In order of time, none longer than kSamplesPerChunk; floats and histograms apart.
std::vector<Chunk> encode_chunks(const SampleColumns& samples);

}  // namespace strata::interop
