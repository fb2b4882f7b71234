// The head's samples that came with times of their own: exporters that set them, rules, backfill,
// remote write, and scrapes older than their target's newest row.
//
// Each series has a short ascending buffer, a sorted buffer for samples that came late, and sealed
// tiles of one column. Appends come one at a time; readers wait for a few copies at most. Bounded:
// a buffer is sealed at kTimedRows samples by the store thread.
#pragma once
#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "model/series_source.h"
#include "tsdb/head_context.h"
#include "tsdb/wal_record.h"

namespace strata::tsdb {

inline constexpr size_t kTimedRows = 32;

/// What a reader sees of one series: sealed tiles, then samples; not sorted among each other.
struct TimedSnapshot {
  std::vector<SealedTile> sealed;
  std::vector<Sample> samples;
};

class TimedHead {
 public:
  /// Which samples are taken.
  struct Limits {
    TimestampMs min_newest = kMinTime;  // of samples newer than their series' newest here
    TimestampMs min_late = kMinTime;    // of the others
    TimestampMs max = kMaxTime;
    bool all_late = false;  // count every appended sample as out of order
  };

  /// Logs and stores the samples that are acceptable. Errors: kNotFound, kIo; then none is stored.
  Result<AppendStats> append(const HeadContext& context, std::span<const TimedSample> samples,
                             const Limits& limits);
  /// Stores samples that are in `segment` of the log; what is stored already is left out.
  Result<AppendStats> replay(const HeadContext& context, uint64_t segment,
                             std::span<const LoggedSample> samples);

  /// Seals full buffers, at most `max_series` of them; true when some are left.
  Result<bool> seal_full(const HeadContext& context, size_t max_series);
  /// Seals every buffer with a row in the log before `segment` or a sample before `time`.
  Result<> seal_old(const HeadContext& context, uint64_t segment, TimestampMs time);

  TimedSnapshot snapshot(SeriesId series, TimeRange range) const;
  std::optional<TimeRange> time_range() const;
  /// As TargetHead's.
  uint64_t first_unsealed_segment() const;
  size_t memory() const;

  /// Calls `body` for each series with sealed tiles that overlap `range`.
  void for_each_sealed(TimeRange range,
                       const std::function<void(SeriesId, TimedSnapshot)>& body) const;
  /// Marks the series that have samples and forgets the others.
  void mark_live(std::vector<bool>& live);
  void drop(TileStore& tiles, const std::function<bool(const SealedTile&)>& gone);

  /// Recovery.
  void restore(SeriesId series, bool late, SealedTile tile);

 private:
  struct Series {
    std::vector<Sample> recent;  // ascending
    std::vector<Sample> late;    // ascending, none of its times in `recent`
    std::vector<SealedTile> sealed;
    std::optional<TimestampMs> newest;  // of `recent` and what was sealed from it
    uint64_t first_segment = UINT64_MAX;
    bool queued = false;

    bool empty() const { return recent.empty() && late.empty() && sealed.empty(); }
    std::optional<double> find(TimestampMs t) const;
  };
  struct Shard {
    mutable Mutex mutex;
    std::unordered_map<uint32_t, Series> series GUARDED_BY(mutex);
  };

  Shard& shard_of(SeriesId series) { return shards_[index_of(series) % shards_.size()]; }
  const Shard& shard_of(SeriesId series) const {
    return shards_[index_of(series) % shards_.size()];
  }
  void classify(std::span<const LoggedSample> group, const Limits& limits, AppendStats& stats,
                std::vector<LoggedSample>& accepted, std::vector<SeriesId>& unknown) const;
  void store(uint64_t segment, std::span<const LoggedSample> group) REQUIRES(append_mutex_);
  Result<AppendStats> take(const HeadContext& context, std::optional<uint64_t> logged_in,
                           std::vector<LoggedSample> samples, const Limits& limits);
  Result<> seal_series(const HeadContext& context, SeriesId series) REQUIRES(append_mutex_);

  mutable Mutex append_mutex_;
  std::vector<SeriesId> full_ GUARDED_BY(append_mutex_);  // to be sealed
  std::array<Shard, 64> shards_;
};

}  // namespace strata::tsdb
