// The store: a head in memory, written ahead to a log, and immutable blocks on disk.
//
// A scrape is stored as a row of its target's open tile (32 scrapes x the target's series); a full
// tile is encoded, appended to a file and read from there through a mapping. Every
// `block_span`, the oldest window of tiles becomes a block. A sample is in the write-ahead log
// before append_* returns, so killing the process loses nothing that was acknowledged; losing
// power loses at most `wal_sync`.
//
// Owned by app/. Thread-safe: scrapes of different targets are appended in parallel, those of one
// target one after the other; readers hold no lock while they decode. maintain() belongs to the
// store thread.
//
// Layout of the directory (docs/formats): lock, series, tombstones, wal/NNNNNNNN, tiles/NNNNNNNN,
// exemplars/NNNNNNNN, blocks/WINDOW-SEQUENCE/; a file that was found damaged is kept beside as
// NAME.damaged.
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/fs.h"
#include "base/result.h"
#include "model/duration.h"
#include "model/series_source.h"
#include "tsdb/block.h"
#include "tsdb/exemplar_store.h"
#include "tsdb/ids.h"
#include "tsdb/retention.h"

namespace strata::tsdb {

struct Options {
  std::string path;
  /// Blocks that end this long before the newest sample are deleted; 0: never.
  Millis retention_time = std::chrono::days(15);
  /// The oldest blocks are deleted while blocks are larger than this; 0: no bound.
  uint64_t retention_bytes = 0;
  /// What a block spans; blocks begin at multiples of it. Head data becomes a block when the head
  /// spans 1.5 of it.
  Millis block_span = std::chrono::hours(2);
  /// Blocks that end this long before the newest sample are coded smaller, and slower to read; 0:
  /// never.
  Millis cold_after = std::chrono::days(1);
  /// The longest time for which appended samples may be lost with the machine's power.
  Millis wal_sync = std::chrono::seconds(1);
  /// How far behind the newest sample of the store a sample may be that is not the newest of its
  /// own series. Samples that are may be half a block span behind.
  Millis out_of_order_window = std::chrono::hours(1);
  /// Files and blocks that were kept aside as damaged are removed when they are older, or when
  /// there are more, the oldest first. The log says so.
  Millis keep_damaged = std::chrono::days(30);
  size_t max_damaged = 32;
  /// How far ahead of the clock a sample that brings its own time may be.
  Millis max_ahead = std::chrono::minutes(10);
  /// Series in the head; one more is refused with kLimit. 0: no bound.
  size_t max_series = 0;
  /// Bytes that the head may take (Stats::memory) before new series are refused with kLimit; series
  /// that there are go on. 0: no bound.
  uint64_t memory_budget = 0;
  /// Samples of one append_scrape() or append_samples(); more are refused with kLimit.
  size_t max_scrape_samples = 1'000'000;
  /// Exemplars that are kept, of all series; 0: none.
  size_t max_exemplars = 100'000;
  /// A log segment is closed at this size. Replay reads at most about four of them.
  uint64_t wal_segment_bytes = 16u << 20;
};

class LogCursor;  // log_cursor.h

/// What became of the samples of one append. A sample is in exactly one of `appended`, `repeated`,
/// `duplicate`, `too_old` and `too_far_ahead`.
struct AppendStats {
  size_t appended = 0;
  size_t out_of_order = 0;   // of the appended: older than the newest of their series
  size_t repeated = 0;       // same time, same value as stored: dropped, no fault
  size_t duplicate = 0;      // same time, another value: dropped, the first stays
  size_t too_old = 0;        // outside the out-of-order window: dropped
  size_t too_far_ahead = 0;  // more than max_ahead ahead of the clock: dropped

  AppendStats& operator+=(const AppendStats& other);
  friend bool operator==(const AppendStats&, const AppendStats&) = default;
};

/// A sample with a time of its own.
struct TimedSample {
  SeriesId series{};
  TimestampMs t = 0;
  double v = 0;
};

/// A native histogram with its time. `h` is not null.
struct TimedHistogram {
  SeriesId series{};
  TimestampMs t = 0;
  HistogramPtr h;
};

struct BlockStats {
  std::string name;
  TimestampMs min_time = 0;
  TimestampMs max_time = 0;
  uint64_t series = 0;
  uint64_t samples = 0;
  uint64_t bytes = 0;
};

/// What a part of the head takes of memory.
struct MemoryPart {
  std::string_view part;
  uint64_t bytes = 0;
};

/// Counters are since open().
struct Stats {
  uint64_t head_series = 0;
  uint64_t head_targets = 0;
  uint64_t series_created = 0;
  uint64_t series_removed = 0;
  uint64_t series_refused = 0;  // beyond max_series or memory_budget
  /// Of them, by the label that brought the most new values then.
  std::vector<std::pair<std::string, uint64_t>> refused_by_label;
  TimestampMs head_min_time = 0;  // both 0 while the head is empty
  TimestampMs head_max_time = 0;

