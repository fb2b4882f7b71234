// The store thread's work: sync, seal, trim the log, cut blocks, expire them. Each part fails on
// its own, is logged and counted, and is tried again.
#include "base/log.h"
#include "tsdb/damaged_files.h"
#include "tsdb/db_impl.h"
#include "tsdb/window.h"

namespace strata::tsdb {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::nanoseconds kSealBudget = 30ms;
constexpr std::chrono::nanoseconds kCutBudget = 30ms;
constexpr std::chrono::nanoseconds kTrimEvery = 2s;
constexpr std::chrono::nanoseconds kExpireEvery = 10s;
constexpr std::chrono::nanoseconds kExpireDamagedEvery = 1h;
constexpr std::chrono::nanoseconds kCutRetry = 30s;
// Segments that are kept before the rows that hold them back are sealed early: bounds replay.
constexpr uint64_t kMaxLogSegments = 4;
constexpr size_t kTimedSeriesAtATime = 256;

}  // namespace

bool Db::Impl::due(std::chrono::nanoseconds& last, std::chrono::nanoseconds every) const {
  const auto now = clock.steady();
  if (now - last < every) return false;
  last = now;
  return true;
}

void Db::Impl::maintain() {
  MutexLock lock_maintain(maintain_mutex);
  if (due(last_sync, options.wal_sync)) sync_log();
  seal_some();

  const TimestampMs newest = horizon();
  if (head_max.load() != kMinTime) {
    // A new window begins: what the log has from here on will not be in the next block.
    const TimestampMs window = window_start(newest, options.block_span);
    if (window > rolled_window) {
      rolled_window = window;
      rolled_segment = wal->roll();
    }
  }
  if (due(last_trim, kTrimEvery)) {
    trim_log();
    refresh_time_range();
  }
  cut();
  if (due(last_expiry, kExpireEvery) && head_max.load() != kMinTime) {
    const size_t expired = blocks.expire(upkeep());
    forget_deletions();
    if (expired > 0) changes.note(kMinTime);
    MutexLock lock_stats(stats_mutex);
    counters.blocks_expired += expired;
  }
  if (due(last_damaged_expiry, kExpireDamagedEvery)) {
    expire_damaged(fs, options, clock.now_ms());
  }
}

void Db::Impl::sync_log() {
  const auto start = std::chrono::steady_clock::now();
  auto result = series_log->sync();
  if (result) result = wal->sync();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  if (!result) {
    log_error("the log could not be synced; it will be tried again",
              {{"error", result.error().message}});
  }
  MutexLock lock_stats(stats_mutex);
  counters.wal_sync_seconds += took.count();
}

/// Seals what waits, for at most kSealBudget.
void Db::Impl::seal_some() {
  const auto start = clock.steady();
  const auto failed = [this](const Error& error) {
    log_error("a tile could not be written; it stays in memory", {{"error", error.message}});
    MutexLock lock_stats(stats_mutex);
    ++counters.seal_failures;
  };
  while (clock.steady() - start < kSealBudget) {
    TargetHead* target = nullptr;
    {
      MutexLock lock_queue(seal_mutex);
      if (to_seal.empty()) break;
      target = *to_seal.begin();
      to_seal.erase(to_seal.begin());
    }
    if (auto sealed = target->seal(context()); !sealed) {
      MutexLock lock_queue(seal_mutex);
      to_seal.insert(target);
      lock_queue.unlock();
      failed(sealed.error());
      lock_queue.lock();
      break;
    }
  }
  do {
    auto more = timed.seal_full(context(), kTimedSeriesAtATime);
    if (!more) failed(more.error());
    if (!more || !*more) break;
  } while (clock.steady() - start < 2 * kSealBudget);
  do {
    auto more = histograms.seal_full(context(), kTimedSeriesAtATime / 8);
    if (!more) failed(more.error());
    if (!more || !*more) break;
  } while (clock.steady() - start < 3 * kSealBudget);
}

/// Seals all rows that are in the log before `segment` or older than `time`.
Result<> Db::Impl::seal_before(uint64_t segment, TimestampMs time) {
  for (TargetHead* target : targets.all()) {
    target->close_open_tile(segment, time);
    TRY(target->seal(context()));
  }
  TRY(timed.seal_old(context(), segment, time));
  return histograms.seal_old(context(), segment, time);
}

/// Removes log segments whose rows are all in tiles that survive loss of power.
Result<> Db::Impl::drop_sealed_log() {
  // Taken first: rows that are appended from here on are in this segment or a later one.
  uint64_t needed = wal->next_segment();
  for (const TargetHead* target : targets.all()) {
    needed = std::min(needed, target->first_unsealed_segment());
  }
  needed = std::min(needed, timed.first_unsealed_segment());
  needed = std::min(needed, histograms.first_unsealed_segment());
  TRY(series_log->sync());
  TRY(tiles->sync());
  wal->drop_before(needed);
  return {};
}

void Db::Impl::trim_log() {
  const WalStats stats_now = wal->stats();
  if (stats_now.segments < 2) return;
  Result<> result;
  if (stats_now.segments > kMaxLogSegments) {
    result = seal_before(wal->next_segment() - (kMaxLogSegments - 1), kMinTime);
  }
  if (result) result = drop_sealed_log();
  if (!result) {
    log_warn("the log could not be trimmed; it will be tried again",
             {{"error", result.error().message}});
  }
}

