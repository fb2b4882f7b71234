#include "tsdb/store_select.h"

#include <algorithm>
#include <atomic>
#include <unordered_map>

#include "base/log.h"
#include "tsdb/db_impl.h"
#include "tsdb/histogram_select.h"
#include "tsdb/sample_merge.h"
#include "tsdb/visibility.h"

namespace strata::tsdb {
namespace {

/// A sealed tile that is ready to be read.
struct OpenedTile {
  TileBytes bytes;
  TileView view;
  LayoutPtr layout;  // null: one column, of samples with times of their own
  uint32_t first_column = 0;

  std::optional<uint32_t> column_of(SeriesId series) const {
    if (!layout) return 0;
    const auto column = layout->column_of(series);
    if (!column || *column < first_column || *column - first_column >= view.columns()) {
      return std::nullopt;
    }
    return *column - first_column;
  }
};

struct TargetPart {
  std::vector<OpenedTile> sealed;
  std::vector<RowTile> rows;
};

struct TimedPart {
  std::vector<OpenedTile> sealed;
  std::vector<Sample> samples;
};

/// What is hidden of a series, in each place that it is in.
struct Hidden {
  Intervals head;
  std::vector<Intervals> blocks;  // parallel to Entry::blocks
};

constexpr uint32_t kNothingHidden = UINT32_MAX;

struct Entry {
  Labels labels;
  uint32_t hidden = kNothingHidden;  // number of a Hidden
  std::optional<SeriesId> id;        // in the head
  uint32_t timed = UINT32_MAX;
  uint32_t histograms = UINT32_MAX;
  std::vector<uint32_t> targets;                      // numbers of TargetParts
  std::vector<std::pair<uint32_t, uint32_t>> blocks;  // block, series number in it
};

void keep_later(const Sample& sample, bool& found, Sample& out) {
  if (found && sample.t <= out.t) return;
  out = sample;
  found = true;
}

/// Damage is not an error of a query: the rest is served, and it is said once a query. A file that
/// cannot be read now is an error.
class DamageLog {
 public:
  Result<> tolerate(const Error& error) {
    if (error.code != ErrorCode::kCorruption) return std::unexpected(error);
    if (!said_.exchange(true)) {
      log_error("a query left out damaged tiles; the first of them", {{"error", error.message}});
    }
    return {};
  }

 private:
  std::atomic<bool> said_ = false;
};

Result<std::vector<OpenedTile>> open_tiles(const std::vector<SealedTile>& tiles,
                                           DamageLog& damage) {
  std::vector<OpenedTile> out;
  out.reserve(tiles.size());
  for (const SealedTile& tile : tiles) {
    auto bytes = tile.read();
    if (!bytes) {
      TRY(damage.tolerate(bytes.error()));
      continue;
    }
    auto view = TileView::open(bytes->bytes);
    if (!view) {
      TRY(damage.tolerate(view.error().within(tile.segment->path())));
      continue;
    }
    out.push_back({std::move(*bytes), *view, tile.layout, tile.first_column});
  }
  return out;
}

/// What decoding keeps between the columns of one target's tiles. Series of a target are mostly
/// read one after the other, so each thread remembers one target: memory is bounded, and a
/// histogram's buckets are decoded once and not once a bucket.
struct TargetScratch {
  uint64_t set = 0;
  uint32_t target = 0;
  std::vector<TileScratch> tiles;

  static std::vector<TileScratch>& of(uint64_t set, uint32_t target, size_t tiles) {
    static thread_local TargetScratch kept;
    if (kept.set != set || kept.target != target) {
      for (TileScratch& scratch : kept.tiles) scratch.clear();
      kept.set = set;
      kept.target = target;
    }
    if (kept.tiles.size() < tiles) kept.tiles.resize(tiles);
    return kept.tiles;
  }
};

std::atomic<uint64_t> next_set_number = 1;

class StoreSeriesSet final : public SeriesSet {
 public:
  size_t size() const override { return entries_.size(); }
  const Labels& labels(size_t i) const override { return entries_[i].labels; }
  Result<> read(size_t i, TimeRange range, SampleColumns& out) const override;
  Result<bool> read_last(size_t i, TimeRange range, Sample& out, HistogramPtr& h) const override;

