#include "tsdb/timed_head.h"

#include <algorithm>

#include "tsdb/frame.h"
#include "tsdb/window.h"

namespace strata::tsdb {
namespace {

bool same_bits(double a, double b) {
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

const Sample* find_sample(std::span<const Sample> samples, TimestampMs t) {
  const auto at = std::ranges::lower_bound(samples, t, {}, &Sample::t);
  return at != samples.end() && at->t == t ? &*at : nullptr;
}

SeriesId series_of(const LoggedSample& logged) { return logged.sample.series; }

/// Calls `body` with each run of one series.
template <class Body>
void for_each_series(std::span<const LoggedSample> samples, Body body) {
  for (size_t i = 0; i < samples.size();) {
    size_t end = i + 1;
    while (end < samples.size() && series_of(samples[end]) == series_of(samples[i])) ++end;
    body(samples.subspan(i, end - i));
    i = end;
  }
}

/// One tile of a single column.
Result<SealedTile> seal_samples(const HeadContext& context, SeriesId series, bool late,
                                std::span<const Sample> samples) {
  static thread_local std::string frame;
  std::vector<TimestampMs> times;
  std::vector<double> values;
  for (const Sample& sample : samples) {
    times.push_back(sample.t);
    values.push_back(sample.v);
  }
  const TileRecord record{.timed = true,
                          .owner = index_of(series),
                          .late = late,
                          .range = {times.front(), times.back()},
                          .rows = static_cast<uint32_t>(times.size())};
  frame.clear();
  begin_frame(frame);
  encode_tile_record(frame, record);
  const size_t tile_at = frame.size();
  const ColumnInput column{.values = values, .family = {}};
  encode_tile(times, {&column, 1}, frame);
  SealedTile sealed{.range = record.range, .rows = record.rows};
  TRY(context.tiles.append(frame, tile_at, sealed));
  return sealed;
}

/// One tile a window, so that a block's cut takes whole tiles.
Result<> seal_by_window(const HeadContext& context, SeriesId series, bool late,
                        std::span<const Sample> samples, std::vector<SealedTile>& out) {
  while (!samples.empty()) {
    const TimestampMs end = window_end(samples.front().t, context.options.block_span);
    size_t n = 1;
    while (n < samples.size() && n < kMaxTileRows && samples[n].t < end) ++n;
    out.push_back(TRY(seal_samples(context, series, late, samples.first(n))));
    samples = samples.subspan(n);
  }
  return {};
}

}  // namespace

std::optional<double> TimedHead::Series::find(TimestampMs t) const {
  if (const Sample* sample = find_sample(recent, t)) return sample->v;
  if (const Sample* sample = find_sample(late, t)) return sample->v;
  for (const SealedTile& tile : sealed) {
    if (!tile.range.contains(t)) continue;
    const auto bytes = tile.read();
    if (!bytes) continue;
    const auto view = TileView::open(bytes->bytes);
    Sample sample;
    if (!view || view->columns() != 1) continue;
    const auto found = view->last(0, {t, t}, sample);
    if (found && *found) return sample.v;
  }
  return std::nullopt;
}

Result<AppendStats> TimedHead::append(const HeadContext& context,
                                      std::span<const TimedSample> samples, const Limits& limits) {
  std::vector<LoggedSample> logged;
  logged.reserve(samples.size());
  for (const TimedSample& sample : samples) logged.push_back({sample, false});
  return take(context, std::nullopt, std::move(logged), limits);
}

Result<AppendStats> TimedHead::replay(const HeadContext& context, uint64_t segment,
                                      std::span<const LoggedSample> samples) {
  return take(context, segment, {samples.begin(), samples.end()}, {});
}

Result<AppendStats> TimedHead::take(const HeadContext& context, std::optional<uint64_t> logged_in,
                                    std::vector<LoggedSample> samples, const Limits& limits) {
  // Stable, so that of two samples of one time the first stays.
  const auto order = [](const LoggedSample& a, const LoggedSample& b) {
    return series_of(a) != series_of(b) ? series_of(a) < series_of(b) : a.sample.t < b.sample.t;
  };
  if (!std::ranges::is_sorted(samples, order)) std::ranges::stable_sort(samples, order);

  MutexLock lock(append_mutex_);
  AppendStats stats;
  std::vector<LoggedSample> accepted;
  std::vector<SeriesId> unknown;
  accepted.reserve(samples.size());
  for_each_series(samples, [&](std::span<const LoggedSample> group) {
    classify(group, limits, stats, accepted, unknown);
  });
  if (accepted.empty()) return stats;
  if (!unknown.empty()) TRY(context.table.adopt(unknown, std::nullopt));

  uint64_t segment = 0;
  if (logged_in) {
    segment = *logged_in;
  } else {
    static thread_local std::string frame;
    TRY(context.series_log.flush());
    frame.clear();
    begin_frame(frame);
    encode_timed_record(frame, accepted);
    segment = TRY(context.wal.append(frame));
  }
  for_each_series(accepted, [&](std::span<const LoggedSample> group)
                                NO_THREAD_SAFETY_ANALYSIS { store(segment, group); });
  return stats;
}

/// `group` is of one series, ascending. What is to be stored goes to `accepted`.
void TimedHead::classify(std::span<const LoggedSample> group, const Limits& limits,
                         AppendStats& stats, std::vector<LoggedSample>& accepted,
                         std::vector<SeriesId>& unknown) const {
  const SeriesId id = series_of(group.front());
  const Shard& shard = shard_of(id);
  MutexLock lock(shard.mutex);
  const auto found = shard.series.find(index_of(id));
  const Series* series = found == shard.series.end() ? nullptr : &found->second;
  std::optional<TimestampMs> newest = series == nullptr ? std::nullopt : series->newest;
  const size_t before = accepted.size();
  for (const LoggedSample& logged : group) {
    const auto& [ignored, t, v] = logged.sample;
    if (t > limits.max) {
      ++stats.too_far_ahead;
      continue;
    }
    const bool late = newest && t <= *newest;
    if (t < (late ? limits.min_late : limits.min_newest)) {
      ++stats.too_old;
      continue;
    }
    std::optional<double> stored;
    if (accepted.size() > before && accepted.back().sample.t == t) {
      stored = accepted.back().sample.v;
    } else if (late && series != nullptr) {
      stored = series->find(t);
    }
    if (stored) {
      ++(same_bits(*stored, v) ? stats.repeated : stats.duplicate);
      continue;
    }
    ++stats.appended;
    if (late || limits.all_late) ++stats.out_of_order;
    accepted.push_back({logged.sample, late});
    if (!late) newest = t;
  }
  if (accepted.size() > before && series == nullptr) unknown.push_back(id);
}

void TimedHead::store(uint64_t segment, std::span<const LoggedSample> group) {
  const SeriesId id = series_of(group.front());
  Shard& shard = shard_of(id);
  MutexLock lock(shard.mutex);
  Series& series = shard.series[index_of(id)];
  series.first_segment = std::min(series.first_segment, segment);
  for (const auto& [sample, late] : group) {
    if (late) {
      const auto at = std::ranges::lower_bound(series.late, sample.t, {}, &Sample::t);
      series.late.insert(at, {sample.t, sample.v});
    } else {
      series.recent.push_back({sample.t, sample.v});
      series.newest = sample.t;
    }
  }
  const bool full = series.recent.size() >= kTimedRows || series.late.size() >= kTimedRows;
  if (full && !series.queued) {
    series.queued = true;
    full_.push_back(id);
  }
}

/// Appends are held off, so the buffers only change here; readers see the old or the new state.
Result<> TimedHead::seal_series(const HeadContext& context, SeriesId id) {
  Shard& shard = shard_of(id);
  std::vector<Sample> recent;
  std::vector<Sample> late;
  {
    MutexLock lock(shard.mutex);
    const auto found = shard.series.find(index_of(id));
    if (found == shard.series.end()) return {};
    found->second.queued = false;
    recent = found->second.recent;
    late = found->second.late;
  }
  std::vector<SealedTile> sealed;
  auto result = seal_by_window(context, id, true, late, sealed);
  if (result) result = seal_by_window(context, id, false, recent, sealed);
  if (!result) {
    for (const SealedTile& tile : sealed) context.tiles.drop(tile);
    return result;
  }
  MutexLock lock(shard.mutex);
  Series& series = shard.series[index_of(id)];
  series.sealed.insert(series.sealed.end(), std::make_move_iterator(sealed.begin()),
                       std::make_move_iterator(sealed.end()));
  series.recent.clear();
  series.late = {};
  series.first_segment = UINT64_MAX;
  return {};
}

Result<bool> TimedHead::seal_full(const HeadContext& context, size_t max_series) {
  for (size_t i = 0; i < max_series; ++i) {
    MutexLock lock(append_mutex_);
    if (full_.empty()) return false;
    const SeriesId id = full_.back();
    TRY(seal_series(context, id));
    full_.pop_back();
  }
  MutexLock lock(append_mutex_);
  return !full_.empty();
}

Result<> TimedHead::seal_old(const HeadContext& context, uint64_t segment, TimestampMs time) {
  for (Shard& shard : shards_) {
    std::vector<SeriesId> old;
    MutexLock append_lock(append_mutex_);
    {
      MutexLock lock(shard.mutex);
      for (const auto& [id, series] : shard.series) {
        const bool has_old = (!series.recent.empty() && series.recent.front().t < time) ||
                             (!series.late.empty() && series.late.front().t < time);
        if (series.first_segment < segment || has_old) old.push_back(SeriesId{id});
      }
    }
    for (const SeriesId id : old) TRY(seal_series(context, id));
  }
  return {};
}

TimedSnapshot TimedHead::snapshot(SeriesId id, TimeRange range) const {
  TimedSnapshot out;
  const Shard& shard = shard_of(id);
  MutexLock lock(shard.mutex);
  const auto found = shard.series.find(index_of(id));
  if (found == shard.series.end()) return out;
  const Series& series = found->second;
  for (const SealedTile& tile : series.sealed) {
    if (tile.range.overlaps(range)) out.sealed.push_back(tile);
  }
  const auto copy = [&](const std::vector<Sample>& samples) {
    for (const Sample& sample : samples) {
      if (range.contains(sample.t)) out.samples.push_back(sample);
    }
  };
  copy(series.recent);
  copy(series.late);
  return out;
}

std::optional<TimeRange> TimedHead::time_range() const {
  TimeRange all{kMaxTime, kMinTime};
  for (const Shard& shard : shards_) {
    MutexLock lock(shard.mutex);
    for (const auto& [id, series] : shard.series) {
      for (const auto* samples : {&series.recent, &series.late}) {
        if (samples->empty()) continue;
        all.min = std::min(all.min, samples->front().t);
        all.max = std::max(all.max, samples->back().t);
      }
      for (const SealedTile& tile : series.sealed) {
        all.min = std::min(all.min, tile.range.min);
        all.max = std::max(all.max, tile.range.max);
      }
    }
  }
  if (all.min > all.max) return std::nullopt;
  return all;
}

uint64_t TimedHead::first_unsealed_segment() const {
  MutexLock append_lock(append_mutex_);
  uint64_t first = UINT64_MAX;
  for (const Shard& shard : shards_) {
    MutexLock lock(shard.mutex);
    for (const auto& [id, series] : shard.series) first = std::min(first, series.first_segment);
  }
  return first;
}

size_t TimedHead::memory() const {
  size_t bytes = 0;
  for (const Shard& shard : shards_) {
    MutexLock lock(shard.mutex);
    for (const auto& [id, series] : shard.series) {
      bytes +=
          sizeof(Series) + (series.recent.capacity() + series.late.capacity()) * sizeof(Sample);
    }
  }
  return bytes;
}

void TimedHead::for_each_sealed(TimeRange range,
                                const std::function<void(SeriesId, TimedSnapshot)>& body) const {
  for (const Shard& shard : shards_) {
    std::vector<std::pair<SeriesId, TimedSnapshot>> found;
    {
      MutexLock lock(shard.mutex);
      for (const auto& [id, series] : shard.series) {
        TimedSnapshot snapshot;
        for (const SealedTile& tile : series.sealed) {
          if (tile.range.overlaps(range)) snapshot.sealed.push_back(tile);
        }
        if (!snapshot.sealed.empty()) found.emplace_back(SeriesId{id}, std::move(snapshot));
      }
    }
    for (auto& [id, snapshot] : found) body(id, std::move(snapshot));
  }
}

void TimedHead::mark_live(std::vector<bool>& live) {
  MutexLock append_lock(append_mutex_);
  for (Shard& shard : shards_) {
    MutexLock lock(shard.mutex);
    std::erase_if(shard.series, [&](const auto& entry) {
      if (entry.second.empty()) return true;
      if (entry.first < live.size()) live[entry.first] = true;
      return false;
    });
  }
}

void TimedHead::drop(TileStore& tiles, const std::function<bool(const SealedTile&)>& gone) {
  std::vector<SealedTile> dropped;
  for (Shard& shard : shards_) {
    MutexLock lock(shard.mutex);
    for (auto& [id, series] : shard.series) {
      std::erase_if(series.sealed, [&](const SealedTile& tile) {
        if (!gone(tile)) return false;
        dropped.push_back(tile);
        return true;
      });
    }
  }
  for (const SealedTile& tile : dropped) tiles.drop(tile);
}

void TimedHead::restore(SeriesId id, bool late, SealedTile tile) {
  Shard& shard = shard_of(id);
  MutexLock lock(shard.mutex);
  Series& series = shard.series[index_of(id)];
  if (!late)
    series.newest = series.newest ? std::max(*series.newest, tile.range.max) : tile.range.max;
  series.sealed.push_back(std::move(tile));
}

}  // namespace strata::tsdb
