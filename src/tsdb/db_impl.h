// The state behind Db, for the files that implement it: db.cc (appends, reads), db_recovery.cc
// (open) and db_maintain.cc (the store thread).
#pragma once
#include <atomic>
#include <chrono>
#include <memory>
#include <set>
#include <string>

#include "base/mutex.h"
#include "base/snapshot.h"
#include "tsdb/block_cut.h"
#include "tsdb/block_list.h"
#include "tsdb/change_log.h"
#include "tsdb/db.h"
#include "tsdb/deletion_log.h"
#include "tsdb/head_context.h"
#include "tsdb/histogram_head.h"
#include "tsdb/targets.h"
#include "tsdb/timed_head.h"

namespace strata::tsdb {

struct Db::Impl {
  Impl(Options o, Fs& f, const Clock& c)
      : options(std::move(o)),
        fs(f),
        clock(c),
        blocks(f, options.path + "/blocks", options),
        retention(std::make_shared<const Retention>(std::vector<RetentionRule>{},
                                                    options.retention_time)),
        changes(c) {}

  HeadContext context() { return {options, table, *series_log, *wal, *tiles, open_tile_bytes}; }
  std::string note_path() const { return options.path + "/cut"; }
  /// There while a process has the store: found at a start, the last one did not close it.
  std::string open_note_path() const { return options.path + "/open"; }

  // db_recovery.cc
  Result<> recover();
  Result<> open_series_log();
  Result<> recover_tiles();
  Result<> replay_log();
  void report_damage(const std::string& path, uint64_t offset, uint64_t bytes, uint64_t records,
                     bool torn);

  // db.cc
  Result<AppendStats> append_scrape(TargetId target, TimestampMs t,
                                    std::span<const SeriesId> columns,
                                    std::span<const double> values);
  Result<AppendStats> append_timed(std::span<const TimedSample> samples, bool all_late);
  Result<AppendStats> append_histograms(std::span<const TimedHistogram> samples);
  template <class Timed, class Append>
  Result<AppendStats> append_noted(std::span<const Timed> samples, const TimedHead::Limits& limits,
                                   Append append);
  TimedHead::Limits timed_limits(bool all_late) const;
  void count(const AppendStats& stats, size_t scrapes);
  void note_time(TimestampMs t);
  void queue_seal(TargetHead* target);
  void say_refused(const Error& error);
  size_t target_memory() const;
  /// The time against which samples are old: of the newest sample, but not far ahead of the clock,
  /// so that one sample from the future does not make all others too old.
  TimestampMs horizon() const;
  bool head_overlaps(TimeRange range) const {
    return range.max >= head_min.load() && range.min <= head_max.load();
  }

  // db_admin.cc
  Result<> delete_series(std::span<const Matcher> matchers, TimeRange range);
  Result<size_t> clean_tombstones();
  Result<> snapshot(const std::string& dir, bool with_head);
  Result<> snapshot_head(const std::string& dir) REQUIRES(maintain_mutex);
  Result<> snapshot_blocks(const std::string& dir);
  void forget_deletions();
  Upkeep upkeep() { return {*deletions, retention.get(), horizon()}; }

  // db_maintain.cc
  void maintain();
  Result<> flush();
  void sync_log();
  void seal_some();
  Result<> seal_all_queued();
  void trim_log();
  Result<> drop_sealed_log();
  Result<> seal_before(uint64_t segment, TimestampMs time);
  void cut() REQUIRES(maintain_mutex);
  bool cut_is_due() const REQUIRES(maintain_mutex);
  Result<> cut_piece() REQUIRES(maintain_mutex);
  Result<> begin_cut() REQUIRES(maintain_mutex);
  Result<> finish_cut() REQUIRES(maintain_mutex);
  void forget_dead_series();
  void refresh_time_range();
  void refresh_memory();
  bool due(std::chrono::nanoseconds& last, std::chrono::nanoseconds every) const;

  const Options options;
  Fs& fs;
  const Clock& clock;
  std::unique_ptr<FileLock> lock;

  SeriesTable table;
  Targets targets;
  TimedHead timed;
  HistogramHead histograms;
  const OpenTileBytes open_tile_bytes = std::make_shared<std::atomic<size_t>>();
  std::unique_ptr<SeriesLog> series_log;
  std::unique_ptr<Wal> wal;
  std::unique_ptr<TileStore> tiles;
  std::unique_ptr<DeletionLog> deletions;
  std::unique_ptr<ExemplarStore> exemplars;
  BlockList blocks;
  Snapshot<Retention> retention;
  mutable ChangeLog changes;

  // Of the head's samples. min is of the last look (maintain); max is exact.
  std::atomic<TimestampMs> head_min = kMaxTime;
  std::atomic<TimestampMs> head_max = kMinTime;

  // What parts take that do not count themselves; of the last look (maintain).
  std::atomic<size_t> other_memory = 0;
  static constexpr int64_t kNever = INT64_MIN;
  std::atomic<int64_t> last_refusal_said = kNever;

  Mutex seal_mutex;
  std::set<TargetHead*> to_seal GUARDED_BY(seal_mutex);

  // The store thread's.
  Mutex maintain_mutex;
  std::unique_ptr<BlockCut> cutting GUARDED_BY(maintain_mutex);
  std::chrono::nanoseconds last_sync GUARDED_BY(maintain_mutex){};
  std::chrono::nanoseconds last_trim GUARDED_BY(maintain_mutex){};
  std::chrono::nanoseconds last_expiry GUARDED_BY(maintain_mutex){};
  std::chrono::nanoseconds last_damaged_expiry GUARDED_BY(maintain_mutex){};
  std::chrono::nanoseconds last_cut_failure GUARDED_BY(maintain_mutex){};
  bool cut_failed GUARDED_BY(maintain_mutex) = false;
  TimestampMs rolled_window GUARDED_BY(maintain_mutex) = kMinTime;
  uint64_t rolled_segment GUARDED_BY(maintain_mutex) = 0;

  mutable Mutex stats_mutex;
  Stats counters GUARDED_BY(stats_mutex);  // only the fields that count events
};

}  // namespace strata::tsdb
