// Prometheus' XOR chunk: times as deltas of deltas, values as the bits in which they differ from
// the one before. The format is that of Prometheus' tsdb/docs/format/chunks.md. Pure functions;
// lossless to the bit.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/series_source.h"

namespace strata::interop {

/// Samples that Prometheus puts into a chunk.
inline constexpr size_t kSamplesPerChunk = 120;

/// Appends the chunk's data. REQUIRES: 1 to 65535 samples, as many times as values; times ascend.
void append_xor_chunk(std::string& out, std::span<const TimestampMs> times,
                      std::span<const double> values);

/// Appends the samples to `out`. Error: kCorruption when `data` ends early; `out` is then as it
/// was.
Result<> read_xor_chunk(std::string_view data, SampleColumns& out);

}  // namespace strata::interop
