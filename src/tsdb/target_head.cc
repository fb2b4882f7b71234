#include "tsdb/target_head.h"

#include <algorithm>
#include <cstring>

#include "tsdb/frame.h"
#include "tsdb/window.h"

namespace strata::tsdb {
namespace {

// A base is logged again after so many rows, about when a new tile begins.
constexpr uint32_t kRowsPerBase = 31;

bool same_bits(double a, double b) {
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

}  // namespace

void RowTile::read(uint32_t column, TimeRange wanted, SampleColumns& out) const {
  for (uint32_t row = 0; row < rows; ++row) {
    const TimestampMs t = storage->time(row);
    if (!wanted.contains(t) || !storage->present(row, column)) continue;
    out.t.push_back(t);
    out.v.push_back(storage->value(row, column));
  }
}

bool RowTile::read_last(uint32_t column, TimeRange wanted, Sample& out) const {
  for (uint32_t row = rows; row-- > 0;) {
    const TimestampMs t = storage->time(row);
    if (t < wanted.min) return false;
    if (t > wanted.max || !storage->present(row, column)) continue;
    out = {t, storage->value(row, column)};
    return true;
  }
  return false;
}

Result<TargetHead::Outcome> TargetHead::append(const HeadContext& context, TimestampMs t,
                                               std::span<const SeriesId> columns,
                                               std::span<const double> values) {
  return append_row(context, std::nullopt, t, columns, values);
}

Result<TargetHead::Outcome> TargetHead::replay(const HeadContext& context, uint64_t segment,
                                               TimestampMs t, std::span<const SeriesId> columns,
                                               std::span<const double> values) {
  return append_row(context, segment, t, columns, values);
}

Result<TargetHead::Outcome> TargetHead::append_row(const HeadContext& context,
                                                   std::optional<uint64_t> logged_in, TimestampMs t,
                                                   std::span<const SeriesId> columns,
                                                   std::span<const double> values) {
  MutexLock lock(append_mutex_);
  Outcome out;
  if (has_rows_ && t < last_time_) {
    out.older = true;
    return out;
  }
  if (has_rows_ && t == last_time_) {
    compare_with_last_row(columns, values, t, out);
    return out;
  }
  if (!same_columns(columns)) TRY(change_columns(context, columns));
  prepare_tile(context, t);
  const uint64_t segment = logged_in ? *logged_in : TRY(log_row(context, t, values));
  publish(segment, t, values, out);
  return out;
}

bool TargetHead::same_columns(std::span<const SeriesId> columns) const {
  return columns.size() == base_.columns.size() && !columns.empty() &&
         std::memcmp(columns.data(), base_.columns.data(), columns.size_bytes()) == 0;
}

/// The scrape's series are others than last time: makes the open tile take them, or ends it.
Result<> TargetHead::change_columns(const HeadContext& context, std::span<const SeriesId> columns) {
  std::vector<SeriesId> sorted(columns.begin(), columns.end());
  std::ranges::sort(sorted);
  if (std::ranges::adjacent_find(sorted) != sorted.end()) {
    return bad_data(fmt::format("a scrape of {} has a series twice", key_));
  }
  LayoutPtr layout;
  size_t room = 0;
  {
    MutexLock lock(mutex_);
    if (open_.rows > 0) {
      layout = open_.layout;
      room = open_.storage->stride() - layout->size();
    }
  }
  std::vector<SeriesId> added;
  for (const SeriesId series : columns) {
    if (!layout || !layout->column_of(series)) added.push_back(series);
  }
  TRY(context.table.adopt(added, id_));
  base_.columns.assign(columns.begin(), columns.end());
  base_segment_ = 0;

  MutexLock lock(mutex_);
  if (!layout) {
    open_.storage.reset();
    open_.layout.reset();
    return {};
  }
  if (added.size() > room) {
    churns_ = true;
    close_locked();
    return {};
  }
  if (!added.empty()) {
    std::vector<SeriesId> wider(layout->columns().begin(), layout->columns().end());
    wider.insert(wider.end(), added.begin(), added.end());
    layout = std::make_shared<const Layout>(std::move(wider));
    open_.layout = layout;
  }
  map_columns(*layout);
  return {};
}

/// Fills map_ for the columns of base_; empty when they are the layout's first, in order.
void TargetHead::map_columns(const Layout& layout) {
  map_.clear();
  map_.reserve(base_.columns.size());
  bool identity = true;
  uint32_t next = 0;
  for (const SeriesId series : base_.columns) {
    if (next >= layout.size() || layout.columns()[next] != series) {
      next = *layout.column_of(series);
    }
    identity = identity && next == map_.size();
    map_.push_back(next++);
  }
  if (identity) map_ = {};
}

/// Sees to it that there is an open tile with room for a row at `t`.
void TargetHead::prepare_tile(const HeadContext& context, TimestampMs t) {
  MutexLock lock(mutex_);
  const Millis span = context.options.block_span;
  if (open_.rows > 0 && window_start(t, span) != window_start(open_.storage->time(0), span)) {
    close_locked();
  }
  if (open_.storage) return;
  const bool keep_layout =
      open_.layout && std::ranges::equal(open_.layout->columns(), base_.columns);
  if (!keep_layout) open_.layout = std::make_shared<const Layout>(base_.columns);
  map_ = {};
  const size_t columns = base_.columns.size();
  open_.storage = context.pool.make(churns_ ? columns + columns / 4 + 16 : columns);
  open_.limit = has_rows_ ? kTileRows : 1 + index_of(id_) * 7 % kTileRows;
  churns_ = false;
}

void TargetHead::close_locked() {
  if (open_.rows == 0) return;
  full_.push_back({std::move(open_.storage), open_.layout, open_.rows, open_.first_segment});
  open_ = {.layout = std::move(open_.layout)};
}

Result<uint64_t> TargetHead::log_row(const HeadContext& context, TimestampMs t,
                                     std::span<const double> values) {
  TRY(context.series_log.flush());
  static thread_local std::string frame;
  if (base_segment_ != 0 && rows_since_base_ < kRowsPerBase) {
    frame.clear();
    begin_frame(frame);
    encode_row_record(frame, id_, base_, rows_since_base_ == 0, t, values);
    const uint64_t segment = TRY(context.wal.append(frame, base_segment_));
    if (segment != kAnySegment) {
      ++rows_since_base_;
      return segment;
    }
  }
  base_segment_ = 0;
  ++base_.id;
  base_.t = t;
  base_.values.assign(values.begin(), values.end());
  frame.clear();
  begin_frame(frame);
  encode_base_record(frame, id_, base_);
  base_segment_ = TRY(context.wal.append(frame));
  rows_since_base_ = 0;
  return base_segment_;
}

void TargetHead::publish(uint64_t segment, TimestampMs t, std::span<const double> values,
                         Outcome& out) {
  has_rows_ = true;
  last_time_ = t;
  out.stats.appended = values.size();
  MutexLock lock(mutex_);
  if (open_.rows == 0) open_.first_segment = segment;
  open_.storage->write(open_.rows, t, values, map_);
  if (++open_.rows >= open_.limit) close_locked();
  out.tile_is_full = !full_.empty();
}

void TargetHead::compare_with_last_row(std::span<const SeriesId> columns,
                                       std::span<const double> values, TimestampMs t,
                                       Outcome& out) {
  const TargetSnapshot last = snapshot({t, t});
  const auto stored = [&](SeriesId series) -> std::optional<double> {
    Sample sample;
    for (const RowTile& tile : last.rows) {
      const auto column = tile.layout->column_of(series);
      if (column && tile.read_last(*column, {t, t}, sample)) return sample.v;
    }
    for (const SealedTile& tile : last.sealed) {
      const auto column = tile.layout->column_of(series);
      if (!column || *column < tile.first_column) continue;
      const auto bytes = tile.read();
      if (!bytes) continue;
      const auto view = TileView::open(bytes->bytes);
      if (!view || *column - tile.first_column >= view->columns()) continue;
      const auto found = view->last(*column - tile.first_column, {t, t}, sample);
      if (found && *found) return sample.v;
    }
    return std::nullopt;
  };
  for (size_t i = 0; i < columns.size(); ++i) {
    const auto value = stored(columns[i]);
    if (!value) {
      out.rest.push_back({columns[i], t, values[i]});
    } else if (same_bits(*value, values[i])) {
      ++out.stats.repeated;
    } else {
      ++out.stats.duplicate;
    }
  }
}

bool TargetHead::close_open_tile(uint64_t segment, TimestampMs time) {
  MutexLock append_lock(append_mutex_);
  MutexLock lock(mutex_);
  if (open_.rows == 0) return false;
  if (open_.first_segment >= segment && open_.storage->time(0) >= time) return false;
  close_locked();
  return true;
}

size_t TargetHead::waiting_bytes() const {
  MutexLock lock(mutex_);
  size_t bytes = 0;
  for (const RowTile& tile : full_) bytes += tile.storage->memory();
  return bytes;
}

TargetSnapshot TargetHead::snapshot(TimeRange range) const {
  TargetSnapshot out;
  MutexLock lock(mutex_);
  for (const SealedTile& tile : sealed_) {
    if (tile.range.overlaps(range)) out.sealed.push_back(tile);
  }
  for (const RowTile& tile : full_) {
    if (tile.range().overlaps(range)) out.rows.push_back(tile);
  }
  if (open_.rows > 0) {
    const RowTile tile{open_.storage, open_.layout, open_.rows, open_.first_segment};
    if (tile.range().overlaps(range)) out.rows.push_back(tile);
  }
  return out;
}

std::optional<TimeRange> TargetHead::time_range() const {
  MutexLock lock(mutex_);
  TimeRange all{kMaxTime, kMinTime};
  const auto widen = [&all](TimeRange range) {
    all.min = std::min(all.min, range.min);
    all.max = std::max(all.max, range.max);
  };
  for (const SealedTile& tile : sealed_) widen(tile.range);
  for (const RowTile& tile : full_) widen(tile.range());
  if (open_.rows > 0) widen({open_.storage->time(0), open_.storage->time(open_.rows - 1)});
  if (all.min > all.max) return std::nullopt;
  return all;
}

uint64_t TargetHead::first_unsealed_segment() const {
  MutexLock append_lock(append_mutex_);
  MutexLock lock(mutex_);
  uint64_t first = UINT64_MAX;
  for (const RowTile& tile : full_) first = std::min(first, tile.first_segment);
  if (open_.rows > 0) first = std::min(first, open_.first_segment);
  return first;
}

size_t TargetHead::sealed_tiles() const {
  MutexLock lock(mutex_);
  return sealed_.size();
}

void TargetHead::mark_live(std::vector<bool>& live) {
  MutexLock append_lock(append_mutex_);
  MutexLock lock(mutex_);
  const Layout* marked = nullptr;
  const auto mark = [&](const LayoutPtr& layout) {
    if (!layout || layout.get() == marked) return;
    marked = layout.get();
    for (const SeriesId series : layout->columns()) {
      if (index_of(series) < live.size()) live[index_of(series)] = true;
    }
  };
  for (const SealedTile& tile : sealed_) mark(tile.layout);
  for (const RowTile& tile : full_) mark(tile.layout);
  if (open_.rows > 0) {
    mark(open_.layout);
    return;
  }
  open_ = {};
  base_ = {.id = base_.id};
  base_segment_ = 0;
}

void TargetHead::drop(TileStore& tiles, const std::function<bool(const SealedTile&)>& gone) {
  std::vector<SealedTile> dropped;
  {
    MutexLock lock(mutex_);
    const auto kept =
        std::ranges::stable_partition(sealed_, [&](const SealedTile& tile) { return !gone(tile); });
    dropped.assign(std::make_move_iterator(kept.begin()), std::make_move_iterator(kept.end()));
    sealed_.erase(kept.begin(), kept.end());
  }
  for (const SealedTile& tile : dropped) tiles.drop(tile);
}

void TargetHead::restore(SealedTile tile) {
  MutexLock append_lock(append_mutex_);
  MutexLock lock(mutex_);
  last_time_ = has_rows_ ? std::max(last_time_, tile.range.max) : tile.range.max;
  has_rows_ = true;
  sealed_.push_back(std::move(tile));
}

void TargetHead::finish_restore() {
  MutexLock lock(mutex_);
  std::ranges::stable_sort(sealed_, {}, [](const SealedTile& tile) { return tile.range.min; });
}

bool TargetHead::covers(TimestampMs t) const {
  MutexLock lock(mutex_);
  return std::ranges::any_of(sealed_,
                             [t](const SealedTile& tile) { return tile.range.contains(t); });
}

LayoutPtr TargetHead::last_sealed_layout() const {
  MutexLock lock(mutex_);
  return sealed_.empty() ? nullptr : sealed_.back().layout;
}

}  // namespace strata::tsdb
