#include <algorithm>
#include <map>
#include <numeric>

#include "tsdb/block.h"
#include "tsdb/histogram_merge.h"
#include "tsdb/visibility.h"

namespace strata::tsdb {
namespace {

// Decoded values that a tile of the merged block is made from.
constexpr size_t kMaxTileBytes = size_t{64} << 20;

// A series of one of the blocks, under its number in the merged one.
struct Source {
  uint32_t merged = 0;
  uint32_t block = 0;
  uint32_t series = 0;
  uint32_t hidden = 0;  // which of Merger::hidden_; 0: nothing
};

// A tile of one of the blocks.
struct SourceTile {
  uint32_t block = 0;
  uint32_t tile = 0;
  TimeRange range;
  std::vector<TimestampMs> times;
  TileScratch scratch;
  bool damaged = false;
};

// Sets that grow together; the smallest member stands for its set.
class Groups {
 public:
  explicit Groups(size_t n) : parents_(n) { std::iota(parents_.begin(), parents_.end(), 0u); }
  uint32_t find(uint32_t i) {
    while (parents_[i] != i) i = parents_[i] = parents_[parents_[i]];
    return i;
  }
  void join(uint32_t a, uint32_t b) {
    a = find(a);
    b = find(b);
    parents_[std::max(a, b)] = std::min(a, b);
  }

 private:
  std::vector<uint32_t> parents_;
};

// Rows in which no column is present, as deletions leave them, are taken out of `times` and of the
// columns' bits; their values have no place for them anyway.
std::vector<TimestampMs> drop_empty_rows(std::span<const TimestampMs> times,
                                         std::vector<uint64_t>& presence) {
  const size_t words = (times.size() + 63) / 64;
  std::vector<uint64_t> used(words);
  for (size_t i = 0; i < presence.size(); ++i) used[i % words] |= presence[i];
  std::vector<TimestampMs> kept;
  std::vector<size_t> rows;
  for (size_t row = 0; row < times.size(); ++row) {
    if ((used[row / 64] >> (row % 64) & 1) == 0) continue;
    kept.push_back(times[row]);
    rows.push_back(row);
  }
  if (kept.size() == times.size()) return kept;
  const size_t kept_words = (kept.size() + 63) / 64;
  std::vector<uint64_t> bits(presence.size() / words * kept_words);
  for (size_t column = 0; column * words < presence.size(); ++column) {
    for (size_t k = 0; k < rows.size(); ++k) {
      const uint64_t bit = presence[column * words + rows[k] / 64] >> (rows[k] % 64) & 1;
      bits[column * kept_words + k / 64] |= bit << (k % 64);
    }
  }
  presence = std::move(bits);
  return kept;
}

class Merger {
 public:
  Merger(std::span<const std::shared_ptr<BlockReader>> blocks, BlockWriter& out, TimeRange range,
         bool skip_damaged, const Visibility* visibility)
      : blocks_(blocks),
        out_(out),
        range_(range),
        skip_damaged_(skip_damaged),
        visibility_(visibility) {}

  Result<MergeStats> run();

 private:
  Result<> add_all_series();
  Result<bool> hide(const Labels& labels, Source& source);
  Result<std::vector<std::vector<uint32_t>>> targets();
  Result<> merge_target(std::span<const uint32_t> series);
  Result<std::vector<TimestampMs>> collect_tiles(std::span<const uint32_t> series);
  Result<> write_tile(std::span<const uint32_t> series, std::span<const TimestampMs> times);
  Result<> gather(uint32_t series, TimeRange range, SampleColumns& out);
  Result<> read_source(const Source& source, TimeRange range, SampleColumns& out);
  Result<> read_part(const Source& source, TimeRange range, SampleColumns& out);
  Result<> add_histograms();
  Result<> damaged(SourceTile& tile, const Error& error);
  std::span<const Source> sources_of(uint32_t series) const;

  std::span<const std::shared_ptr<BlockReader>> blocks_;
  BlockWriter& out_;
  TimeRange range_;
  bool skip_damaged_;
  const Visibility* visibility_;
  MergeStats stats_;

  std::vector<Source> sources_;  // by merged series, then by block
  std::vector<size_t> starts_;   // of each merged series in sources_, and the end
  std::vector<Intervals> hidden_{1};

