// The head's samples of one scrape target: an open tile that fills row by row, full tiles that wait
// to be sealed, and sealed tiles.
//
// Appends come one at a time (append_mutex_); what readers see changes under mutex_, held for a few
// stores, so that a reader never waits for the log and a scrape is seen whole or not at all.
// Bounded: kTileRows rows an open tile; full tiles are sealed by the store thread, and by the
// appender when the store thread falls behind.
#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "tsdb/head_context.h"
#include "tsdb/layout.h"
#include "tsdb/row_code.h"

namespace strata::tsdb {

/// Published rows of a tile that is in memory.
struct RowTile {
  std::shared_ptr<const OpenTile> storage;
  LayoutPtr layout;
  uint32_t rows = 0;
  uint64_t first_segment = 0;  // of the log: where its first row is

  TimeRange range() const { return {storage->time(0), storage->time(rows - 1)}; }
  /// Appends the samples of a column in `range`.
  void read(uint32_t column, TimeRange range, SampleColumns& out) const;
  bool read_last(uint32_t column, TimeRange range, Sample& out) const;
};

/// What a reader sees of a target: immutable, in time order (row tiles after sealed ones).
struct TargetSnapshot {
  std::vector<SealedTile> sealed;
  std::vector<RowTile> rows;
};

class TargetHead {
 public:
  TargetHead(TargetId id, std::string key) : id_(id), key_(std::move(key)) {}

  TargetId id() const { return id_; }
  const std::string& key() const { return key_; }

  /// What append() did with a scrape.
  struct Outcome {
    AppendStats stats;
    /// The scrape is older than the target's newest row, or these columns of it were not in that
    /// row: they are for the store of timed samples.
    bool older = false;
    std::vector<TimedSample> rest;
    bool tile_is_full = false;  // the caller queues the target for seal()
  };
  /// Logs and stores one scrape. Errors: kBadData, kNotFound (a forgotten series), kIo; then
  /// nothing was stored.
  Result<Outcome> append(const HeadContext& context, TimestampMs t,
                         std::span<const SeriesId> columns, std::span<const double> values);
  /// Stores a row that is in `segment` of the log already.
  Result<Outcome> replay(const HeadContext& context, uint64_t segment, TimestampMs t,
                         std::span<const SeriesId> columns, std::span<const double> values);
  /// The same of a row that is coded against `base` already; empty: it is the base. REQUIRES: it
  /// decodes to `values`.
  Result<Outcome> replay(const HeadContext& context, uint64_t segment, TimestampMs t,
                         const RowBasePtr& base, std::string_view coded,
                         std::span<const double> values);

  /// Encodes full tiles and moves them to files. On an error the rest stays in memory.
  Result<> seal(const HeadContext& context);
  /// Ends the open tile early when its first row is in a log segment before `segment`, or is older
  /// than `time`; true when it did.
  bool close_open_tile(uint64_t segment, TimestampMs time);
  /// Bytes of full tiles that wait for seal().
  size_t waiting_bytes() const;
  /// Bytes of all but open tiles, which count themselves.
  size_t memory() const;

  TargetSnapshot snapshot(TimeRange range) const;
  /// Of all its samples.
  std::optional<TimeRange> time_range() const;
  /// The oldest log segment that has rows which are not sealed; UINT64_MAX: none. Waits for an
  /// append in flight.
  uint64_t first_unsealed_segment() const;
  size_t sealed_tiles() const;

  /// Marks the series that have samples here. A target without rows in memory forgets its columns,
  /// so that its next scrape adopts them anew.
  void mark_live(std::vector<bool>& live);
  /// Drops sealed tiles for which `gone` says so.
  void drop(TileStore& tiles, const std::function<bool(const SealedTile&)>& gone);

  // Recovery, single-threaded.
  void restore(SealedTile tile);
  void finish_restore();
  /// Whether a sealed tile covers `t`: the row is in it.
  bool covers(TimestampMs t) const;
  LayoutPtr last_sealed_layout() const;

 private:
  struct OpenState {
    std::shared_ptr<OpenTile> storage{};
    LayoutPtr layout{};
    size_t max_columns = 0;
    uint32_t rows = 0;
    uint32_t limit = kTileRows;  // the first tile is shorter, so that targets take turns
    uint64_t first_segment = 0;
  };

  /// A row on its way into the open tile.
  struct CodedRow {
    RowBasePtr base;
    std::string_view coded;  // empty: it is the base
    uint64_t segment = 0;    // of the log
  };
  /// What becomes of a row that is not newer than the newest; nothing when it is newer.
  bool take_old(std::span<const SeriesId> columns, std::span<const double> values, TimestampMs t,
                Outcome& out) REQUIRES(append_mutex_);
  bool same_columns(std::span<const SeriesId> columns) const REQUIRES(append_mutex_);
  Result<> change_columns(const HeadContext& context, std::span<const SeriesId> columns,
                          const LayoutPtr& known) REQUIRES(append_mutex_);
  LayoutPtr layout_for(std::span<const SeriesId> columns, const LayoutPtr& known) const
      REQUIRES(append_mutex_);
  void map_columns(const Layout& tile) REQUIRES(append_mutex_);
  void prepare_tile(const HeadContext& context, TimestampMs t) REQUIRES(append_mutex_);
  void compare_with_last_row(std::span<const SeriesId> columns, std::span<const double> values,
                             TimestampMs t, Outcome& out) REQUIRES(append_mutex_);
  bool base_is_due() const REQUIRES(append_mutex_);
  RowBasePtr make_base(TimestampMs t, std::span<const double> values) REQUIRES(append_mutex_);
  Result<CodedRow> log_row(const HeadContext& context, TimestampMs t,
                           std::span<const double> values) REQUIRES(append_mutex_);
  Result<CodedRow> log_base(const HeadContext& context, TimestampMs t,
                            std::span<const double> values) REQUIRES(append_mutex_);
  void publish(const CodedRow& row, TimestampMs t, Outcome& out) REQUIRES(append_mutex_);
  void close_locked() REQUIRES(append_mutex_, mutex_);

  const TargetId id_;
  const std::string key_;

  mutable Mutex append_mutex_;
  LayoutPtr columns_ GUARDED_BY(append_mutex_);        // of the last scrape; null: none
  OpenTile::ColumnMap map_ GUARDED_BY(append_mutex_);  // the open tile's columns in it
  // The row that later ones are coded against, and how the log has it while that is to be repeated.
  RowBasePtr base_ GUARDED_BY(append_mutex_);
  std::string coded_base_ GUARDED_BY(append_mutex_);
  uint64_t base_segment_ GUARDED_BY(append_mutex_) = 0;  // 0: the log has no base
  uint32_t last_base_id_ GUARDED_BY(append_mutex_) = 0;
  uint32_t rows_since_base_ GUARDED_BY(append_mutex_) = 0;
  bool has_rows_ GUARDED_BY(append_mutex_) = false;
  TimestampMs last_time_ GUARDED_BY(append_mutex_) = 0;

  mutable Mutex mutex_;
  OpenState open_ GUARDED_BY(mutex_);
  std::vector<RowTile> full_ GUARDED_BY(mutex_);
  std::vector<SealedTile> sealed_ GUARDED_BY(mutex_);  // by time

  Mutex seal_mutex_;
};

}  // namespace strata::tsdb
