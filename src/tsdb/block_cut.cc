#include "tsdb/block_cut.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "base/log.h"
#include "tsdb/frame_file.h"
#include "tsdb/sample_merge.h"

namespace strata::tsdb {
namespace {

// Columns of a target that are held decoded at a time: about 8 MB with two hours of 15 s scrapes.
constexpr size_t kColumnsPerPiece = 1024;

bool lies_in(const SealedTile& tile, TimeRange window) {
  return tile.range.min >= window.min && tile.range.max <= window.max;
}

/// The presence bits of a column's times among all `times`; both ascend.
void mark_presence(std::span<const TimestampMs> times, std::span<const TimestampMs> present,
                   uint64_t* bits) {
  size_t next = 0;
  for (size_t row = 0; row < times.size() && next < present.size(); ++row) {
    if (times[row] != present[next]) continue;
    bits[row / 64] |= uint64_t{1} << (row % 64);
    ++next;
  }
}

/// Writes columns that share `times` (each has a subset of them), in tiles as long as may be.
Result<> add_columns(BlockWriter& writer, std::span<const TimestampMs> times,
                     std::span<const uint32_t> numbers, std::span<const SampleColumns> columns) {
  std::vector<size_t> from(columns.size(), 0);
  for (size_t begin = 0; begin < times.size(); begin += kMaxTileRows) {
    const auto rows = times.subspan(begin, std::min(kMaxTileRows, times.size() - begin));
    const size_t words = (rows.size() + 63) / 64;
    std::vector<uint64_t> presence(words * columns.size());
    std::vector<ColumnInput> inputs(columns.size());
    for (size_t i = 0; i < columns.size(); ++i) {
      const std::span<const TimestampMs> all(columns[i].t);
      const auto end = std::ranges::upper_bound(all.subspan(from[i]), rows.back());
      const size_t n = static_cast<size_t>(end - all.begin()) - from[i];
      inputs[i].values = std::span(columns[i].v).subspan(from[i], n);
      if (n != rows.size()) {
        uint64_t* bits = presence.data() + i * words;
        mark_presence(rows, all.subspan(from[i], n), bits);
        inputs[i].presence = bits;
      }
      from[i] += n;
    }
    TRY(writer.add_tile(rows, numbers, inputs));
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<BlockCut>> BlockCut::begin(Fs& fs, std::string path, std::string note_path,
                                                  TimeRange window, const SeriesTable& table,
                                                  const Targets& targets, const TimedHead& timed,
                                                  const HistogramHead& histograms) {
  std::unique_ptr<BlockCut> cut(new BlockCut(fs, std::move(path), std::move(note_path), window));
  cut->writer_ = TRY(BlockWriter::create(fs, cut->path_));
  cut->take_stock(table, targets, timed, histograms);
  return cut;
}

void BlockCut::take_stock(const SeriesTable& table, const Targets& targets, const TimedHead& timed,
                          const HistogramHead& histograms) {
  std::vector<uint8_t> sources(table.id_bound());
  const auto count_source = [&](SeriesId series) {
    if (index_of(series) >= sources.size()) sources.resize(size_t{index_of(series)} + 1);
    uint8_t& n = sources[index_of(series)];
    if (n < 2) ++n;
  };
  for (const TargetHead* target : targets.all()) {
    Source source;
    source.tiles = target->snapshot(window_).sealed;
    std::erase_if(source.tiles, [&](const SealedTile& tile) { return !lies_in(tile, window_); });
    if (source.tiles.empty()) continue;
    std::vector<bool> seen(sources.size());
    const Layout* previous = nullptr;
    for (const SealedTile& tile : source.tiles) {
      if (tile.layout.get() == previous) continue;
      previous = tile.layout.get();
      for (const SeriesId series : tile.layout->columns()) {
        if (index_of(series) >= seen.size()) seen.resize(size_t{index_of(series)} + 1);
        if (seen[index_of(series)]) continue;
        seen[index_of(series)] = true;
        source.series.push_back(series);
        count_source(series);
      }
    }
    targets_.push_back(std::move(source));
  }
  timed.for_each_sealed(window_, [&](SeriesId series, TimedSnapshot snapshot) {
    std::erase_if(snapshot.sealed, [&](const SealedTile& tile) { return !lies_in(tile, window_); });
    if (snapshot.sealed.empty()) return;
    count_source(series);
    count_source(series);  // its times are its own: written alone
    timed_.emplace_back(series, std::move(snapshot));
  });
  take_histograms(histograms);
  note_taken();

  std::vector<bool> native(sources.size());
  for (const auto& [series, snapshot] : histograms_) {
    if (index_of(series) >= native.size()) {
      native.resize(size_t{index_of(series)} + 1);
      sources.resize(native.size());
    }
    native[index_of(series)] = true;
  }
  std::vector<SeriesId> all;
  for (uint32_t id = 0; id < sources.size(); ++id) {
    if (sources[id] > 0 || native[id]) all.push_back(SeriesId{id});
    if (sources[id] > 1) mixed_.push_back(SeriesId{id});
  }
  for (Source& source : targets_) {
    std::erase_if(source.series, [&](SeriesId id) { return sources[index_of(id)] > 1; });
  }
  table.sort_by_labels(all);
  number_of_.resize(sources.size(), UINT32_MAX);
  for (const SeriesId id : all) {
    number_of_[index_of(id)] = writer_->add_series(table.labels(id));
  }
}

void BlockCut::take_histograms(const HistogramHead& histograms) {
  histograms.for_each_sealed(window_, [&](SeriesId series, HistogramSnapshot snapshot) {
    std::erase_if(snapshot.sealed,
                  [&](const auto& chunk) { return !lies_in(chunk.tile, window_); });
    if (!snapshot.sealed.empty()) histograms_.emplace_back(series, std::move(snapshot));
  });
}

Result<> BlockCut::write_histograms(SeriesId series, const HistogramSnapshot& snapshot) {
  HistogramJoin join;
  for (const bool late : {false, true}) {
    auto& samples = join.next_place();
    for (const auto& chunk : snapshot.sealed) {
      if (chunk.late != late) continue;
      const auto read = read_chunk(chunk.tile, {}, samples);
      if (read) continue;
      if (read.error().code != ErrorCode::kCorruption) return read;
      note_damage(chunk.tile, read.error());
    }
  }
  std::vector<HistogramSample> joined;
  join.finish(joined);
  return writer_->add_histograms(number_of_[index_of(series)], joined);
}

/// Remembers which tiles the block will have, and which segments have no others.
void BlockCut::note_taken() {
  std::map<uint64_t, std::pair<const TileSegment*, uint32_t>> segments;
  const auto take = [&](const SealedTile& tile) {
    taken_.emplace_back(tile.segment->number(), tile.offset);
    auto& [segment, count] = segments[tile.segment->number()];
    segment = tile.segment.get();
    ++count;
  };
  for (const Source& source : targets_) std::ranges::for_each(source.tiles, take);
  for (const auto& [series, snapshot] : timed_) std::ranges::for_each(snapshot.sealed, take);
  for (const auto& [series, snapshot] : histograms_) {
    for (const auto& chunk : snapshot.sealed) take(chunk.tile);
  }
  std::ranges::sort(taken_);
  for (const auto& [number, entry] : segments) {
    const auto& [segment, count] = entry;
    if (segment->closed && segment->live_tiles == count) emptied_segments_.push_back(number);
  }
}

bool BlockCut::has(const SealedTile& tile) const {
  return std::ranges::binary_search(taken_, std::pair(tile.segment->number(), tile.offset));
}

void BlockCut::note_damage(const SealedTile& tile, const Error& error) {
  ++damaged_tiles_;
  const size_t columns = tile.layout ? tile.layout->size() : 1;
  lost_samples_ += uint64_t{tile.rows} * columns;
  tile.segment->damaged = true;
  log_error("a damaged tile was left out of a block", {{"file", tile.segment->path()},
                                                       {"offset", tile.offset},
                                                       {"min_time_ms", tile.range.min},
                                                       {"max_time_ms", tile.range.max},
                                                       {"error", error.message}});
}

/// Appends what the tile has of `series`, and its times to `times`. A damaged tile is noted and
/// left out; a file that cannot be read now is an error, and the cut is tried again later.
Result<> BlockCut::read_columns(const SealedTile& tile, std::span<const SeriesId> series,
                                std::vector<TimestampMs>& times, std::vector<SampleColumns>& out) {
  const auto read = [&]() -> Result<> {
    const TileBytes bytes = TRY(tile.read());
    const TileView view = TRY(TileView::open(bytes.bytes));
    std::vector<TimestampMs> tile_times;
    TRY(view.timestamps(tile_times));
    times.insert(times.end(), tile_times.begin(), tile_times.end());
    TileScratch scratch;
    for (size_t i = 0; i < series.size(); ++i) {
      const auto column = tile.layout ? tile.layout->column_of(series[i]) : 0;
      if (!column || *column < tile.first_column) continue;
      if (*column - tile.first_column >= view.columns()) continue;
      TRY(view.column(*column - tile.first_column, {}, out[i], &scratch));
    }
    return {};
  };
  auto result = read();
  if (result || result.error().code != ErrorCode::kCorruption) return result;
  note_damage(tile, result.error());
  return {};
}

Result<> BlockCut::write_group(Source& source, size_t count) {
  const auto series = std::span(source.series).subspan(source.done, count);
  std::vector<SampleColumns> columns(count);
  std::vector<TimestampMs> times;
  for (const SealedTile& tile : source.tiles) TRY(read_columns(tile, series, times, columns));
  std::ranges::sort(times);
  times.erase(std::ranges::unique(times).begin(), times.end());
  std::vector<uint32_t> numbers;
  for (size_t i = 0; i < count; ++i) {
    sort_samples(columns[i]);
    numbers.push_back(number_of_[index_of(series[i])]);
  }
  TRY(add_columns(*writer_, times, numbers, columns));
  source.done += count;
  return {};
}

Result<> BlockCut::write_mixed(SeriesId series) {
  std::vector<SampleColumns> columns(1);
  std::vector<TimestampMs> times;
  for (const Source& source : targets_) {
    for (const SealedTile& tile : source.tiles) {
      if (tile.layout->column_of(series)) TRY(read_columns(tile, {&series, 1}, times, columns));
    }
  }
  const auto timed =
      std::ranges::lower_bound(timed_, series, {}, &decltype(timed_)::value_type::first);
  if (timed != timed_.end() && timed->first == series) {
    for (const SealedTile& tile : timed->second.sealed) {
      TRY(read_columns(tile, {&series, 1}, times, columns));
    }
  }
  sort_samples(columns[0]);
  return add_columns(*writer_, columns[0].t, {&number_of_[index_of(series)], 1}, columns);
}

Result<bool> BlockCut::step() {
  while (next_target_ < targets_.size()) {
    Source& source = targets_[next_target_];
    const size_t count = std::min(kColumnsPerPiece, source.series.size() - source.done);
    if (count > 0) {
      TRY(write_group(source, count));
      return true;
    }
    ++next_target_;
  }
  if (next_mixed_ == 0)
    std::ranges::sort(timed_, {}, [](const auto& entry) { return entry.first; });
  for (size_t i = 0; i < kColumnsPerPiece / 4; ++i) {
    if (next_mixed_ < mixed_.size()) {
      TRY(write_mixed(mixed_[next_mixed_++]));
    } else if (next_histograms_ < histograms_.size()) {
      const auto& [series, snapshot] = histograms_[next_histograms_++];
      TRY(write_histograms(series, snapshot));
    } else {
      return false;
    }
  }
  return true;
}

Result<> BlockCut::write_note() const {
  std::string note = path_.substr(path_.rfind('/') + 1) + "\n";
  for (const uint64_t number : emptied_segments_) note += fmt::format("{}\n", number);
  auto file = TRY(fs_.create(note_path_));
  TRY(file->append(note));
  TRY(file->sync());
  return fs_.sync_dir(note_path_.substr(0, note_path_.rfind('/')));
}

Result<BlockMeta> BlockCut::finish() {
  TRY(write_note());
  return writer_->finish();
}

std::vector<uint64_t> BlockCut::superfluous_segments(Fs& fs, const std::string& note_path,
                                                     const std::string& blocks_dir) {
  std::vector<uint64_t> out;
  const auto note = fs.read_file(note_path);
  if (!note) return out;
  std::string_view rest = *note;
  const auto line = [&rest] {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view text = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return text;
  };
  const std::string_view name = line();
  const bool published = !name.empty() && fs.exists(fmt::format("{}/{}", blocks_dir, name));
  while (published && !rest.empty()) {
    const std::string_view text = line();
    uint64_t number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    if (parsed.ec == std::errc{}) out.push_back(number);
  }
  return out;
}

Result<> BlockCut::remove_note(Fs& fs, const std::string& note_path) {
  if (!fs.exists(note_path)) return {};
  TRY(fs.remove(note_path));
  return fs.sync_dir(note_path.substr(0, note_path.rfind('/')));
}

}  // namespace strata::tsdb
