#include "tsdb/histogram_merge.h"

#include <algorithm>

#include "tsdb/block_histograms.h"

namespace strata::tsdb {
namespace {

// A series is joined in slices of time, so that a month of it need not be in memory: about 10 MB
// of large histograms at 15 s.
constexpr TimestampMs kSlice = TimestampMs{2} * 3600 * 1000;

class Joiner {
 public:
  Joiner(std::span<const HistogramSource> sources, bool skip_damaged, MergeStats& stats)
      : sources_(sources), skip_damaged_(skip_damaged), stats_(stats) {}

  /// From the first to the last histogram that is to be kept.
  Result<TimeRange> time_range() {
    TimeRange all{kMaxTime, kMinTime};
    for (const HistogramSource& source : sources_) {
      const auto native = source.block->histograms();
      if (!native) {
        TRY(damaged(source, native.error(), source.block->meta().min_time,
                    source.block->meta().max_time, 0));
        continue;
      }
      if (*native == nullptr || source.parts.empty()) continue;
      const TimeRange range = (*native)->time_range(source.series);
      if (range.min > range.max) continue;
      all.min = std::min(all.min, std::max(range.min, source.parts.front().min));
      all.max = std::max(all.max, std::min(range.max, source.parts.back().max));
    }
    return all;
  }

  Result<> read(TimeRange slice, std::vector<HistogramSample>& out) {
    join_.clear();
    size_t read = 0;
    for (const HistogramSource& source : sources_) {
      const auto native = source.block->histograms();
      if (!native || *native == nullptr) continue;
      for (const TimeRange& part : source.parts) {
        const TimeRange wanted{std::max(part.min, slice.min), std::min(part.max, slice.max)};
        if (wanted.min > wanted.max) continue;
        auto& samples = join_.next_place();
        TRY((*native)->read(source.series, wanted, samples,
                            [&](const Error& error, const HistogramChunkEntry& entry) {
                              return damaged(source, error, entry.min_time, entry.max_time,
                                             entry.rows);
                            }));
        read = samples.size();
      }
    }
    join_.finish(out);
    // Whether it follows on the last one of the slice before is not known.
    if (sources_.size() > 1 && !out.empty())
      out.front().h = without_claim(std::move(out.front().h));
    stats_.duplicates += read - out.size();
    return {};
  }

 private:
  Result<> damaged(const HistogramSource& source, const Error& error, TimestampMs min,
                   TimestampMs max, uint64_t rows) {
    if (!skip_damaged_ || error.code != ErrorCode::kCorruption) return std::unexpected(error);
    // A slice meets the chunk that the one before it met.
    if (std::ranges::find(stats_.damage, error.message, &BlockDamage::message) ==
        stats_.damage.end()) {
      stats_.damage.push_back({.message = error.message,
                               .block = source.block->dir(),
                               .range = {min, max},
                               .samples = rows});
    }
    return {};
  }

  const std::span<const HistogramSource> sources_;
  const bool skip_damaged_;
  MergeStats& stats_;
  HistogramJoin join_;
};

}  // namespace

Result<bool> has_histograms(const BlockReader& block, uint32_t series, TimeRange range) {
  const auto native = block.histograms();
  if (!native) return true;
  if (*native == nullptr) return false;
  bool damaged = false;
  HistogramSample sample;
  const auto found =
      (*native)->read_last(series, range, sample, [&](const Error& error, const auto&) -> Result<> {
        if (error.code != ErrorCode::kCorruption) {
          return std::unexpected(error);
        }
        damaged = true;
        return {};
      });
  if (!found) return found;
  return *found || damaged;
}

Result<> merge_histograms(std::span<const HistogramSource> sources, uint32_t merged,
                          BlockWriter& out, bool skip_damaged, MergeStats& stats) {
  Joiner joiner(sources, skip_damaged, stats);
  const TimeRange all = TRY(joiner.time_range());
  std::vector<HistogramSample> samples;
  for (TimestampMs from = all.min; from <= all.max;) {
    const TimestampMs to = from > all.max - kSlice ? all.max : from + kSlice - 1;
    TRY(joiner.read({from, to}, samples));
    TRY(out.add_histograms(merged, samples));
    stats.samples += samples.size();
    if (to == all.max) break;
    from = to + 1;
  }
  return {};
}

}  // namespace strata::tsdb
