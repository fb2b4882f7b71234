#include "tsdb/histogram_select.h"

#include <algorithm>

#include "tsdb/block_histograms.h"
#include "tsdb/histogram_codec.h"

namespace strata::tsdb {
namespace {

void keep_later(HistogramSample sample, std::optional<HistogramSample>& out) {
  if (!out || sample.t > out->t) out = std::move(sample);
}

void copy_in(const std::vector<HistogramSample>& from, TimeRange range,
             std::vector<HistogramSample>& to) {
  const auto begin = std::ranges::lower_bound(from, range.min, {}, &HistogramSample::t);
  const auto end = std::ranges::upper_bound(from, range.max, {}, &HistogramSample::t);
  if (begin < end) to.insert(to.end(), begin, end);
}

void last_of(const std::vector<HistogramSample>& samples, TimeRange range,
             std::optional<HistogramSample>& out) {
  const auto end = std::ranges::upper_bound(samples, range.max, {}, &HistogramSample::t);
  if (end != samples.begin() && (end - 1)->t >= range.min) keep_later(*(end - 1), out);
}

}  // namespace

Result<HeadHistograms> HeadHistograms::pin(HistogramSnapshot snapshot,
                                           const TolerateDamage& tolerate) {
  HeadHistograms out;
  out.recent_ = std::move(snapshot.recent);
  out.late_ = std::move(snapshot.late);
  for (auto& [tile, late] : snapshot.sealed) {
    auto bytes = tile.read();
    if (!bytes) {
      TRY(tolerate(bytes.error()));
      continue;
    }
    out.sealed_.push_back({std::move(tile), std::move(*bytes), late});
  }
  return out;
}

Result<> HeadHistograms::read(TimeRange range, HistogramJoin& join,
                              const TolerateDamage& tolerate) const {
  for (const bool late : {false, true}) {
    auto& samples = join.next_place();
    for (const Chunk& chunk : sealed_) {
      if (chunk.late != late || !chunk.tile.range.overlaps(range)) continue;
      const auto opened = HistogramChunk::open(chunk.bytes.bytes);
      const auto done = opened ? opened->read(range, samples) : std::unexpected(opened.error());
      if (!done) TRY(tolerate(done.error().within(chunk.tile.segment->path())));
    }
    copy_in(late ? late_ : recent_, range, samples);
  }
  return {};
}

Result<> HeadHistograms::read_last(TimeRange range, std::optional<HistogramSample>& out,
                                   const TolerateDamage& tolerate) const {
  last_of(recent_, range, out);
  last_of(late_, range, out);
  for (auto chunk = sealed_.rbegin(); chunk != sealed_.rend(); ++chunk) {
    const TimeRange covered = chunk->tile.range;
    if (!covered.overlaps(range) || (out && covered.max <= out->t)) continue;
    HistogramSample sample;
    const auto last = [&]() -> Result<bool> {
      return TRY(HistogramChunk::open(chunk->bytes.bytes))
      .read_last(range, sample);
    }();
    if (!last) {
      TRY(tolerate(last.error().within(chunk->tile.segment->path())));
    } else if (*last) {
      keep_later(std::move(sample), out);
    }
  }
  return {};
}

Result<> read_block_histograms(const BlockReader& block, uint32_t series, TimeRange range,
                               HistogramJoin& join, const TolerateDamage& tolerate) {
  const auto native = block.histograms();
  if (!native) return tolerate(native.error());
  if (*native == nullptr) return {};
  return (*native)->read(
      series, range, join.next_place(),
      [&](const Error& error, const HistogramChunkEntry&) { return tolerate(error); });
}

Result<> last_block_histogram(const BlockReader& block, uint32_t series, TimeRange range,
                              std::optional<HistogramSample>& out, const TolerateDamage& tolerate) {
  const auto native = block.histograms();
  if (!native) return tolerate(native.error());
  if (*native == nullptr) return {};
  HistogramSample sample;
  const bool found = TRY((*native)->read_last(
      series, range, sample,
      [&](const Error& error, const HistogramChunkEntry&) { return tolerate(error); }));
  if (found) keep_later(std::move(sample), out);
  return {};
}

}  // namespace strata::tsdb
