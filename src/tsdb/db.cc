#include "tsdb/db.h"

#include "base/log.h"
#include "tsdb/db_impl.h"
#include "tsdb/log_cursor.h"
#include "tsdb/store_select.h"

namespace strata::tsdb {
namespace {

// Full tiles that may wait for the store thread before appenders seal their own.
constexpr size_t kMaxWaitingTargets = 4096;
constexpr size_t kMaxWaitingBytes = 32u << 20;  // of one target

constexpr std::chrono::nanoseconds kRefusalsEvery = std::chrono::seconds(10);

TimestampMs minus(TimestampMs t, Millis by) {
  return t < kMinTime + by.count() ? kMinTime : t - by.count();
}

}  // namespace

AppendStats& AppendStats::operator+=(const AppendStats& other) {
  appended += other.appended;
  out_of_order += other.out_of_order;
  repeated += other.repeated;
  duplicate += other.duplicate;
  too_old += other.too_old;
  too_far_ahead += other.too_far_ahead;
  return *this;
}

Db::Db(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Db::~Db() {
  // Best effort: a note that stays says that the store was not closed, which is then nearly true.
  (void)impl_->fs.remove(impl_->open_note_path());
}

Result<std::unique_ptr<Db>> Db::open(Options options, Fs& fs, const Clock& clock) {
  if (options.block_span.count() <= 0) return bad_data("the block span must be positive");
  if (options.path.empty()) return bad_data("the storage path is empty");
  auto impl = std::make_unique<Impl>(std::move(options), fs, clock);
  if (auto recovered = impl->recover(); !recovered) {
    return std::unexpected(recovered.error().within("opening the store"));
  }
  return std::unique_ptr<Db>(new Db(std::move(impl)));
}

Result<SeriesId> Db::series(const Labels& labels) {
  const SeriesLimits limits{.series = impl_->options.max_series,
                            .bytes = impl_->options.memory_budget,
                            .other_bytes = impl_->open_tile_bytes->load(std::memory_order_relaxed) +
                                           impl_->other_memory.load(std::memory_order_relaxed)};
  auto id = impl_->table.get_or_create(labels, limits,
                                       [this](SeriesId created, const Labels& its_labels) {
                                         impl_->series_log->add_series(created, its_labels);
                                       });
  if (!id && id.error().code == ErrorCode::kLimit) impl_->say_refused(id.error());
  return id;
}

TargetId Db::target(std::string_view key) {
  return impl_->targets.get_or_create(key, *impl_->series_log);
}

Result<AppendStats> Db::append_scrape(TargetId target, TimestampMs t,
                                      std::span<const SeriesId> columns,
                                      std::span<const double> values) {
  auto stats = impl_->append_scrape(target, t, columns, values);
  if (stats) {
    impl_->count(*stats, 1);
  } else if (stats.error().code == ErrorCode::kIo) {
    MutexLock lock(impl_->stats_mutex);
    ++impl_->counters.append_failures;
  }
  return stats;
}

Result<AppendStats> Db::append_samples(std::span<const TimedSample> samples) {
  auto stats = impl_->append_timed(samples, false);
  if (stats) {
    impl_->count(*stats, 0);
  } else if (stats.error().code == ErrorCode::kIo) {
    MutexLock lock(impl_->stats_mutex);
    ++impl_->counters.append_failures;
  }
  return stats;
}

Result<AppendStats> Db::append_histograms(std::span<const TimedHistogram> samples) {
  auto stats = impl_->append_histograms(samples);
  if (stats) impl_->count(*stats, 0);
  MutexLock lock(impl_->stats_mutex);
  if (stats) impl_->counters.histograms += stats->appended;
  if (!stats && stats.error().code == ErrorCode::kIo) ++impl_->counters.append_failures;
  return stats;
}

Result<AppendStats> Db::Impl::append_scrape(TargetId id, TimestampMs t,
                                            std::span<const SeriesId> columns,
                                            std::span<const double> values) {
  if (columns.size() != values.size()) return bad_data("as many values as columns are needed");
  if (columns.size() > options.max_scrape_samples) {
    return fail(ErrorCode::kLimit, fmt::format("a scrape of {} samples; the limit is {}",
                                               columns.size(), options.max_scrape_samples));
  }
  if (columns.empty()) return AppendStats{};
  TargetHead* target = targets.find(id);
  if (target == nullptr) return bad_data("unknown scrape target");
  const TimestampMs now = horizon();
  if (t < minus(now, std::max(options.out_of_order_window, options.block_span / 2))) {
    return AppendStats{.too_old = columns.size()};
  }
  changes.note(t);
  TargetHead::Outcome outcome = TRY(target->append(context(), t, columns, values));
  if (outcome.older) {
    outcome.rest.reserve(columns.size());
    for (size_t i = 0; i < columns.size(); ++i) outcome.rest.push_back({columns[i], t, values[i]});
  }
  if (!outcome.rest.empty()) outcome.stats += TRY(append_timed(outcome.rest, outcome.older));
  if (outcome.stats.appended > 0) {
    note_time(t);
    changes.note(t);
  }
  if (outcome.tile_is_full) queue_seal(target);
  return outcome.stats;
}

Result<AppendStats> Db::Impl::append_timed(std::span<const TimedSample> samples, bool all_late) {
  // One batch is one record of the log.
  if (samples.size() > options.max_scrape_samples) {
    return fail(ErrorCode::kLimit, fmt::format("a batch of {} samples; the limit is {}",
                                               samples.size(), options.max_scrape_samples));
  }
  return append_noted<TimedSample>(
      samples, timed_limits(all_late),
      [&](const TimedHead::Limits& limits) { return timed.append(context(), samples, limits); });
}

Result<AppendStats> Db::Impl::append_histograms(std::span<const TimedHistogram> samples) {
  if (samples.size() > options.max_scrape_samples) {
    return fail(ErrorCode::kLimit, fmt::format("a batch of {} histograms; the limit is {}",
                                               samples.size(), options.max_scrape_samples));
  }
  for (const TimedHistogram& sample : samples) TRY(check_histogram(*sample.h));
  return append_noted<TimedHistogram>(samples, timed_limits(false),
                                      [&](const TimedHead::Limits& limits) {
                                        return histograms.append(context(), samples, limits);
                                      });
}

// Appends, and notes which times are there and which have changed. Changes are noted before and
// after: a reader in between sees one of the two.
template <class Timed, class Append>
Result<AppendStats> Db::Impl::append_noted(std::span<const Timed> samples,
                                           const TimedHead::Limits& limits, Append append) {
  const TimestampMs oldest = std::min(limits.min_newest, limits.min_late);
  TimestampMs first = kMaxTime;
  for (const Timed& sample : samples) {
    if (sample.t >= oldest) first = std::min(first, sample.t);
  }
  changes.note(first);
  const AppendStats stats = TRY(append(limits));
  if (stats.appended == 0) return stats;
  for (const Timed& sample : samples) {
    if (sample.t >= oldest && sample.t <= limits.max) note_time(sample.t);
  }
  changes.note(first);
  return stats;
}

TimedHead::Limits Db::Impl::timed_limits(bool all_late) const {
  const TimestampMs now = horizon();
  const Millis newest_window = std::max(options.out_of_order_window, options.block_span / 2);
  TimedHead::Limits limits{
      .min_newest = minus(now, all_late ? options.out_of_order_window : newest_window),
      .min_late = minus(now, options.out_of_order_window),
      .max = clock.now_ms() + options.max_ahead.count(),
      .all_late = all_late};
  if (all_late) limits.max = kMaxTime;  // a scrape's time is ours
  return limits;
}

TimestampMs Db::Impl::horizon() const {
  const TimestampMs newest = head_max.load(std::memory_order_relaxed);
  return std::min(newest, clock.now_ms() + options.max_ahead.count());
}

void Db::Impl::note_time(TimestampMs t) {
  TimestampMs seen = head_max.load(std::memory_order_relaxed);
  while (t > seen && !head_max.compare_exchange_weak(seen, t)) {
  }
  seen = head_min.load(std::memory_order_relaxed);
  while (t < seen && !head_min.compare_exchange_weak(seen, t)) {
  }
}

void Db::Impl::queue_seal(TargetHead* target) {
  bool crowded = target->waiting_bytes() > kMaxWaitingBytes;
  {
    MutexLock lock_queue(seal_mutex);
    to_seal.insert(target);
    crowded |= to_seal.size() > kMaxWaitingTargets;
  }
  // On a failure the tile stays where it is, and the store thread tries again.
  if (crowded) (void)target->seal(context());
}

/// A flood refuses many a second: it is said once in a while.
void Db::Impl::say_refused(const Error& error) {
  const int64_t now = clock.steady().count();
  int64_t last = last_refusal_said.load(std::memory_order_relaxed);
  if (last != kNever && now - last < kRefusalsEvery.count()) return;
  if (!last_refusal_said.compare_exchange_strong(last, now)) return;
  log_warn("new series are refused; those that there are go on", {{"reason", error.message}});
}

void Db::Impl::count(const AppendStats& stats, size_t scrapes) {
  MutexLock lock_stats(stats_mutex);
  counters.samples += stats;
  counters.scrapes += scrapes;
}

Result<std::unique_ptr<SeriesSet>> Db::select(std::span<const Matcher> matchers, TimeRange range,
                                              size_t limit) const {
  return select_series(*impl_, matchers, range, limit);
}

namespace {

// Beyond so many, texts whose series are all deleted stay in lists until blocks are written anew.
constexpr size_t kMaxTextsChecked = 10'000;

// Takes out of `texts` (label names, or values of one) those that only deleted samples have, while
// deletions are pending. `select` makes the matchers of the series that have a text.
template <class Select>
Result<> drop_deleted(const Db::Impl& db, TimeRange range, std::vector<std::string>& texts,
                      Select select) {
  const DeletionsPtr deletions = db.deletions->pending();
  const bool concerned = std::ranges::any_of(
      *deletions, [&](const Deletion& deletion) { return deletion.range.overlaps(range); });
  if (!concerned || texts.size() > kMaxTextsChecked) return {};
  std::vector<std::string> left;
  std::vector<Matcher> matchers;
  for (std::string& text : texts) {
    TRY(select(text, matchers));
    if (TRY(has_visible_series(db, matchers, range))) left.push_back(std::move(text));
  }
  texts = std::move(left);
  return {};
}

void merge_sorted(std::vector<std::string>& into, std::vector<std::string> more) {
  std::vector<std::string> both;
  std::ranges::set_union(into, more, std::back_inserter(both));
  into = std::move(both);
}

}  // namespace

Result<std::vector<std::string>> Db::label_names(std::span<const Matcher> matchers,
                                                 TimeRange range) const {
  std::vector<std::string> names;
  if (impl_->head_overlaps(range)) names = impl_->table.label_names(matchers);
  for (const BlockPtr& block : impl_->blocks.overlapping(range)) {
    merge_sorted(names, TRY(block->label_names(matchers)));
  }
  TRY(drop_deleted(*impl_, range, names, [&](const std::string& name, auto& with) -> Result<> {
    with.assign(matchers.begin(), matchers.end());
    with.push_back(TRY(Matcher::make(Matcher::Op::kNotEqual, name, "")));
    return {};
  }));
  return names;
}

Result<std::vector<std::string>> Db::label_values(std::string_view name,
                                                  std::span<const Matcher> matchers,
                                                  TimeRange range) const {
  std::vector<std::string> values;
  if (impl_->head_overlaps(range)) values = impl_->table.label_values(name, matchers);
  for (const BlockPtr& block : impl_->blocks.overlapping(range)) {
    merge_sorted(values, TRY(block->label_values(name, matchers)));
  }
  TRY(drop_deleted(*impl_, range, values, [&](const std::string& value, auto& with) -> Result<> {
    with.assign(matchers.begin(), matchers.end());
    with.push_back(Matcher::equal(std::string(name), value));
    return {};
  }));
  return values;
}

Result<> Db::append_exemplars(std::span<const NewExemplar> exemplars) {
  return impl_->exemplars->append(exemplars);
}

std::vector<SeriesExemplars> Db::exemplars(std::span<const std::vector<Matcher>> selectors,
                                           TimeRange range) const {
  return impl_->exemplars->select(selectors, range);
}

void Db::set_max_exemplars(size_t max) { impl_->exemplars->resize(max); }

uint64_t Db::version() const { return impl_->changes.version(); }
TimestampMs Db::unchanged_before(uint64_t version) const {
  // Rules hide samples as time goes on, which nobody notes.
  if (impl_->retention.get()->has_rules()) return kMinTime;
  return impl_->changes.unchanged_before(version);
}

std::unique_ptr<LogCursor> Db::read_log(uint64_t segment, uint64_t offset) const {
  return std::make_unique<LogCursor>(*impl_, LogPosition{segment, offset});
}
std::pair<uint64_t, uint64_t> Db::log_end() const { return impl_->wal->end(); }
void Db::keep_log(uint64_t segment, uint64_t max_bytes) { impl_->wal->keep(segment, max_bytes); }

void Db::maintain() { impl_->maintain(); }
Result<> Db::flush() { return impl_->flush(); }

Result<bool> Db::compact() {
  auto merged = impl_->blocks.compact(impl_->upkeep());
  impl_->forget_deletions();
  MutexLock lock(impl_->stats_mutex);
  if (!merged) {
    ++impl_->counters.compaction_failures;
    log_error("blocks could not be merged", {{"error", merged.error().message}});
  } else if (*merged) {
    ++impl_->counters.blocks_compacted;
  }
  return merged;
}

Stats Db::stats() const {
  Stats out;
  {
    MutexLock lock(impl_->stats_mutex);
    out = impl_->counters;
  }
  out.exemplars = impl_->exemplars->stats();
  const SeriesTableStats series = impl_->table.stats();
  out.head_series = series.series;
  out.series_created = series.created;
  out.series_removed = series.retired;
  out.series_refused = series.refused;
  out.refused_by_label = series.refused_by_label;
  out.memory = series.memory;
  out.memory.push_back({"open_tiles", impl_->open_tile_bytes->load()});
  out.memory.push_back({"timed", impl_->timed.memory()});
  out.memory.push_back({"histograms", impl_->histograms.memory()});
  out.memory.push_back({"targets", impl_->target_memory()});
  out.memory_budget = impl_->options.memory_budget;
  out.head_targets = impl_->targets.size();
  if (impl_->head_min <= impl_->head_max) {
    out.head_min_time = impl_->head_min;
    out.head_max_time = impl_->head_max;
  }
  out.open_tile_bytes =
      impl_->open_tile_bytes->load() + impl_->timed.memory() + impl_->histograms.memory();
  const TileStoreStats tiles = impl_->tiles->stats();
  out.sealed_tiles = tiles.tiles;
  out.tile_bytes = tiles.bytes;
  const WalStats wal = impl_->wal->stats();
  out.wal_bytes = wal.bytes;
  out.wal_segments = wal.segments;
  out.wal_bytes_written = wal.bytes_written;
  out.wal_syncs = wal.syncs;
  out.wal_sync_failures = wal.sync_failures;
  out.series_log_bytes = impl_->series_log->bytes();
  out.pending_deletions = impl_->deletions->pending()->size();
  for (const BlockPtr& block : impl_->blocks.all()) {
    const BlockMeta& meta = block->meta();
    out.blocks.push_back({block->dir().substr(block->dir().rfind('/') + 1), meta.min_time,
                          meta.max_time, meta.series, meta.samples, block_bytes(meta)});
    out.block_bytes += block_bytes(meta);
  }
  return out;
}

Cardinality Db::cardinality(size_t limit) const { return impl_->table.cardinality(limit); }

}  // namespace strata::tsdb