void Db::Impl::refresh_time_range() {
  TimestampMs oldest = kMaxTime;
  for (const TargetHead* target : targets.all()) {
    if (const auto range = target->time_range()) oldest = std::min(oldest, range->min);
  }
  if (const auto range = timed.time_range()) oldest = std::min(oldest, range->min);
  if (const auto range = histograms.time_range()) oldest = std::min(oldest, range->min);
  // Samples that arrive meanwhile lower it through note_time(), and the next look finds them.
  head_min.store(oldest);
}

/// Whether the head spans one and a half windows.
bool Db::Impl::cut_is_due() const {
  const TimestampMs oldest = head_min.load();
  const TimestampMs newest = horizon();
  if (oldest > newest) return false;
  const TimestampMs half = options.block_span.count() / 2;
  const TimestampMs end = window_end(oldest, options.block_span);
  if (end > kMaxTime - half || newest < end + half) return false;
  return !cut_failed || clock.steady() - last_cut_failure >= kCutRetry;
}

/// Begins a cut when one is due, or goes on with the one that is under way.
void Db::Impl::cut() {
  if (!cutting && !cut_is_due()) return;
  const auto result = cut_piece();
  cut_failed = !result;
  if (result) return;
  cutting.reset();
  last_cut_failure = clock.steady();
  log_error(
      "a block could not be written; its samples stay in the head, and it will be tried again",
      {{"error", result.error().message}});
  MutexLock lock_stats(stats_mutex);
  ++counters.cut_failures;
}

Result<> Db::Impl::cut_piece() {
  if (!cutting) TRY(begin_cut());
  if (cutting->empty()) {
    cutting.reset();
    refresh_time_range();
    return {};
  }
  const auto start = clock.steady();
  while (TRY(cutting->step())) {
    if (clock.steady() - start >= kCutBudget) return {};
  }
  return finish_cut();
}

Result<> Db::Impl::begin_cut() {
  const TimestampMs start = window_start(head_min.load(), options.block_span);
  TimestampMs end = window_end(head_min.load(), options.block_span);
  table.begin_generation();
  TRY(seal_before(rolled_segment, end));
  if (due(last_sync, options.wal_sync)) sync_log();  // sealing much takes a while
  TRY(drop_sealed_log());
  tiles->close_segments();
  // Tiles lie in one window, unless the span was another when they were written.
  for (bool wider = true; wider;) {
    wider = false;
    const auto widen = [&](const SealedTile& tile) {
      if (tile.range.min >= end || tile.range.max < end) return;
      end = window_end(tile.range.max, options.block_span);
      wider = true;
    };
    for (const TargetHead* target : targets.all()) {
      for (const SealedTile& tile : target->snapshot({start, end}).sealed) widen(tile);
    }
  }
  const std::string path = blocks.new_path(start);
  // What is deleted of the head is not left out of the block but hidden in it: so deletions that
  // come while it is written are no special case.
  TRY(deletions->writing_from_head(path.substr(path.rfind('/') + 1)));
  cutting = TRY(
      BlockCut::begin(fs, path, note_path(), {start, end - 1}, table, targets, timed, histograms));
  return {};
}

Result<> Db::Impl::finish_cut() {
  const BlockMeta meta = TRY(cutting->finish());
  // From here on the block has the samples. Readers see them twice until the head's are dropped,
  // which they are used to.
  TRY(blocks.add(cutting->path()));
  deletions->written(cutting->path().substr(cutting->path().rfind('/') + 1));
  const auto gone = [&](const SealedTile& tile)
                        NO_THREAD_SAFETY_ANALYSIS { return cutting->has(tile); };
  for (TargetHead* target : targets.all()) target->drop(*tiles, gone);
  timed.drop(*tiles, gone);
  histograms.drop(*tiles, gone);
  {
    MutexLock lock_stats(stats_mutex);
    ++counters.blocks_cut;
    counters.damaged_records += cutting->damaged_tiles();
    counters.lost_samples += cutting->lost_samples();
  }
  log_info("a block was cut", {{"block", cutting->path()},
                               {"series", meta.series},
                               {"samples", meta.samples},
                               {"bytes", block_bytes(meta)}});
  cutting.reset();
  TRY(BlockCut::remove_note(fs, note_path()));
  forget_dead_series();
  refresh_time_range();
  return {};
}

/// Series without samples in the head leave its index; the log of definitions is written anew when
/// many are gone for good.
void Db::Impl::forget_dead_series() {
  std::vector<bool> live(table.id_bound());
  for (TargetHead* target : targets.all()) target->mark_live(live);
  timed.mark_live(live);
  histograms.mark_live(live);
  const auto retired = table.retire(live);
  const bool worthwhile = retired.purged > 1000 && retired.purged > table.stats().series / 10;
  if (!worthwhile && series_log->damage().empty()) return;
  auto rewritten = series_log->rewrite(
      [this](const SeriesLog::AddSeries& add_series, const SeriesLog::AddTarget& add_target) {
        for (const TargetHead* target : targets.all()) add_target(target->id(), target->key());
        table.for_each(add_series);
      });
  if (!rewritten) {
    log_warn("the series log could not be written anew", {{"error", rewritten.error().message}});
  }
}

Result<> Db::Impl::flush() {
  MutexLock lock_maintain(maintain_mutex);
  TRY(series_log->sync());
  TRY(wal->sync());
  return tiles->sync();
}

}  // namespace strata::tsdb