  std::vector<Entry> entries_;
  std::vector<TargetPart> targets_;
  std::vector<TimedPart> timed_;
  std::vector<HeadHistograms> histograms_;
  std::vector<BlockPtr> blocks_;
  std::vector<Hidden> hidden_;
  mutable DamageLog damage_;
  TolerateDamage tolerate() const {
    return [this](const Error& error) { return damage_.tolerate(error); };
  }

 private:
  const uint64_t number_ = next_set_number.fetch_add(1);

  Result<> read_tile(const OpenedTile& tile, uint32_t column, TimeRange range, TileScratch* scratch,
                     SampleColumns& out) const;
  Result<> last_of_tiles(const std::vector<OpenedTile>& tiles, SeriesId id, TimeRange range,
                         bool& found, Sample& out) const;
  Result<> read_histograms(const Entry& entry, TimeRange range, SampleColumns& out) const;
  Result<> last_histogram(const Entry& entry, TimeRange range,
                          std::optional<HistogramSample>& out) const;
  Result<> read_block(const BlockReader& block, uint32_t series, TimeRange range,
                      SampleColumns& out) const;
  Result<> read_head(const Entry& entry, TimeRange range, SampleColumns& out) const;
  Result<> read_visible(const Entry& entry, TimeRange range, SampleColumns& out) const;
};

Result<> StoreSeriesSet::read_tile(const OpenedTile& tile, uint32_t column, TimeRange range,
                                   TileScratch* scratch, SampleColumns& out) const {
  if (!tile.view.time_range().overlaps(range)) return {};
  const auto done = tile.view.column(column, range, out, scratch);
  return done ? Result<>{} : damage_.tolerate(done.error());
}

/// Tile by tile after a damaged one was met, so that those behind it are read too.
Result<> StoreSeriesSet::read_block(const BlockReader& block, uint32_t series, TimeRange range,
                                    SampleColumns& out) const {
  const size_t before = out.size();
  const auto done = block.read(series, range, out);
  if (done) return {};
  TRY(damage_.tolerate(done.error()));
  out.t.resize(before);
  out.v.resize(before);
  const auto places = block.places(series);
  if (!places) return damage_.tolerate(places.error());
  for (const TilePlace& place : *places) {
    const auto view = block.open_tile(place.tile);
    if (view) (void)view->column(place.column, range, out);
  }
  return {};
}

Result<> StoreSeriesSet::read(size_t i, TimeRange range, SampleColumns& out) const {
  const Entry& entry = entries_[i];
  out.clear();
  if (entry.hidden != kNothingHidden) {
    TRY(read_visible(entry, range, out));
  } else {
    for (const auto& [block, series] : entry.blocks) {
      TRY(read_block(*blocks_[block], series, range, out));
    }
    TRY(read_head(entry, range, out));
  }
  TRY(read_histograms(entry, range, out));
  sort_samples(out);
  return {};
}

/// Of a series of which something is hidden: part by part.
Result<> StoreSeriesSet::read_visible(const Entry& entry, TimeRange range,
                                      SampleColumns& out) const {
  const Hidden& hidden = hidden_[entry.hidden];
  for (size_t k = 0; k < entry.blocks.size(); ++k) {
    const auto& [block, series] = entry.blocks[k];
    for (const TimeRange& part : visible_parts(range, hidden.blocks[k])) {
      TRY(read_block(*blocks_[block], series, part, out));
    }
  }
  for (const TimeRange& part : visible_parts(range, hidden.head)) {
    TRY(read_head(entry, part, out));
  }
  return {};
}

Result<> StoreSeriesSet::read_head(const Entry& entry, TimeRange range, SampleColumns& out) const {
  for (const uint32_t number : entry.targets) {
    const TargetPart& part = targets_[number];
    auto& scratch = TargetScratch::of(number_, number, part.sealed.size());
    for (size_t k = 0; k < part.sealed.size(); ++k) {
      if (const auto column = part.sealed[k].column_of(*entry.id)) {
        TRY(read_tile(part.sealed[k], *column, range, &scratch[k], out));
      }
    }
    for (const RowTile& tile : part.rows) {
      if (const auto column = tile.layout->column_of(*entry.id)) tile.read(*column, range, out);
    }
  }
  if (entry.timed != UINT32_MAX) {
    const TimedPart& part = timed_[entry.timed];
    for (const OpenedTile& tile : part.sealed) TRY(read_tile(tile, 0, range, nullptr, out));
    for (const Sample& sample : part.samples) {
      if (!range.contains(sample.t)) continue;
      out.t.push_back(sample.t);
      out.v.push_back(sample.v);
    }
  }
  return {};
}

/// After the floats, so that of two at one time the float stays.
Result<> StoreSeriesSet::read_histograms(const Entry& entry, TimeRange range,
                                         SampleColumns& out) const {
  const Hidden* hidden = entry.hidden == kNothingHidden ? nullptr : &hidden_[entry.hidden];
  HistogramJoin join;
  for (size_t k = 0; k < entry.blocks.size(); ++k) {
    const auto& [block, series] = entry.blocks[k];
    for (const TimeRange& part : visible_parts(range, hidden ? hidden->blocks[k] : Intervals{})) {
      TRY(read_block_histograms(*blocks_[block], series, part, join, tolerate()));
    }
  }
  if (entry.histograms != UINT32_MAX) {
    for (const TimeRange& part : visible_parts(range, hidden ? hidden->head : Intervals{})) {
      TRY(histograms_[entry.histograms].read(part, join, tolerate()));
    }
  }
  join.finish(out);
  return {};
}

Result<> StoreSeriesSet::last_histogram(const Entry& entry, TimeRange range,
                                        std::optional<HistogramSample>& out) const {
  if (entry.histograms != UINT32_MAX) {
    TRY(histograms_[entry.histograms].read_last(range, out, tolerate()));
  }
  for (auto it = entry.blocks.rbegin(); it != entry.blocks.rend(); ++it) {
    const BlockReader& block = *blocks_[it->first];
    if (out && block.meta().max_time <= out->t) continue;
    TRY(last_block_histogram(block, it->second, range, out, tolerate()));
  }
  return {};
}

Result<> StoreSeriesSet::last_of_tiles(const std::vector<OpenedTile>& tiles, SeriesId id,
                                       TimeRange range, bool& found, Sample& out) const {
  for (auto tile = tiles.rbegin(); tile != tiles.rend(); ++tile) {
    const TimeRange covered = tile->view.time_range();
    if (!covered.overlaps(range) || (found && covered.max <= out.t)) continue;
    const auto column = tile->column_of(id);
    if (!column) continue;
    Sample sample;
    const auto last = tile->view.last(*column, range, sample);
    if (!last) {
      TRY(damage_.tolerate(last.error()));
    } else if (*last) {
      keep_later(sample, found, out);
    }
  }
  return {};
}

Result<bool> StoreSeriesSet::read_last(size_t i, TimeRange range, Sample& out,
                                       HistogramPtr& h) const {
  const Entry& entry = entries_[i];
  h = nullptr;
  if (entry.hidden != kNothingHidden) {
    SampleColumns samples;
    TRY(read(i, range, samples));
    if (samples.size() == 0) return false;
    out = {samples.t.back(), samples.v.back()};
    if (!samples.h.empty()) h = samples.h.back();
    return true;
  }
  bool found = false;
  Sample sample;
  for (const uint32_t number : entry.targets) {
    const TargetPart& part = targets_[number];
    for (auto tile = part.rows.rbegin(); tile != part.rows.rend(); ++tile) {
      const auto column = tile->layout->column_of(*entry.id);
      if (!column || !tile->read_last(*column, range, sample)) continue;
      keep_later(sample, found, out);
      break;
    }
    TRY(last_of_tiles(part.sealed, *entry.id, range, found, out));
  }
  if (entry.timed != UINT32_MAX) {
    const TimedPart& part = timed_[entry.timed];
    for (const Sample& candidate : part.samples) {
      if (range.contains(candidate.t)) keep_later(candidate, found, out);
    }
    TRY(last_of_tiles(part.sealed, *entry.id, range, found, out));
  }
  for (auto it = entry.blocks.rbegin(); it != entry.blocks.rend(); ++it) {
    const BlockReader& block = *blocks_[it->first];
    if (found && block.meta().max_time <= out.t) continue;
    const auto last = block.read_last(it->second, range, sample);
    if (!last) {
      TRY(damage_.tolerate(last.error()));
    } else if (*last) {
      keep_later(sample, found, out);
    }
  }
  std::optional<HistogramSample> histogram;
  TRY(last_histogram(entry, range, histogram));
  if (histogram && (!found || histogram->t > out.t)) {
    out = {histogram->t, 0};
    h = std::move(histogram->h);
    found = true;
  }
  return found;
}

/// Collects the parts of a set.
class Selector {
 public:
  Selector(const Db::Impl& db, std::span<const Matcher> matchers, TimeRange range, size_t limit)
      : db_(db), matchers_(matchers), range_(range), limit_(limit) {}
  Result<std::unique_ptr<SeriesSet>> run();