  AppendStats samples;      // histograms too
  uint64_t histograms = 0;  // of samples.appended
  uint64_t scrapes = 0;
  uint64_t append_failures = 0;  // appends refused because the log could not be written

  std::vector<MemoryPart> memory;
  uint64_t memory_budget = 0;
  uint64_t open_tile_bytes = 0;  // of memory
  uint64_t sealed_tiles = 0;
  uint64_t tile_bytes = 0;  // of files
  uint64_t seal_failures = 0;

  uint64_t wal_bytes = 0;
  uint64_t wal_segments = 0;
  uint64_t wal_bytes_written = 0;
  uint64_t wal_syncs = 0;
  uint64_t wal_sync_failures = 0;
  double wal_sync_seconds = 0;
  uint64_t series_log_bytes = 0;

  std::vector<BlockStats> blocks;  // by time
  uint64_t block_bytes = 0;
  uint64_t blocks_unreadable = 0;  // damaged ones that were put aside, at open() and since
  uint64_t blocks_cut = 0;
  uint64_t cut_failures = 0;
  uint64_t blocks_compacted = 0;
  uint64_t compaction_failures = 0;
  uint64_t blocks_expired = 0;
  uint64_t pending_deletions = 0;  // asked for, hidden, not yet carried out in every block

  ExemplarStats exemplars;

  /// The last process that had the store closed it; true for a new one.
  bool clean_start = true;
  double replay_seconds = 0;
  uint64_t replayed_samples = 0;
  /// Found at open() and by reads. `lost_samples` counts those whose number is known.
  uint64_t damaged_records = 0;
  uint64_t damaged_bytes = 0;
  uint64_t lost_samples = 0;
};

/// What Db::repair() did.
struct RepairReport {
  struct Block {
    std::string block;              // the path of the damaged one
    std::string into;               // the path of the new one; empty: nothing could be saved
    uint64_t samples = 0;           // in the new one
    std::vector<BlockDamage> lost;  // tiles that are not in it
    std::string error;              // why nothing can be saved
  };
  size_t checked = 0;  // blocks that were there, good ones too
  std::vector<Block> blocks;
};

/// For /api/v1/status/tsdb: what the head's series are made of, largest first.
struct Cardinality {
  struct Count {
    std::string name;
    uint64_t value = 0;
  };
  uint64_t label_pairs = 0;
  std::vector<Count> series_by_metric;
  std::vector<Count> values_by_label;
  std::vector<Count> value_bytes_by_label;
  std::vector<Count> series_by_pair;  // "name=value"
};

class Db final : public SeriesSource {
 public:
  /// Takes the directory (created when missing) and recovers what is in it: replays the log, says
  /// in the log what was lost. `fs` and `clock` outlive the Db. Errors: kConflict when another
  /// process has the directory, kIo when it cannot be read or written. Damage is no error.
  static Result<std::unique_ptr<Db>> open(Options options, Fs& fs, const Clock& clock);
  /// Does not flush: what append_* acknowledged is in the log.
  ~Db() override;
  Db(const Db&) = delete;
  Db& operator=(const Db&) = delete;

  /// Get or create. Errors: kLimit beyond max_series or memory_budget, kBadData for empty labels.
  /// The handle of a series that the head forgot meanwhile brings it back when something is
  /// appended to it; twelve block spans later that is kNotFound, and the series is to be looked up
  /// anew.
  Result<SeriesId> series(const Labels& labels);
  /// Get or create; `key` is a stable identity of the scrape target ("job/instance").
  TargetId target(std::string_view key);

