// Db::open: from files to a head. Order: series log, blocks, tiles, log. Damage is reported,
// counted and stepped over; only a directory that cannot be used is an error.
#include <unordered_map>

#include "base/log.h"
#include "tsdb/damaged_files.h"
#include "tsdb/db_impl.h"
#include "tsdb/frame.h"
#include "tsdb/wal_record.h"
#include "tsdb/wal_record_v1.h"

namespace strata::tsdb {
namespace {

constexpr uint64_t kTileSegmentBytes = 64u << 20;
constexpr size_t kSeriesAtOnce = 64;  // that are put into the table

/// Replays log segments in order. Rows are decoded against the last base of their target.
class LogReplay {
 public:
  explicit LogReplay(Db::Impl& db) : db_(db), context_(db.context()) {}

  void segment(uint64_t number, std::string_view bytes);
  uint64_t samples() const { return samples_; }
  uint64_t lost_samples() const { return lost_samples_; }
  uint64_t bad_records() const { return bad_records_; }
  TimeRange touched() const { return touched_; }

 private:
  Result<> record(uint64_t number, std::string_view payload);
  Result<> scrape(uint64_t number, std::string_view payload);
  Result<> scrape_v1(uint64_t number, std::string_view payload);
  Result<> timed(uint64_t number, std::string_view payload);
  Result<> histograms(uint64_t number, std::string_view payload);
  Result<> store_scrape(uint64_t number, TargetId id, TimestampMs t, const RowBasePtr& base,
                        std::string_view coded);
  Result<> store_values(uint64_t number, TargetId id, TimestampMs t,
                        std::span<const SeriesId> columns, std::span<const double> values);
  Result<> finish(uint64_t number, TargetHead& head, TimestampMs t,
                  std::span<const SeriesId> columns, std::span<const double> values,
                  TargetHead::Outcome outcome);
  TargetHead& target(TargetId id);

