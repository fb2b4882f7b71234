#include "tsdb/target_head.h"

#include <algorithm>
#include <cstring>

#include "tsdb/frame.h"
#include "tsdb/wal_record.h"
#include "tsdb/window.h"

namespace strata::tsdb {
namespace {

// A base is made anew after so many rows, which is when a new tile begins.
constexpr uint32_t kRowsPerBase = kTileRows - 1;

bool same_bits(double a, double b) {
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

}  // namespace

void RowTile::read(uint32_t column, TimeRange wanted, SampleColumns& out) const {
  for (uint32_t row = 0; row < rows; ++row) {
    const TimestampMs t = storage->time(row);
    if (!wanted.contains(t)) continue;
    const std::optional<double> value = storage->value(row, column);
    if (!value) continue;
    out.t.push_back(t);
    out.v.push_back(*value);
  }
}

bool RowTile::read_last(uint32_t column, TimeRange wanted, Sample& out) const {
  for (uint32_t row = rows; row-- > 0;) {
    const TimestampMs t = storage->time(row);
    if (t < wanted.min) return false;
    if (t > wanted.max) continue;
    const std::optional<double> value = storage->value(row, column);
    if (!value) continue;
    out = {t, *value};
    return true;
  }
  return false;
}

bool TargetHead::take_old(std::span<const SeriesId> columns, std::span<const double> values,
                          TimestampMs t, Outcome& out) {
  if (!has_rows_ || t > last_time_) return false;
  if (t < last_time_) {
    out.older = true;
  } else {
    compare_with_last_row(columns, values, t, out);
  }
  return true;
}

Result<TargetHead::Outcome> TargetHead::append(const HeadContext& context, TimestampMs t,
                                               std::span<const SeriesId> columns,
                                               std::span<const double> values) {
  MutexLock lock(append_mutex_);
  Outcome out;
  if (take_old(columns, values, t, out)) return out;
  if (!same_columns(columns)) TRY(change_columns(context, columns, nullptr));
  prepare_tile(context, t);
  const CodedRow row = TRY(log_row(context, t, values));
  publish(row, t, out);
  return out;
}

Result<TargetHead::Outcome> TargetHead::replay(const HeadContext& context, uint64_t segment,
                                               TimestampMs t, std::span<const SeriesId> columns,
                                               std::span<const double> values) {
  MutexLock lock(append_mutex_);
  Outcome out;
  if (take_old(columns, values, t, out)) return out;
  if (!same_columns(columns)) TRY(change_columns(context, columns, nullptr));
  prepare_tile(context, t);
  std::string coded;
  if (base_is_due()) {
    base_ = make_base(t, values);
    rows_since_base_ = 0;
  } else {
    ++rows_since_base_;
    encode_row(coded, base_->values, base_->plan, values);
  }
  publish({base_, coded, segment}, t, out);
  return out;
}

Result<TargetHead::Outcome> TargetHead::replay(const HeadContext& context, uint64_t segment,
                                               TimestampMs t, const RowBasePtr& base,
                                               std::string_view coded,
                                               std::span<const double> values) {
  const std::span<const SeriesId> columns = base->layout->columns();
  MutexLock lock(append_mutex_);
  Outcome out;
  if (take_old(columns, values, t, out)) return out;
  if (base->layout != columns_ && !same_columns(columns)) {
    TRY(change_columns(context, columns, base->layout));
  }
  prepare_tile(context, t);
  base_ = base;
  last_base_id_ = std::max(last_base_id_, base->id);
  publish({base, coded, segment}, t, out);
  return out;
}

bool TargetHead::same_columns(std::span<const SeriesId> columns) const {
  return columns_ && columns.size() == columns_->size() &&
         std::memcmp(columns.data(), columns_->columns().data(), columns.size_bytes()) == 0;
}

/// One that there is already when it has these columns: layouts are a good part of a head's memory.
LayoutPtr TargetHead::layout_for(std::span<const SeriesId> columns, const LayoutPtr& known) const {
  if (const LayoutPtr sealed = last_sealed_layout();
      sealed && std::ranges::equal(sealed->columns(), columns)) {
    return sealed;
  }
  if (known) return known;
  return std::make_shared<const Layout>(std::vector(columns.begin(), columns.end()));
}

/// The scrape's series are others than last time: makes the open tile take them, or ends it.
Result<> TargetHead::change_columns(const HeadContext& context, std::span<const SeriesId> columns,
                                    const LayoutPtr& known) {
  std::vector<SeriesId> sorted(columns.begin(), columns.end());
  std::ranges::sort(sorted);
  if (std::ranges::adjacent_find(sorted) != sorted.end()) {
    return bad_data(fmt::format("a scrape of {} has a series twice", key_));
  }
  LayoutPtr tile;
  {
    MutexLock lock(mutex_);
    if (open_.rows > 0) tile = open_.layout;
  }
  std::vector<SeriesId> added;
  for (const SeriesId series : columns) {
    if (!tile || !tile->column_of(series)) added.push_back(series);
  }
  TRY(context.table.adopt(added, id_));
  columns_ = layout_for(columns, known);

  MutexLock lock(mutex_);
  if (!tile) {
    open_.storage.reset();
    open_.layout.reset();
    return {};
  }
  if (tile->size() + added.size() > open_.max_columns) {
    close_locked();
    return {};
  }
  if (!added.empty()) {
    std::vector<SeriesId> wider(tile->columns().begin(), tile->columns().end());
    wider.insert(wider.end(), added.begin(), added.end());
    tile = std::make_shared<const Layout>(std::move(wider));
    open_.layout = tile;
  }
  map_columns(*tile);
  return {};
}

/// Fills map_ for columns_; empty when they are the tile's first, in order.
void TargetHead::map_columns(const Layout& tile) {
  map_.assign(tile.size(), OpenTile::kAbsent);
  bool identity = true;
  uint32_t place = 0;
  for (uint32_t i = 0; i < columns_->size(); ++i) {
    const SeriesId series = columns_->columns()[i];
    if (place >= tile.size() || tile.columns()[place] != series) place = *tile.column_of(series);
    identity = identity && place == i;
    map_[place++] = i;
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
  open_.storage = std::make_shared<OpenTile>(context.open_tile_bytes);
  open_.layout = columns_;
  // Beyond it a tile is mostly holes.
  open_.max_columns = columns_->size() + columns_->size() / 4 + 16;
  open_.limit = has_rows_ ? kTileRows : 1 + index_of(id_) * 7 % kTileRows;
  map_ = {};
  rows_since_base_ = kRowsPerBase;  // a tile begins with a base
}

void TargetHead::close_locked() {
  if (open_.rows == 0) return;
  full_.push_back({std::move(open_.storage), open_.layout, open_.rows, open_.first_segment});
  open_ = {};
}

bool TargetHead::base_is_due() const {
  return !base_ || rows_since_base_ >= kRowsPerBase || base_->layout != columns_;
}

RowBasePtr TargetHead::make_base(TimestampMs t, std::span<const double> values) {
  const bool same_series = base_ && base_->layout == columns_;
  auto base = std::make_shared<RowBase>();
  base->id = ++last_base_id_;
  base->t = t;
  base->layout = columns_;
  base->values.assign(values.begin(), values.end());
  base->plan = plan_columns(values, same_series ? base_.get() : nullptr);
  return base;
}

Result<TargetHead::CodedRow> TargetHead::log_row(const HeadContext& context, TimestampMs t,
                                                 std::span<const double> values) {
  TRY(context.series_log.flush());
  if (base_segment_ == 0 || base_is_due()) return log_base(context, t, values);
  static thread_local std::string frame;
  frame.clear();
  begin_frame(frame);
  const size_t row_at = encode_row_record(frame, id_, *base_, coded_base_, t, values);
  const uint64_t segment = TRY(context.wal.append(frame, base_segment_));
  if (segment == kAnySegment) return log_base(context, t, values);
  ++rows_since_base_;
  coded_base_.clear();
  return CodedRow{base_, std::string_view(frame).substr(row_at), segment};
}

/// Against the base before it where the segment has that, else in full.
Result<TargetHead::CodedRow> TargetHead::log_base(const HeadContext& context, TimestampMs t,
                                                  std::span<const double> values) {
  static thread_local std::string frame;
  const RowBasePtr base = make_base(t, values);
  // Nothing may hang on a base that the log has only once.
  const bool repeated = coded_base_.empty();
  const bool same_series = base_ && base_->layout == columns_;
  uint64_t segment = same_series && repeated ? base_segment_ : 0;
  for (bool chained = segment != 0;; chained = false) {
    coded_base_.clear();
    encode_base(coded_base_, *base, chained ? base_.get() : nullptr);
    frame.clear();
    begin_frame(frame);
    encode_base_record(frame, id_, coded_base_);
    auto written = context.wal.append(frame, chained ? segment : kAnySegment);
    if (!written) {
      base_segment_ = 0;
      return std::unexpected(std::move(written).error());
    }
    segment = *written;
    if (segment != kAnySegment) break;
  }
  base_ = base;
  base_segment_ = segment;
  rows_since_base_ = 0;
  return CodedRow{base, {}, segment};
}

void TargetHead::publish(const CodedRow& row, TimestampMs t, Outcome& out) {
  has_rows_ = true;
  last_time_ = t;
  out.stats.appended = row.base->values.size();
  MutexLock lock(mutex_);
  if (open_.rows == 0) open_.first_segment = row.segment;
  open_.storage->write(open_.rows, t, row.base, row.coded, map_);
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

size_t TargetHead::memory() const {
  MutexLock append_lock(append_mutex_);
  MutexLock lock(mutex_);
  size_t bytes = sizeof(TargetHead) + key_.capacity() + sealed_.capacity() * sizeof(SealedTile) +
                 map_.capacity() * sizeof(uint32_t) + coded_base_.capacity();
  const Layout* counted = nullptr;  // one after the other are mostly the same
  const auto add = [&](const LayoutPtr& layout) {
    if (layout && layout.get() != counted) bytes += layout->memory();
    counted = layout.get();
  };
  for (const SealedTile& tile : sealed_) add(tile.layout);
  for (const RowTile& tile : full_) add(tile.layout);
  add(open_.layout);
  add(columns_);
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
  columns_.reset();
  base_.reset();
  coded_base_.clear();
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
