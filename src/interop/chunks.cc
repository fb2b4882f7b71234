#include "interop/chunks.h"

#include <algorithm>

#include "interop/histogram_chunk.h"
#include "interop/xor_chunk.h"

namespace strata::interop {
namespace {

bool is_native(const SampleColumns& samples, size_t i) {
  return !samples.h.empty() && samples.h[i] && !is_stale_nan(samples.h[i]->sum);
}

void add_floats(const SampleColumns& samples, size_t begin, size_t end, std::vector<Chunk>& out) {
  std::vector<double> values(samples.v.begin() + static_cast<ptrdiff_t>(begin),
                             samples.v.begin() + static_cast<ptrdiff_t>(end));
  for (size_t i = 0; i < values.size() && !samples.h.empty(); ++i) {
    if (samples.h[begin + i]) values[i] = stale_nan();  // a histogram that is a stale marker
  }
  for (size_t at = 0; at < values.size(); at += kSamplesPerChunk) {
    const size_t n = std::min(kSamplesPerChunk, values.size() - at);
    const auto times = std::span(samples.t).subspan(begin + at, n);
    Chunk& chunk = out.emplace_back(ChunkEncoding::kXor, TimeRange{times.front(), times.back()});
    append_xor_chunk(chunk.data, times, std::span(values).subspan(at, n));
  }
}

void add_histograms(const SampleColumns& samples, size_t begin, size_t end,
                    std::vector<Chunk>& out) {
  std::vector<tsdb::HistogramSample> histograms;
  for (size_t i = begin; i < end; ++i) histograms.push_back({samples.t[i], samples.h[i]});
  const FloatHistogram* previous = nullptr;
  for (std::span<const tsdb::HistogramSample> rest = histograms; !rest.empty();) {
    const HistogramChunkHead head = next_histogram_chunk(rest);
    const auto& last = rest[head.samples - 1];
    Chunk& chunk = out.emplace_back(head.encoding, TimeRange{rest.front().t, last.t});
    append_histogram_chunk(chunk.data, head, rest, previous);
    previous = last.h.get();
    rest = rest.subspan(head.samples);
  }
}

}  // namespace

std::vector<Chunk> encode_chunks(const SampleColumns& samples) {
  std::vector<Chunk> out;
  for (size_t at = 0; at < samples.size();) {
    size_t end = at + 1;
    while (end < samples.size() && is_native(samples, end) == is_native(samples, at)) ++end;
    if (is_native(samples, at)) {
      add_histograms(samples, at, end, out);
    } else {
      add_floats(samples, at, end, out);
    }
    at = end;
  }
  return out;
}

}  // namespace strata::interop
