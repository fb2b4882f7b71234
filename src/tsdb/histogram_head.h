// The head's native histograms.
//
// Each series has a short ascending buffer, a sorted buffer for histograms that came late, and
// sealed chunks (histogram_codec.h) in the tile files. Appends come one at a time; readers wait for
// a few copies of pointers at most. Bounded: a buffer is sealed at kHistogramRows by the store
// thread, and a histogram has at most kMaxHistogramBuckets.
//
// Owned by Db's state. A sibling of TimedHead, which has the floats of such series.
#pragma once
#include <array>
#include <functional>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "tsdb/head_context.h"
#include "tsdb/histogram_record.h"
#include "tsdb/histogram_sample.h"
#include "tsdb/timed_head.h"

namespace strata::tsdb {

inline constexpr size_t kHistogramRows = 16;

/// What a reader sees of one series.
struct HistogramSnapshot {
  struct Chunk {
    SealedTile tile;
    bool late = false;
  };
  std::vector<Chunk> sealed;
  std::vector<HistogramSample> recent;  // ascending
  std::vector<HistogramSample> late;    // ascending

  bool empty() const { return sealed.empty() && recent.empty() && late.empty(); }
};

/// Reads a sealed chunk. Error: kCorruption with the file's name.
Result<> read_chunk(const SealedTile& tile, TimeRange range, std::vector<HistogramSample>& out);

class HistogramHead {
 public:
  /// Logs and stores what is acceptable. Errors: kNotFound, kIo, kLimit for a record beyond a
  /// frame; then nothing is stored.
  Result<AppendStats> append(const HeadContext& context, std::span<const TimedHistogram> samples,
                             const TimedHead::Limits& limits);
  /// Stores what is in `segment` of the log; what is stored already is left out, and so is what
  /// belongs to series whose definition was lost: `lost` counts those.
  Result<AppendStats> replay(const HeadContext& context, uint64_t segment,
                             std::vector<LoggedHistogram> samples, uint64_t& lost);

  /// As TimedHead's.
  Result<bool> seal_full(const HeadContext& context, size_t max_series);
  Result<> seal_old(const HeadContext& context, uint64_t segment, TimestampMs time);
  HistogramSnapshot snapshot(SeriesId series, TimeRange range) const;
  std::optional<TimeRange> time_range() const;
  uint64_t first_unsealed_segment() const;
  size_t memory() const;
  void for_each_sealed(TimeRange range,
                       const std::function<void(SeriesId, HistogramSnapshot)>& body) const;
  void mark_live(std::vector<bool>& live);
  void drop(TileStore& tiles, const std::function<bool(const SealedTile&)>& gone);
  void restore(SeriesId series, bool late, SealedTile tile);

 private:
  struct Series {
    std::vector<HistogramSample> recent;  // ascending
    std::vector<HistogramSample> late;    // ascending, none of its times in `recent`
    std::vector<HistogramSnapshot::Chunk> sealed;
    HistogramPtr last;  // of `recent` and what was sealed from it, unless that was before a restart
    std::optional<TimestampMs> newest;
    uint64_t first_segment = UINT64_MAX;
    bool queued = false;

    bool empty() const { return recent.empty() && late.empty() && sealed.empty(); }
    HistogramPtr find(TimestampMs t) const;
  };
  struct Shard {
    mutable Mutex mutex;
    std::unordered_map<uint32_t, Series> series GUARDED_BY(mutex);
  };

  Shard& shard_of(SeriesId series) { return shards_[index_of(series) % shards_.size()]; }
  const Shard& shard_of(SeriesId series) const {
    return shards_[index_of(series) % shards_.size()];
  }
  Result<AppendStats> take(const HeadContext& context, std::optional<uint64_t> logged_in,
                           std::vector<LoggedHistogram> samples, const TimedHead::Limits& limits);
  void classify(std::span<const LoggedHistogram> group, const TimedHead::Limits& limits,
                AppendStats& stats, std::vector<LoggedHistogram>& accepted,
                std::vector<SeriesId>& unknown) const;
  void store(uint64_t segment, std::span<const LoggedHistogram> group) REQUIRES(append_mutex_);
  Result<> seal_series(const HeadContext& context, SeriesId series) REQUIRES(append_mutex_);

  mutable Mutex append_mutex_;
  std::vector<SeriesId> full_ GUARDED_BY(append_mutex_);  // to be sealed
  std::array<Shard, 64> shards_;
};

}  // namespace strata::tsdb