 private:
  Result<> select_head();
  Result<> select_blocks();
  Result<> hide(const DeletionsPtr& before);
  Result<bool> is_gone(size_t entry, const Hidden& hidden, bool by_deletion) const;
  Result<uint32_t> part_of(TargetId target);
  Result<> pin_histograms(SeriesId series, Entry& entry);
  Result<Entry*> entry_for(Labels labels);

  const Db::Impl& db_;
  const std::span<const Matcher> matchers_;
  const TimeRange range_;
  const size_t limit_;
  std::unique_ptr<StoreSeriesSet> set_ = std::make_unique<StoreSeriesSet>();
  std::unordered_map<uint32_t, uint32_t> parts_;  // target -> its part
  std::unordered_map<Labels, size_t> by_labels_;  // made when blocks take part
};

Result<uint32_t> Selector::part_of(TargetId target) {
  const auto [entry, is_new] =
      parts_.try_emplace(index_of(target), static_cast<uint32_t>(set_->targets_.size()));
  if (is_new) {
    TargetPart part;
    if (const TargetHead* head = db_.targets.find(target)) {
      TargetSnapshot snapshot = head->snapshot(range_);
      part = { TRY(open_tiles(snapshot.sealed, set_->damage_)), std::move(snapshot.rows) };
    }
    set_->targets_.push_back(std::move(part));
  }
  return entry->second;
}

Result<> Selector::pin_histograms(SeriesId series, Entry& entry) {
  HistogramSnapshot snapshot = db_.histograms.snapshot(series, range_);
  if (snapshot.empty()) return {};
  entry.histograms = static_cast<uint32_t>(set_->histograms_.size());
  set_->histograms_.push_back(TRY(HeadHistograms::pin(std::move(snapshot), set_->tolerate())));
  return {};
}

Result<> Selector::select_head() {
  HeadSelection selection = TRY(db_.table.select(matchers_, limit_));
  set_->entries_.resize(selection.series.size());
  for (size_t i = 0; i < selection.series.size(); ++i) {
    SelectedSeries& selected = selection.series[i];
    Entry& entry = set_->entries_[i];
    entry.labels = std::move(selected.labels);
    entry.id = selected.id;
    if (selected.home) entry.targets.push_back(TRY(part_of(*selected.home)));
    if (!selected.timed) continue;
    TRY(pin_histograms(selected.id, entry));
    TimedSnapshot snapshot = db_.timed.snapshot(selected.id, range_);
    if (snapshot.sealed.empty() && snapshot.samples.empty()) continue;
    entry.timed = static_cast<uint32_t>(set_->timed_.size());
    set_->timed_.push_back({
      TRY(open_tiles(snapshot.sealed, set_->damage_))
      , std::move(snapshot.samples)
    });
  }
  for (const auto& [i, target] : selection.more_homes) {
    set_->entries_[i].targets.push_back(TRY(part_of(target)));
  }
  return {};
}

Result<Entry*> Selector::entry_for(Labels labels) {
  const auto [found, is_new] = by_labels_.try_emplace(labels, set_->entries_.size());
  if (is_new) {
    if (limit_ != 0 && set_->entries_.size() >= limit_) {
      return fail(ErrorCode::kLimit,
                  fmt::format("the selection has more than {} series, the limit", limit_));
    }
    set_->entries_.emplace_back().labels = std::move(labels);
  }
  return &set_->entries_[found->second];
}

Result<> Selector::select_blocks() {
  set_->blocks_ = db_.blocks.overlapping(range_);
  if (set_->blocks_.empty()) return {};
  for (size_t i = 0; i < set_->entries_.size(); ++i)
    by_labels_.emplace(set_->entries_[i].labels, i);
  for (uint32_t b = 0; b < set_->blocks_.size(); ++b) {
    const BlockReader& block = *set_->blocks_[b];
    for (const uint32_t series : TRY(block.select(matchers_))) {
      auto labels = block.labels(series);
      if (!labels) {
        TRY(set_->damage_.tolerate(labels.error()));
        continue;
      }
      Entry* entry = TRY(entry_for(std::move(*labels)));
      entry->blocks.emplace_back(b, series);
    }
  }
  return {};
}

/// Whether nothing of the entry is left to be seen; for one beyond its retention only where that is
/// known without reading it.
Result<bool> Selector::is_gone(size_t entry, const Hidden& hidden, bool by_deletion) const {
  const Entry& e = set_->entries_[entry];
  const auto covered = [&](TimeRange data, const Intervals& intervals) {
    data = {std::max(data.min, range_.min), std::min(data.max, range_.max)};
    return std::ranges::any_of(intervals, [&](const TimeRange& gap) {
      return gap.min <= data.min && gap.max >= data.max;
    });
  };
  bool gone = !e.id || covered({db_.head_min.load(), db_.head_max.load()}, hidden.head);
  for (size_t k = 0; k < e.blocks.size() && gone; ++k) {
    const auto data = set_->blocks_[e.blocks[k].first]->time_range(e.blocks[k].second);
    gone = data && covered(*data, hidden.blocks[k]);
  }
  if (gone || !by_deletion) return gone;
  SampleColumns samples;
  TRY(set_->read(entry, range_, samples));
  return samples.size() == 0;
}

/// Notes what is deleted or beyond its retention, and leaves out series of which nothing is left.
/// `before`: the deletions that were pending before anything was looked up. One that was carried
/// out since concerns blocks that were found here, and so may one that came.
Result<> Selector::hide(const DeletionsPtr& before) {
  DeletionsPtr deletions = db_.deletions->pending();
  if (deletions != before) {
    auto both = std::make_shared<Deletions>(*before);
    both->insert(both->end(), deletions->begin(), deletions->end());
    deletions = std::move(both);
  }
  const Visibility visibility(std::move(deletions), db_.retention.get(), db_.horizon(), range_);
  if (visibility.complete()) return {};
  std::vector<Entry> left;
  for (size_t i = 0; i < set_->entries_.size(); ++i) {
    Entry& entry = set_->entries_[i];
    const auto series = visibility.of(entry.labels);
    if (series.hides_anything()) {
      Hidden hidden{.head = series.in_head(), .blocks = {}};
      for (const auto& [block, number] : entry.blocks) {
        hidden.blocks.push_back(series.in_block(set_->blocks_[block]->name()));
      }
      set_->hidden_.push_back(hidden);
      entry.hidden = static_cast<uint32_t>(set_->hidden_.size() - 1);
      if (TRY(is_gone(i, hidden, series.is_deleted()))) {
        set_->hidden_.pop_back();
        continue;
      }
    }
    left.push_back(std::move(entry));
  }
  set_->entries_ = std::move(left);
  return {};
}

Result<std::unique_ptr<SeriesSet>> Selector::run() {
  const DeletionsPtr before = db_.deletions->pending();
  // The head first: what a cut moves in between is then seen twice, which read() mends, and never
  // missed.
  if (db_.head_overlaps(range_)) TRY(select_head());
  TRY(select_blocks());
  TRY(hide(before));
  return std::unique_ptr<SeriesSet>(std::move(set_));
}

}  // namespace

Result<std::unique_ptr<SeriesSet>> select_series(const Db::Impl& db,
                                                 std::span<const Matcher> matchers, TimeRange range,
                                                 size_t limit) {
  return Selector(db, matchers, range, limit).run();
}

Result<bool> has_visible_series(const Db::Impl& db, std::span<const Matcher> matchers,
                                TimeRange range) {
  const auto set = TRY(Selector(db, matchers, range, 0).run());
  return set->size() > 0;
}

}  // namespace strata::tsdb