  // Of the target being merged.
  std::map<std::pair<uint32_t, uint32_t>, SourceTile> tiles_;
  SampleColumns part_;
  SampleColumns joined_;
};

// Notes what is hidden of the source; false when nothing of it is left.
Result<bool> Merger::hide(const Labels& labels, Source& source) {
  if (visibility_ == nullptr || visibility_->complete()) return true;
  const auto series = visibility_->of(labels);
  if (!series.hides_anything()) return true;
  const BlockReader& block = *blocks_[source.block];
  auto hidden = series.in_block(block.name());
  if (hidden.empty()) return true;
  bool left = false;
  for (const TimeRange& part : visible_parts(range_, hidden)) {
    Sample sample;
    const auto found = block.read_last(source.series, part, sample);
    if (!found && found.error().code != ErrorCode::kCorruption) {
      return std::unexpected(found.error());
    }
    left |= !found || *found;  // damage is met again, and reported, when it is read
    left = left || TRY(has_histograms(block, source.series, part));
  }
  source.hidden = static_cast<uint32_t>(hidden_.size());
  hidden_.push_back(std::move(hidden));
  return left;
}

// Series in the order of their labels, so that lists of them are short and families lie together.
Result<> Merger::add_all_series() {
  std::vector<std::pair<Labels, Source>> all;
  for (uint32_t b = 0; b < blocks_.size(); ++b) {
    for (uint32_t s = 0; s < blocks_[b]->series_count(); ++s) {
      Labels labels = TRY(blocks_[b]->labels(s));
      Source source{.block = b, .series = s};
      if (TRY(hide(labels, source))) all.emplace_back(std::move(labels), source);
    }
  }
  std::ranges::sort(all, [](const auto& a, const auto& b) {
    const auto order = a.first <=> b.first;
    return order != 0 ? order < 0 : a.second.block < b.second.block;
  });
  for (size_t i = 0; i < all.size(); ++i) {
    if (i == 0 || all[i].first != all[i - 1].first) {
      starts_.push_back(i);
      out_.add_series(all[i].first);
    }
    all[i].second.merged = static_cast<uint32_t>(starts_.size() - 1);
    sources_.push_back(all[i].second);
  }
  stats_.series = starts_.size();
  starts_.push_back(all.size());
  return {};
}

std::span<const Source> Merger::sources_of(uint32_t series) const {
  return std::span(sources_).subspan(starts_[series], starts_[series + 1] - starts_[series]);
}

// Series that ever shared a tile belong to one target, whose scrapes they came in.
Result<std::vector<std::vector<uint32_t>>> Merger::targets() {
  Groups groups(stats_.series);
  std::vector<std::vector<uint32_t>> first_of_tile(blocks_.size());
  for (size_t b = 0; b < blocks_.size(); ++b) {
    first_of_tile[b].assign(blocks_[b]->tile_count(), UINT32_MAX);
  }
  for (const auto& source : sources_) {
    for (const auto& place : TRY(blocks_[source.block]->places(source.series))) {
      auto& first = first_of_tile[source.block][place.tile];
      if (first == UINT32_MAX) first = source.merged;
      groups.join(first, source.merged);
    }
  }
  std::vector<std::vector<uint32_t>> targets;
  std::vector<uint32_t> target_of(stats_.series, UINT32_MAX);
  for (uint32_t series = 0; series < stats_.series; ++series) {
    auto& target = target_of[groups.find(series)];
    if (target == UINT32_MAX) {
      target = static_cast<uint32_t>(targets.size());
      targets.emplace_back();
    }
    targets[target].push_back(series);
  }
  return targets;
}

Result<> Merger::damaged(SourceTile& tile, const Error& error) {
  if (!skip_damaged_ || error.code != ErrorCode::kCorruption) return std::unexpected(error);
  if (tile.damaged) return {};
  tile.damaged = true;
  const auto info = TRY(blocks_[tile.block]->tile(tile.tile));
  stats_.damage.push_back(
      {error.message, blocks_[tile.block]->dir(), info.range, uint64_t{info.rows} * info.columns});
  return {};
}

// Opens the tiles of a target; all their times, ascending, each once.
Result<std::vector<TimestampMs>> Merger::collect_tiles(std::span<const uint32_t> series) {
  tiles_.clear();
  std::vector<TimestampMs> times;
  for (const uint32_t merged : series) {
    for (const auto& source : sources_of(merged)) {
      for (const auto& place : TRY(blocks_[source.block]->places(source.series))) {
        auto [at, added] = tiles_.try_emplace(std::pair(source.block, place.tile));
        if (!added) continue;
        SourceTile& tile = at->second;
        tile.block = source.block;
        tile.tile = place.tile;
        tile.range = TRY(blocks_[source.block]->tile(place.tile))
        .range;
        if (!tile.range.overlaps(range_)) continue;
        const auto view = blocks_[source.block]->open_tile(place.tile);
        const auto read = view ? view->timestamps(tile.times) : std::unexpected(view.error());
        if (!read) {
          TRY(damaged(tile, read.error()));
          continue;
        }
        for (const TimestampMs t : tile.times) {
          if (range_.contains(t)) times.push_back(t);
        }
        tile.times = {};
      }
    }
  }
  std::ranges::sort(times);
  const auto repeated = std::ranges::unique(times);
  times.erase(repeated.begin(), repeated.end());
  return times;
}

// Appends what one block has of a series.
Result<> Merger::read_source(const Source& source, TimeRange range, SampleColumns& out) {
  if (source.hidden == 0) return read_part(source, range, out);
  for (const TimeRange& part : visible_parts(range, hidden_[source.hidden])) {
    TRY(read_part(source, part, out));
  }
  return {};
}

Result<> Merger::read_part(const Source& source, TimeRange range, SampleColumns& out) {
  const auto& block = *blocks_[source.block];
  for (const auto& place : TRY(block.places(source.series))) {
    SourceTile& tile = tiles_.at({source.block, place.tile});
    if (tile.damaged || !tile.range.overlaps(range)) continue;
    const auto view = TRY(block.open_tile(place.tile));
    const auto read =
        place.column < view.columns()
            ? view.column(place.column, range, out, &tile.scratch)
            : fail(ErrorCode::kCorruption, fmt::format("block {}: tile {} has no column {}",
                                                       block.dir(), place.tile, place.column));
    if (!read) TRY(damaged(tile, read.error()));
  }
  return {};
}

// Replaces `out` by the series' samples of all blocks; of two at one time the first block's stays.
Result<> Merger::gather(uint32_t series, TimeRange range, SampleColumns& out) {
  out.clear();
  for (const auto& source : sources_of(series)) {
    part_.clear();
    TRY(read_source(source, range, part_));
    if (part_.t.empty()) continue;
    if (out.t.empty() || out.t.back() < part_.t.front()) {
      out.t.insert(out.t.end(), part_.t.begin(), part_.t.end());
      out.v.insert(out.v.end(), part_.v.begin(), part_.v.end());
      continue;
    }
    joined_.clear();
    size_t a = 0;
    size_t b = 0;
    while (a < out.t.size() || b < part_.t.size()) {
      const bool first = b == part_.t.size() || (a < out.t.size() && out.t[a] <= part_.t[b]);
      const auto& from = first ? out : part_;
      size_t& at = first ? a : b;
      if (!joined_.t.empty() && joined_.t.back() == from.t[at]) {
        ++stats_.duplicates;
      } else {
        joined_.t.push_back(from.t[at]);
        joined_.v.push_back(from.v[at]);
      }
      ++at;
    }
    std::swap(out, joined_);
  }
  return {};
}

Result<> Merger::write_tile(std::span<const uint32_t> series, std::span<const TimestampMs> times) {
  const size_t words = (times.size() + 63) / 64;
  std::vector<std::vector<double>> values(series.size());
  std::vector<uint64_t> presence(series.size() * words);
  std::vector<ColumnInput> columns(series.size());
  SampleColumns samples;
  for (size_t i = 0; i < series.size(); ++i) {
    TRY(gather(series[i], {times.front(), times.back()}, samples));
    size_t row = 0;
    for (const TimestampMs t : samples.t) {
      while (times[row] != t) ++row;
      presence[i * words + row / 64] |= uint64_t{1} << (row % 64);
    }
    values[i] = samples.v;
    stats_.samples += samples.t.size();
  }
  std::vector<TimestampMs> kept;
  if (hidden_.size() > 1) {
    kept = drop_empty_rows(times, presence);
    times = kept;
    if (times.empty()) return {};
  }
  for (size_t i = 0; i < series.size(); ++i) {
    const bool all = values[i].size() == times.size();
    const size_t row_words = (times.size() + 63) / 64;
    columns[i] = {values[i], all ? nullptr : &presence[i * row_words], {}};
  }
  return out_.add_tile(times, series, columns);
}

// Tiles of a target are as long as they may be, and of equal length; wide targets are divided.
Result<> Merger::merge_target(std::span<const uint32_t> series) {
  const auto times = TRY(collect_tiles(series));
  if (times.empty()) return {};
  const size_t slices = (times.size() + kMaxTileRows - 1) / kMaxTileRows;
  for (size_t s = 0; s < slices; ++s) {
    const size_t begin = times.size() * s / slices;
    const size_t end = times.size() * (s + 1) / slices;
    const size_t width = std::min(kMaxTileColumns, kMaxTileBytes / sizeof(double) / (end - begin));
    const size_t parts = (series.size() + width - 1) / width;
    for (size_t p = 0; p < parts; ++p) {
      const size_t from = series.size() * p / parts;
      const size_t to = series.size() * (p + 1) / parts;
      TRY(write_tile(series.subspan(from, to - from),
                     std::span(times).subspan(begin, end - begin)));
    }
    for (auto& [place, tile] : tiles_) tile.scratch = TileScratch();
  }
  return {};
}

Result<MergeStats> Merger::run() {
  TRY(add_all_series());
  for (const auto& target : TRY(targets())) TRY(merge_target(target));
  TRY(add_histograms());
  return std::move(stats_);
}

Result<> Merger::add_histograms() {
  std::vector<HistogramSource> sources;
  for (uint32_t series = 0; series < stats_.series; ++series) {
    sources.clear();
    for (const auto& source : sources_of(series)) {
      sources.push_back({blocks_[source.block].get(), source.series,
                         visible_parts(range_, hidden_[source.hidden])});
    }
    TRY(merge_histograms(sources, series, out_, skip_damaged_, stats_));
  }
  return {};
}

}  // namespace

Result<MergeStats> merge_blocks(std::span<const std::shared_ptr<BlockReader>> blocks,
                                BlockWriter& out, TimeRange range, bool skip_damaged,
                                const Visibility* visibility) {
  return Merger(blocks, out, range, skip_damaged, visibility).run();
}

}  // namespace strata::tsdb