  Db::Impl& db_;
  const HeadContext context_;
  // The last bases of the segment being read, by target.
  std::unordered_map<uint32_t, RowBasePtr> bases_;
  struct BaseV1 {
    v1::ScrapeBase row;
    bool stored = false;
  };
  std::unordered_map<uint32_t, BaseV1> bases_v1_;
  v1::DecodedScrape decoded_v1_;
  std::vector<double> values_;
  std::vector<LoggedSample> timed_;
  uint64_t samples_ = 0;
  uint64_t lost_samples_ = 0;
  uint64_t bad_records_ = 0;
  TimeRange touched_{kMaxTime, kMinTime};
};

void LogReplay::segment(uint64_t number, std::string_view bytes) {
  bases_.clear();
  bases_v1_.clear();
  FrameReader reader(bytes);
  Frame frame;
  while (reader.next(frame)) {
    if (auto done = record(number, frame.payload); !done) {
      ++bad_records_;
      log_error("a log record could not be used", {{"file", db_.wal->path(number)},
                                                   {"offset", frame.offset},
                                                   {"error", done.error().message}});
      if (done.error().code == ErrorCode::kCorruption) db_.wal->mark_damaged(number);
    }
  }
  for (const FrameDamage& damage : reader.damage()) {
    db_.report_damage(db_.wal->path(number), damage.offset, damage.bytes, damage.frames,
                      damage.torn);
    if (!damage.torn) db_.wal->mark_damaged(number);
  }
}

Result<> LogReplay::record(uint64_t number, std::string_view payload) {
  switch (TRY(record_kind(payload))) {
    case RecordKind::kTimed: return timed(number, payload);
    case RecordKind::kHistograms: return histograms(number, payload);
    case RecordKind::kBaseV1:
    case RecordKind::kRowV1: return scrape_v1(number, payload);
    case RecordKind::kBase:
    case RecordKind::kRow: break;
  }
  return scrape(number, payload);
}

TargetHead& LogReplay::target(TargetId id) {
  if (TargetHead* found = db_.targets.find(id)) return *found;
  // Its definition was lost; the samples do not need the key.
  return db_.targets.restore(id, fmt::format("lost-target-{}", index_of(id)));
}

Result<> LogReplay::scrape(uint64_t number, std::string_view payload) {
  const ScrapeRecord record = TRY(read_scrape_record(payload));
  RowBasePtr& base = bases_[index_of(record.target)];
  const bool known = base && base->id == record.base_id;
  if (!known && !record.coded_base.empty()) {
    // The base itself, or its copy where the base was lost.
    auto found = decode_base(record, base.get());
    if (!found) {
      lost_samples_ += record.samples;
      return std::unexpected(std::move(found).error());
    }
    base = std::move(*found);
    db_.table.reserve(base->layout->columns());
    TRY(store_scrape(number, record.target, base->t, base, {}));
  }
  if (!record.has_row) return {};
  if (!base || base->id != record.base_id || base->values.size() != record.samples) {
    lost_samples_ += record.samples;
    return fail(ErrorCode::kNotFound, "the row it refers to was lost");
  }
  const auto t = static_cast<TimestampMs>(static_cast<uint64_t>(base->t) +
                                          static_cast<uint64_t>(record.since_base));
  return store_scrape(number, record.target, t, base, record.row);
}

Result<> LogReplay::scrape_v1(uint64_t number, std::string_view payload) {
  TRY(v1::decode_scrape_record(payload, decoded_v1_));
  BaseV1& base = bases_v1_[index_of(decoded_v1_.target)];
  if (decoded_v1_.has_base && (!base.stored || base.row.id != decoded_v1_.base_id)) {
    std::swap(base.row, decoded_v1_.base);
    base.stored = true;
    db_.table.reserve(base.row.columns);
    TRY(store_values(number, decoded_v1_.target, base.row.t, base.row.columns, base.row.values));
  }
  if (decoded_v1_.delta.empty()) return {};
  if (base.row.id != decoded_v1_.base_id || base.row.columns.size() != decoded_v1_.samples) {
    lost_samples_ += decoded_v1_.samples;
    return fail(ErrorCode::kNotFound, "the row it refers to was lost");
  }
  TRY(v1::decode_row_values(decoded_v1_.delta, base.row.values, values_));
  return store_values(number, decoded_v1_.target, decoded_v1_.t, base.row.columns, values_);
}

/// `coded` is empty for the base itself. What a tile has already is not even decoded.
Result<> LogReplay::store_scrape(uint64_t number, TargetId id, TimestampMs t,
                                 const RowBasePtr& base, std::string_view coded) {
  TargetHead& head = target(id);
  if (head.covers(t)) return {};
  if (!coded.empty()) TRY(decode_row(coded, base->values, base->plan, values_));
  const std::span<const double> values = coded.empty() ? base->values : values_;
  const std::span<const SeriesId> columns = base->layout->columns();
  auto outcome = head.replay(context_, number, t, base, coded, values);
  if (outcome) return finish(number, head, t, columns, values, std::move(*outcome));
  if (outcome.error().code != ErrorCode::kNotFound) {
    lost_samples_ += values.size();
    return std::unexpected(std::move(outcome).error());
  }
  return store_values(number, id, t, columns, values);
}

Result<> LogReplay::store_values(uint64_t number, TargetId id, TimestampMs t,
                                 std::span<const SeriesId> columns,
                                 std::span<const double> values) {
  TargetHead& head = target(id);
  if (head.covers(t)) return {};
  auto outcome = head.replay(context_, number, t, columns, values);
  if (!outcome && outcome.error().code == ErrorCode::kNotFound) {
    // Definitions of some series were lost: keep the others.
    std::vector<SeriesId> known;
    std::vector<double> known_values;
    for (size_t i = 0; i < values.size(); ++i) {
      if (!db_.table.adopt({&columns[i], 1}, id)) continue;
      known.push_back(columns[i]);
      known_values.push_back(values[i]);
    }
    lost_samples_ += values.size() - known.size();
    if (known.empty()) return {};
    outcome = head.replay(context_, number, t, known, known_values);
  }
  if (outcome) return finish(number, head, t, columns, values, std::move(*outcome));
  lost_samples_ += values.size();
  return std::unexpected(std::move(outcome).error());
}

Result<> LogReplay::finish(uint64_t number, TargetHead& head, TimestampMs t,
                           std::span<const SeriesId> columns, std::span<const double> values,
                           TargetHead::Outcome outcome) {
  if (outcome.older) {
    // In the log before newer rows, yet not in a tile: the tile was lost.
    timed_.clear();
    for (size_t i = 0; i < values.size(); ++i) timed_.push_back({{columns[i], t, values[i]}});
    outcome.stats += TRY(db_.timed.replay(context_, number, timed_));
  }
  if (outcome.tile_is_full) db_.queue_seal(&head);
  if (outcome.stats.appended > 0) {
    db_.note_time(t);
    touched_ = {std::min(touched_.min, t), std::max(touched_.max, t)};
  }
  samples_ += outcome.stats.appended;
  return {};
}
Result<> LogReplay::timed(uint64_t number, std::string_view payload) {
  TRY(decode_timed_record(payload, timed_));
  SeriesId last{};
  for (const LoggedSample& logged : timed_) last = std::max(last, logged.sample.series);
  db_.table.reserve({&last, 1});
  auto stats = db_.timed.replay(context_, number, timed_);
  if (!stats) {
    lost_samples_ += timed_.size();
    return std::unexpected(std::move(stats).error());
  }
  samples_ += stats->appended;
  for (const LoggedSample& logged : timed_) db_.note_time(logged.sample.t);
  return {};
}

Result<> LogReplay::histograms(uint64_t number, std::string_view payload) {
  std::vector<LoggedHistogram> logged;
  TRY(decode_histogram_record(payload, logged));
  uint64_t lost = 0;
  const AppendStats stats = TRY(db_.histograms.replay(context_, number, logged, lost));
  samples_ += stats.appended;
  lost_samples_ += lost;
  for (const LoggedHistogram& sample : logged) db_.note_time(sample.sample.t);
  return {};
}

}  // namespace

void Db::Impl::report_damage(const std::string& path, uint64_t offset, uint64_t bytes,
                             uint64_t records, bool torn) {
  if (torn) {
    log_info("the end of a file is a write that did not finish; it was never acknowledged",
             {{"file", path}, {"offset", offset}, {"bytes", bytes}});
    return;
  }
  log_error("a file is damaged; what is whole in it is used",
            {{"file", path}, {"offset", offset}, {"bytes", bytes}, {"records_lost", records}});
  MutexLock lock_stats(stats_mutex);
  counters.damaged_bytes += bytes;
  counters.damaged_records += std::max<uint64_t>(records, 1);
}

Result<> Db::Impl::open_series_log() {
  std::vector<SeriesTable::Definition> read;  // and not yet in the table
  const auto restore = [&] {
    table.restore(read);
    read.clear();
  };
  series_log = TRY(SeriesLog::open(
      fs, options.path,
      {.on_series =
           [&](SeriesId id, std::string_view labels) {
             read.push_back({id, labels});
             if (read.size() == kSeriesAtOnce) restore();
           },
       .on_target = [this](TargetId id, std::string_view key) { targets.restore(id, key); },
       .on_end = restore}));
  return {};
}

Result<> Db::Impl::recover() {
  const auto start = std::chrono::steady_clock::now();
  const auto so_far = [start] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  TRY(fs.create_directories(options.path));
  lock = TRY(fs.lock(options.path + "/lock"));
  {
    MutexLock lock_stats(stats_mutex);
    counters.clean_start = !fs.exists(open_note_path());
  }
  TRY(fs.create(open_note_path()));
  TRY(open_series_log());
  const double after_series = so_far();
  for (const FrameDamage& damage : series_log->damage()) {
    report_damage(options.path + "/series", damage.offset, damage.bytes, damage.frames,
                  damage.torn);
  }
  TRY(blocks.open([this](const BlockDamage& damage, bool kept_aside) {
    log_error(kept_aside ? "a block is damaged and was put aside"
                         : "a block is damaged; the rest of it is served",
              {{"block", damage.block},
               {"error", damage.message},
               {"samples_lost", damage.samples},
               {"min_time_ms", damage.range.min},
               {"max_time_ms", damage.range.max}});
    MutexLock lock_stats(stats_mutex);
    ++counters.damaged_records;
    if (kept_aside) ++counters.blocks_unreadable;
    counters.lost_samples += damage.samples;
  }));
  deletions = TRY(DeletionLog::open(fs, options.path, [this](const FrameDamage& d) {
    report_damage(options.path + "/tombstones", d.offset, d.bytes, d.frames, d.torn);
  }));
  wal = TRY(Wal::open(fs, options.path + "/wal", options.wal_segment_bytes));
  exemplars = TRY(ExemplarStore::open(fs, options.path + "/exemplars", options.max_exemplars));
  TRY(recover_tiles());
  const double before_log = so_far();
  TRY(replay_log());
  const double after_log = so_far();
  refresh_time_range();
  expire_damaged(fs, options, clock.now_ms());
  refresh_memory();

  MutexLock lock_stats(stats_mutex);
  counters.replay_seconds = so_far();
  log_info("the store is open", {{"path", options.path},
                                 {"series", table.stats().series},
                                 {"blocks", blocks.all().size()},
                                 {"tiles", tiles->stats().tiles},
                                 {"replayed_samples", counters.replayed_samples},
                                 {"lost_samples", counters.lost_samples},
                                 {"series_seconds", after_series},
                                 {"log_seconds", after_log - before_log},
                                 {"seconds", counters.replay_seconds}});
  return {};
}

Result<> Db::Impl::recover_tiles() {
  tiles = TRY(TileStore::open(fs, options.path + "/tiles", options.block_span, kTileSegmentBytes));
  tiles->forget_segments(BlockCut::superfluous_segments(fs, note_path(), options.path + "/blocks"));
  TRY(BlockCut::remove_note(fs, note_path()));
  std::unordered_map<uint32_t, LayoutPtr> layouts;  // the last one of each target
  const auto damage = TRY(tiles->recover([&](TileRecord& record, SealedTile& tile) {
    note_time(tile.range.min);
    note_time(tile.range.max);
    if (record.histograms) {
      (void)table.adopt({{SeriesId{record.owner}}}, std::nullopt);
      histograms.restore(SeriesId{record.owner}, record.late, std::move(tile));
      return;
    }
    if (record.timed) {
      table.reserve({{SeriesId{record.owner}}});
      (void)table.adopt({{SeriesId{record.owner}}}, std::nullopt);
      timed.restore(SeriesId{record.owner}, record.late, std::move(tile));
      return;
    }
    LayoutPtr& layout = layouts[record.owner];
    if (!layout || !std::ranges::equal(layout->columns(), record.columns)) {
      layout = std::make_shared<const Layout>(record.columns);
      table.reserve(record.columns);
      // One by one: a series whose definition was lost must not keep the others out.
      for (const SeriesId& series : record.columns) {
        (void)table.adopt({&series, 1}, TargetId{record.owner});
      }
    }
    // A part of a wide layout comes back as a layout of its own.
    tile.first_column = 0;
    tile.layout = layout;
    targets.restore(TargetId{record.owner}, fmt::format("lost-target-{}", record.owner))
        .restore(std::move(tile));
  }));
  for (TargetHead* target : targets.all()) target->finish_restore();
  for (const TileStore::Damage& d : damage) {
    report_damage(d.path, d.offset, d.bytes, d.frames, d.torn);
  }
  return {};
}

Result<> Db::Impl::replay_log() {
  LogReplay replay(*this);
  for (const uint64_t number : wal->found()) {
    const auto mapping = TRY(fs.map(wal->path(number)));
    replay.segment(number, mapping->bytes());
  }
  MutexLock lock_stats(stats_mutex);
  counters.replayed_samples = replay.samples();
  counters.lost_samples += replay.lost_samples();
  counters.damaged_records += replay.bad_records();
  if (replay.bad_records() > 0) {
    log_error("samples of the log were lost", {{"records", replay.bad_records()},
                                               {"samples", replay.lost_samples()},
                                               {"replayed_from_ms", replay.touched().min},
                                               {"replayed_to_ms", replay.touched().max}});
  }
  return {};
}

}  // namespace strata::tsdb