  /// One scrape whole: values[i] is the sample of columns[i] at `t`; no column twice. When it
  /// returns, the log has it (write(2) is done), and queries see all of it at once. Columns that
  /// are, in order, those of the target's last scrape cost no lookup and no allocation. Stale
  /// markers are values like others. Errors: kLimit, kBadData (sizes differ, a series twice),
  /// kNotFound (a handle that is unknown or was forgotten long ago: see series()), kIo when the log
  /// cannot be written. Then nothing was stored; after kIo a later call may succeed.
  Result<AppendStats> append_scrape(TargetId target, TimestampMs t,
                                    std::span<const SeriesId> columns,
                                    std::span<const double> values);
  /// Samples with times of their own (exporters that set them, rules, remote write, backfill), in
  /// any order; those of one series best ascending. All of them are acknowledged together or none.
  Result<AppendStats> append_samples(std::span<const TimedSample> samples);
  /// Native histograms, as append_samples(); a series may have both. Of a float and a histogram at
  /// one time, the float is read. A counter histogram without a hint that goes on from the one
  /// before gets CounterResetHint::kNotReset. Errors: also kBadData, see check_histogram().
  Result<AppendStats> append_histograms(std::span<const TimedHistogram> samples);

  /// Exemplars of series that have samples; see ExemplarStore.
  Result<> append_exemplars(std::span<const NewExemplar> exemplars);
  std::vector<SeriesExemplars> exemplars(std::span<const std::vector<Matcher>> selectors,
                                         TimeRange range) const;
  void set_max_exemplars(size_t max);

  Result<std::unique_ptr<SeriesSet>> select(std::span<const Matcher> matchers, TimeRange range,
                                            size_t limit) const override;
  Result<std::vector<std::string>> label_names(std::span<const Matcher> matchers,
                                               TimeRange range) const override;
  Result<std::vector<std::string>> label_values(std::string_view name,
                                                std::span<const Matcher> matchers,
                                                TimeRange range) const override;

  uint64_t version() const override;
  TimestampMs unchanged_before(uint64_t version) const override;

  /// The store thread's work, to be called about five times a second: syncs the log when due, seals
  /// full tiles, drops log segments that are no longer needed, cuts blocks a piece at a time,
  /// applies retention. Usually under 50 ms. Failures are logged, counted and tried again.
  void maintain();
  /// Merges blocks, when some are due: true when it did. Takes as long as it takes and may run
  /// beside everything else; one caller at a time.
  Result<bool> compact();
  /// At shutdown: makes all that was appended survive loss of power.
  Result<> flush();

  /// Deletes the samples in `range` that are stored now of the series that all of `matchers`
  /// select: no read that begins after the call sees them, and it survives loss of power. Blocks
  /// are written anew without them by compact(). Errors: kBadData without a matcher, kLimit while
  /// too many deletions wait for that, kIo.
  Result<> delete_series(std::span<const Matcher> matchers, TimeRange range);
  /// Writes anew, now, every block that has deleted samples; returns how many. Takes as long as it
  /// takes; waits for a compact() that runs.
  Result<size_t> clean_tombstones();
  /// Checks every block; what is damaged is written anew without what cannot be read, and blocks
  /// that were kept aside are brought back as far as they can be. The damaged ones stay beside as
  /// NAME.damaged. (The log and tiles are mended by open().) Takes as long as it takes.
  Result<RepairReport> repair();
  /// Makes `dir` (which does not exist; in the store's file system) a store of its own with all
  /// that was acknowledged before the call: blocks and the head's closed files are hard links.
  /// Without the head: only blocks. Errors: kConflict when `dir` exists, kIo.
  Result<> snapshot(const std::string& dir, bool with_head = true);
  /// Replaces the rules that say for some series another time than Options::retention_time.
  /// Samples beyond theirs are hidden at once; blocks are written anew by compact().
  void set_retention(std::vector<RetentionRule> rules);

  /// Reads what was appended, in the order of the log, from a position on; outlived by the Db. See
  /// log_cursor.h.
  std::unique_ptr<LogCursor> read_log(uint64_t segment, uint64_t offset) const;
  /// Segment and offset behind what was appended so far.
  std::pair<uint64_t, uint64_t> log_end() const;
  /// Parts of the log from `segment` on stay on disk after the store is done with them, for
  /// read_log(), up to `max_bytes`; UINT64_MAX: none do, which is how it begins. To be said before
  /// the first maintain(), and again as reading goes on.
  void keep_log(uint64_t segment, uint64_t max_bytes);

  Stats stats() const;
  /// At most `limit` entries a list.
  Cardinality cardinality(size_t limit) const;

  struct Impl;  // db_impl.h

 private:
  explicit Db(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace strata::tsdb
