#include "tsdb/histogram_head.h"

#include <algorithm>

#include "tsdb/frame.h"
#include "tsdb/histogram_codec.h"
#include "tsdb/window.h"

namespace strata::tsdb {
namespace {

SeriesId series_of(const LoggedHistogram& logged) { return logged.sample.series; }

/// Calls `body` with each run of one series.
template <class Body>
void for_each_series(std::span<const LoggedHistogram> samples, Body body) {
  for (size_t i = 0; i < samples.size();) {
    size_t end = i + 1;
    while (end < samples.size() && series_of(samples[end]) == series_of(samples[i])) ++end;
    body(samples.subspan(i, end - i));
    i = end;
  }
}

/// One chunk of the first of `samples`; removes what it took.
Result<SealedTile> seal_chunk(const HeadContext& context, SeriesId series, bool late,
                              std::span<const HistogramSample>& samples) {
  static thread_local std::string chunk;
  static thread_local std::string frame;
  chunk.clear();
  const size_t taken = encode_histogram_chunk(samples, chunk);
  const TileRecord record{.timed = true,
                          .owner = index_of(series),
                          .late = late,
                          .histograms = true,
                          .range = {samples.front().t, samples[taken - 1].t},
                          .rows = static_cast<uint32_t>(taken)};
  frame.clear();
  begin_frame(frame);
  encode_tile_record(frame, record);
  const size_t chunk_at = frame.size();
  frame += chunk;
  SealedTile sealed{.range = record.range, .rows = record.rows};
  TRY(context.tiles.append(frame, chunk_at, sealed));
  samples = samples.subspan(taken);
  return sealed;
}

/// No chunk reaches over a window's end, so that a block's cut takes whole chunks.
Result<> seal_by_window(const HeadContext& context, SeriesId series, bool late,
                        std::span<const HistogramSample> samples,
                        std::vector<HistogramSnapshot::Chunk>& out) {
  while (!samples.empty()) {
    const TimestampMs end = window_end(samples.front().t, context.options.block_span);
    size_t n = 1;
    while (n < samples.size() && n < kMaxTileRows && samples[n].t < end) ++n;
    std::span<const HistogramSample> window = samples.first(n);
    while (!window.empty()) {
      out.push_back({
        TRY(seal_chunk(context, series, late, window))
        , late
      });
    }
    samples = samples.subspan(n);
  }
  return {};
}

/// The hint that `next` gets when it follows `previous`, or is the first that is known.
CounterResetHint settled_hint(const HistogramPtr& previous, const FloatHistogram& next) {
  if (next.counter_reset_hint != CounterResetHint::kUnknown) return next.counter_reset_hint;
  const bool goes_on = previous && previous->counter_reset_hint != CounterResetHint::kGauge &&
                       counts_on(*previous, next);
  return goes_on ? CounterResetHint::kNotReset : CounterResetHint::kUnknown;
}

const HistogramSample* find_at(std::span<const HistogramSample> samples, TimestampMs t) {
  const auto at = std::ranges::lower_bound(samples, t, {}, &HistogramSample::t);
  return at != samples.end() && at->t == t ? &*at : nullptr;
}

}  // namespace

Result<> read_chunk(const SealedTile& tile, TimeRange range, std::vector<HistogramSample>& out) {
  const TileBytes bytes = TRY(tile.read());
  const auto chunk = HistogramChunk::open(bytes.bytes);
  auto read = chunk ? chunk->read(range, out) : std::unexpected(chunk.error());
  if (!read) return std::unexpected(read.error().within(tile.segment->path()));
  return {};
}

HistogramPtr HistogramHead::Series::find(TimestampMs t) const {
  if (const HistogramSample* sample = find_at(recent, t)) return sample->h;
  if (const HistogramSample* sample = find_at(late, t)) return sample->h;
  for (const auto& [tile, is_late] : sealed) {
    if (!tile.range.contains(t)) continue;
    std::vector<HistogramSample> found;
    if (read_chunk(tile, {t, t}, found) && !found.empty()) return found.front().h;
  }
  return nullptr;
}

Result<AppendStats> HistogramHead::append(const HeadContext& context,
                                          std::span<const TimedHistogram> samples,
                                          const TimedHead::Limits& limits) {
  std::vector<LoggedHistogram> logged;
  logged.reserve(samples.size());
  for (const TimedHistogram& sample : samples) logged.push_back({sample, false});
  return take(context, std::nullopt, std::move(logged), limits);
}

Result<AppendStats> HistogramHead::replay(const HeadContext& context, uint64_t segment,
                                          std::vector<LoggedHistogram> samples, uint64_t& lost) {
  const size_t all = samples.size();
  std::erase_if(samples, [&](const LoggedHistogram& logged) {
    return !check_histogram(*logged.sample.h) ||
           !context.table.adopt({&logged.sample.series, 1}, std::nullopt);
  });
  lost = all - samples.size();
  return take(context, segment, std::move(samples), {});
}

Result<AppendStats> HistogramHead::take(const HeadContext& context,
                                        std::optional<uint64_t> logged_in,
                                        std::vector<LoggedHistogram> samples,
                                        const TimedHead::Limits& limits) {
  // Stable, so that of two of one time the first stays.
  const auto order = [](const LoggedHistogram& a, const LoggedHistogram& b) {
    return series_of(a) != series_of(b) ? series_of(a) < series_of(b) : a.sample.t < b.sample.t;
  };
  if (!std::ranges::is_sorted(samples, order)) std::ranges::stable_sort(samples, order);

  MutexLock lock(append_mutex_);
  AppendStats stats;
  std::vector<LoggedHistogram> accepted;
  std::vector<SeriesId> unknown;
  for_each_series(samples, [&](std::span<const LoggedHistogram> group) {
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
    encode_histogram_record(frame, accepted);
    if (frame.size() > kMaxFramePayload) {
      return fail(ErrorCode::kLimit,
                  fmt::format("a batch of histograms takes {} bytes of log; the limit is {}",
                              frame.size(), kMaxFramePayload));
    }
    segment = TRY(context.wal.append(frame));
  }
  for_each_series(accepted, [&](std::span<const LoggedHistogram> group)
                                NO_THREAD_SAFETY_ANALYSIS { store(segment, group); });
  return stats;
}

/// `group` is of one series, ascending. What is to be stored goes to `accepted`, hints settled.
void HistogramHead::classify(std::span<const LoggedHistogram> group,
                             const TimedHead::Limits& limits, AppendStats& stats,
                             std::vector<LoggedHistogram>& accepted,
                             std::vector<SeriesId>& unknown) const {
  const SeriesId id = series_of(group.front());
  const Shard& shard = shard_of(id);
  MutexLock lock(shard.mutex);
  const auto found = shard.series.find(index_of(id));
  const Series* series = found == shard.series.end() ? nullptr : &found->second;
  std::optional<TimestampMs> newest = series == nullptr ? std::nullopt : series->newest;
  HistogramPtr last = series == nullptr ? nullptr : series->last;
  const size_t before = accepted.size();
  for (const LoggedHistogram& logged : group) {
    const auto& [ignored, t, h] = logged.sample;
    if (t > limits.max) {
      ++stats.too_far_ahead;
      continue;
    }
    const bool late = newest && t <= *newest;
    if (t < (late ? limits.min_late : limits.min_newest)) {
      ++stats.too_old;
      continue;
    }
    HistogramPtr stored;
    if (accepted.size() > before && accepted.back().sample.t == t) {
      stored = accepted.back().sample.h;
    } else if (late && series != nullptr) {
      stored = series->find(t);
    }
    if (stored) {
      ++(same_histogram(*stored, *h) ? stats.repeated : stats.duplicate);
      continue;
    }
    ++stats.appended;
    if (late) ++stats.out_of_order;
    accepted.push_back({logged.sample, late});
    if (late) continue;
    newest = t;
    if (const auto hint = settled_hint(last, *h); hint != h->counter_reset_hint) {
      auto settled = std::make_shared<FloatHistogram>(*h);
      settled->counter_reset_hint = hint;
      accepted.back().sample.h = std::move(settled);
    }
    last = accepted.back().sample.h;
  }
  if (accepted.size() > before && series == nullptr) unknown.push_back(id);
}

void HistogramHead::store(uint64_t segment, std::span<const LoggedHistogram> group) {
  const SeriesId id = series_of(group.front());
  Shard& shard = shard_of(id);
  MutexLock lock(shard.mutex);
  Series& series = shard.series[index_of(id)];
  series.first_segment = std::min(series.first_segment, segment);
  for (const auto& [sample, late] : group) {
    if (late) {
      const auto at = std::ranges::lower_bound(series.late, sample.t, {}, &HistogramSample::t);
      series.late.insert(at, {sample.t, sample.h});
    } else {
      series.recent.push_back({sample.t, sample.h});
      series.newest = sample.t;
      series.last = sample.h;
    }
  }
  const bool full = series.recent.size() >= kHistogramRows || series.late.size() >= kHistogramRows;
  if (full && !series.queued) {
    series.queued = true;
    full_.push_back(id);
  }
}

/// Appends are held off, so the buffers only change here; readers see the old or the new state.
Result<> HistogramHead::seal_series(const HeadContext& context, SeriesId id) {
  Shard& shard = shard_of(id);
  std::vector<HistogramSample> recent;
  std::vector<HistogramSample> late;
  {
    MutexLock lock(shard.mutex);
    const auto found = shard.series.find(index_of(id));
    if (found == shard.series.end()) return {};
    found->second.queued = false;
    recent = found->second.recent;
    late = found->second.late;
  }
  std::vector<HistogramSnapshot::Chunk> sealed;
  auto result = seal_by_window(context, id, true, late, sealed);
  if (result) result = seal_by_window(context, id, false, recent, sealed);
  if (!result) {
    for (const auto& chunk : sealed) context.tiles.drop(chunk.tile);
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

Result<bool> HistogramHead::seal_full(const HeadContext& context, size_t max_series) {
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

Result<> HistogramHead::seal_old(const HeadContext& context, uint64_t segment, TimestampMs time) {
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

HistogramSnapshot HistogramHead::snapshot(SeriesId id, TimeRange range) const {
  HistogramSnapshot out;
  const Shard& shard = shard_of(id);
  MutexLock lock(shard.mutex);
  const auto found = shard.series.find(index_of(id));
  if (found == shard.series.end()) return out;
  const Series& series = found->second;
  for (const auto& chunk : series.sealed) {
    if (chunk.tile.range.overlaps(range)) out.sealed.push_back(chunk);
  }
  const auto copy = [&](const std::vector<HistogramSample>& from,
                        std::vector<HistogramSample>& to) {
    for (const HistogramSample& sample : from) {
      if (range.contains(sample.t)) to.push_back(sample);
    }
  };
  copy(series.recent, out.recent);
  copy(series.late, out.late);
  return out;
}

std::optional<TimeRange> HistogramHead::time_range() const {
  TimeRange all{kMaxTime, kMinTime};
  for (const Shard& shard : shards_) {
    MutexLock lock(shard.mutex);
    for (const auto& [id, series] : shard.series) {
      for (const auto* samples : {&series.recent, &series.late}) {
        if (samples->empty()) continue;
        all.min = std::min(all.min, samples->front().t);
        all.max = std::max(all.max, samples->back().t);
      }
      for (const auto& [tile, late] : series.sealed) {
        all.min = std::min(all.min, tile.range.min);
        all.max = std::max(all.max, tile.range.max);
      }
    }
  }
  if (all.min > all.max) return std::nullopt;
  return all;
}

uint64_t HistogramHead::first_unsealed_segment() const {
  MutexLock append_lock(append_mutex_);
  uint64_t first = UINT64_MAX;
  for (const Shard& shard : shards_) {
    MutexLock lock(shard.mutex);
    for (const auto& [id, series] : shard.series) first = std::min(first, series.first_segment);
  }
  return first;
}

size_t HistogramHead::memory() const {
  size_t bytes = 0;
  for (const Shard& shard : shards_) {
    MutexLock lock(shard.mutex);
    for (const auto& [id, series] : shard.series) {
      bytes += sizeof(Series);
      for (const auto* samples : {&series.recent, &series.late}) {
        for (const HistogramSample& sample : *samples) {
          bytes += sizeof(HistogramSample) + memory_of(*sample.h);
        }
      }
      bytes += series.sealed.capacity() * sizeof(HistogramSnapshot::Chunk);
    }
  }
  return bytes;
}

void HistogramHead::for_each_sealed(
    TimeRange range, const std::function<void(SeriesId, HistogramSnapshot)>& body) const {
  for (const Shard& shard : shards_) {
    std::vector<std::pair<SeriesId, HistogramSnapshot>> found;
    {
      MutexLock lock(shard.mutex);
      for (const auto& [id, series] : shard.series) {
        HistogramSnapshot snapshot;
        for (const auto& chunk : series.sealed) {
          if (chunk.tile.range.overlaps(range)) snapshot.sealed.push_back(chunk);
        }
        if (!snapshot.sealed.empty()) found.emplace_back(SeriesId{id}, std::move(snapshot));
      }
    }
    for (auto& [id, snapshot] : found) body(id, std::move(snapshot));
  }
}

void HistogramHead::mark_live(std::vector<bool>& live) {
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

void HistogramHead::drop(TileStore& tiles, const std::function<bool(const SealedTile&)>& gone) {
  std::vector<SealedTile> dropped;
  for (Shard& shard : shards_) {
    MutexLock lock(shard.mutex);
    for (auto& [id, series] : shard.series) {
      std::erase_if(series.sealed, [&](const HistogramSnapshot::Chunk& chunk) {
        if (!gone(chunk.tile)) return false;
        dropped.push_back(chunk.tile);
        return true;
      });
    }
  }
  for (const SealedTile& tile : dropped) tiles.drop(tile);
}

void HistogramHead::restore(SeriesId id, bool late, SealedTile tile) {
  Shard& shard = shard_of(id);
  MutexLock lock(shard.mutex);
  Series& series = shard.series[index_of(id)];
  if (!late) {
    series.newest = series.newest ? std::max(*series.newest, tile.range.max) : tile.range.max;
  }
  series.sealed.push_back({std::move(tile), late});
}

}  // namespace strata::tsdb
