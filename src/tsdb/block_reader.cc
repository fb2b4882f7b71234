#include <algorithm>
#include <bit>

#include "base/check.h"
#include "base/hash.h"
#include "base/log.h"
#include "tsdb/block_format.h"
#include "tsdb/block_index.h"
#include "tsdb/block_state.h"
#include "tsdb/byte_reader.h"

namespace strata::tsdb {

BlockReader::BlockReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
BlockReader::~BlockReader() = default;

const BlockMeta& BlockReader::meta() const { return state_->meta; }
const std::string& BlockReader::dir() const { return state_->dir; }
std::string_view BlockReader::name() const {
  return std::string_view(state_->dir).substr(state_->dir.rfind('/') + 1);
}
uint32_t BlockReader::series_count() const { return state_->index.series_count(); }
uint32_t BlockReader::tile_count() const { return state_->index.tile_count(); }

Error BlockReader::State::in_index(const Error& error) const {
  return error.within(fmt::format("block {}: {}", dir, kIndexFile));
}

Error BlockReader::State::in_tile(uint32_t i, std::string_view what) const {
  const auto entry = index.tile(i);
  return {ErrorCode::kCorruption,
          fmt::format("block {}: {}: {}; tile {} at offset {}, {} rows of {} series from {} to {}, "
                      "cannot be read",
                      dir, kDataFile, what, i, entry.offset, entry.rows, entry.columns,
                      entry.min_time, entry.max_time)};
}

Result<std::shared_ptr<BlockReader>> BlockReader::open(Fs& fs, std::string dir,
                                                       BlockVerify verify) {
  auto state = std::make_unique<State>();
  state->dir = std::move(dir);
  state->index_file = TRY(fs.map(fmt::format("{}/{}", state->dir, kIndexFile)));
  state->data_file = TRY(fs.map(fmt::format("{}/{}", state->dir, kDataFile)));
  auto index = IndexView::open(state->index_file->bytes(), verify == BlockVerify::kSalvage);
  if (!index) return std::unexpected(state->in_index(index.error()));
  state->index = *index;
  auto meta = state->index.meta();
  if (meta) {
    state->meta = *std::move(meta);
  } else if (verify != BlockVerify::kSalvage) {
    return std::unexpected(state->in_index(meta.error()));
  } else {
    state->meta.series = state->index.series_count();
    state->meta.tiles = state->index.tile_count();
  }
  state->meta.index_bytes = state->index_file->bytes().size();
  // Tiles have frames of their own: a file that is cut short, or whose first bytes are damaged,
  // loses no other tile than those.
  state->data = state->data_file->bytes();
  state->checked = std::vector<std::atomic<uint8_t>>(state->index.tile_count());
  // Salvaging a block whose meta section is lost, the file is looked for.
  const bool orphan = !meta && fs.exists(fmt::format("{}/{}", state->dir, kHistogramsFile));
  if (state->meta.histogram_bytes > 0 || orphan) {
    state->histograms = BlockHistograms::open(fs, fmt::format("{}/{}", state->dir, kHistogramsFile),
                                              state->meta.histogram_bytes);
    if (!state->histograms) {
      const ErrorCode code = state->histograms.error().code;
      // Of a file that cannot be read now nothing is known: merging the block would lose it.
      if (code != ErrorCode::kCorruption && code != ErrorCode::kNotFound) {
        return std::unexpected(state->histograms.error());
      }
      log_error("the native histograms of a block cannot be read; the rest of it is served",
                {{"error", state->histograms.error().message}});
    }
  }
  state->number = State::next_number();
  std::shared_ptr<BlockReader> reader(new BlockReader(std::move(state)));
  if (verify == BlockVerify::kFull) {
    const auto found = reader->damage();
    if (!found.empty()) return fail(ErrorCode::kCorruption, found.front().message);
  }
  return reader;
}

uint64_t BlockReader::State::next_number() {
  static std::atomic<uint64_t> numbers{0};
  return ++numbers;
}

Result<Labels> BlockReader::labels(uint32_t series) const {
  std::vector<IndexView::SeriesLabel> found;
  if (auto read = state_->index.series_labels(series, found); !read) {
    return std::unexpected(state_->in_index(read.error()));
  }
  std::vector<Label> labels;
  labels.reserve(found.size());
  for (const auto& [name, value] : found) {
    labels.push_back({state_->index.symbol(state_->index.name(name).symbol),
                      state_->index.symbol(state_->index.value(value).symbol)});
  }
  return Labels::from_sorted(labels);
}

Result<std::vector<TilePlace>> BlockReader::places(uint32_t series) const {
  std::vector<TilePlace> places;
  if (auto read = state_->index.series_places(series, places); !read) {
    return std::unexpected(state_->in_index(read.error()));
  }
  return places;
}

Result<TimeRange> BlockReader::time_range(uint32_t series) const {
  const auto found = TRY(places(series));
  TimeRange range{kMaxTime, kMinTime};
  if (!found.empty()) {
    range = {state_->index.tile(found.front().tile).min_time,
             state_->index.tile(found.back().tile).max_time};
  }
  if (const auto native = histograms(); native && *native != nullptr) {
    const TimeRange more = (*native)->time_range(series);
    range = {std::min(range.min, more.min), std::max(range.max, more.max)};
  }
  return range;
}

Result<const BlockHistograms*> BlockReader::histograms() const {
  if (state_->histograms) return state_->histograms->get();
  return fail(ErrorCode::kCorruption, state_->histograms.error().message);
}

/// Appends what is wrong with the histograms.
void BlockReader::find_damaged_histograms(std::vector<BlockDamage>& found) const {
  const auto native = histograms();
  if (!native) {
    found.push_back({.message = native.error().message,
                     .block = dir(),
                     .range = {meta().min_time, meta().max_time}});
    return;
  }
  std::vector<HistogramSample> samples;
  for (size_t i = 0; *native != nullptr && i < (*native)->chunks(); ++i) {
    const HistogramChunkEntry entry = (*native)->entry(i);
    samples.clear();
    if (auto read = (*native)->read_chunk(entry, {}, samples); !read) {
      found.push_back({.message = read.error().message,
                       .block = dir(),
                       .range = {entry.min_time, entry.max_time},
                       .samples = entry.rows});
    }
  }
}

Result<BlockTile> BlockReader::tile(uint32_t i) const {
  if (i >= tile_count()) return fail(ErrorCode::kNotFound, fmt::format("no tile {}", i));
  const auto entry = state_->index.tile(i);
  return BlockTile{.offset = entry.offset,
                   .length = entry.length,
                   .rows = entry.rows,
                   .columns = entry.columns,
                   .range = {entry.min_time, entry.max_time}};
}

// The tile's bytes if its frame agrees with the index and, when not known yet, its checksum.
Result<std::string_view> BlockReader::State::tile_bytes(uint32_t i) const {
  const auto entry = index.tile(i);
  if (entry.offset > data.size() || kTileFrameBytes + entry.length > data.size() - entry.offset) {
    return std::unexpected(in_tile(i, "it is cut short"));
  }
  ByteReader in(data.substr(entry.offset, kTileFrameBytes + entry.length));
  const uint32_t length = in.u32();
  const uint32_t crc = in.u32();
  auto& known = checked[i];
  if (known.load(std::memory_order_relaxed) == kUnknown) {
    const bool good = length == entry.length && crc32c(in.rest()) == crc;
    known.store(good ? kGood : kBad, std::memory_order_relaxed);
  }
  if (known.load(std::memory_order_relaxed) == kBad) {
    return std::unexpected(in_tile(i, "a checksum does not match"));
  }
  return in.rest();
}

Result<TileView> BlockReader::open_tile(uint32_t i) const {
  if (i >= tile_count()) return fail(ErrorCode::kNotFound, fmt::format("no tile {}", i));
  const auto bytes = TRY(state_->tile_bytes(i));
  auto view = TileView::open(bytes);
  if (!view) return std::unexpected(state_->in_tile(i, view.error().message));
  const auto entry = state_->index.tile(i);
  if (view->columns() != entry.columns || view->rows() != entry.rows ||
      view->time_range().min != entry.min_time || view->time_range().max != entry.max_time) {
    return std::unexpected(state_->in_tile(i, "it is not the tile that the index names"));
  }
  return *view;
}

bool BlockReader::is_cold() const {
  for (uint32_t i = 0; i < tile_count(); ++i) {
    if (const auto view = open_tile(i)) return view->cold();
  }
  return true;
}

Result<> BlockReader::read(uint32_t series, TimeRange range, SampleColumns& out) const {
  std::vector<TilePlace> found;
  if (auto read = state_->index.series_places(series, found); !read) {
    return std::unexpected(state_->in_index(read.error()));
  }
  for (const auto& [tile, column] : found) {
    const auto entry = state_->index.tile(tile);
    if (!range.overlaps({entry.min_time, entry.max_time})) continue;
    const auto view = TRY(open_tile(tile));
    if (column >= view.columns()) {
      return std::unexpected(state_->in_tile(tile, fmt::format("no column {}", column)));
    }
    auto scratch = ScratchCache::of_thread().lease(state_->number, tile);
    if (auto read = view.column(column, range, out, &scratch.get()); !read) {
      return std::unexpected(state_->in_tile(tile, read.error().message));
    }
  }
  return {};
}

Result<bool> BlockReader::read_last(uint32_t series, TimeRange range, Sample& out) const {
  std::vector<TilePlace> found;
  if (auto read = state_->index.series_places(series, found); !read) {
    return std::unexpected(state_->in_index(read.error()));
  }
  for (size_t i = found.size(); i-- > 0;) {
    const auto [tile, column] = found[i];
    const auto entry = state_->index.tile(tile);
    if (!range.overlaps({entry.min_time, entry.max_time})) continue;
    const auto view = TRY(open_tile(tile));
    if (column >= view.columns()) {
      return std::unexpected(state_->in_tile(tile, fmt::format("no column {}", column)));
    }
    auto scratch = ScratchCache::of_thread().lease(state_->number, tile);
    const auto last = view.last(column, range, out, &scratch.get());
    if (!last) return std::unexpected(state_->in_tile(tile, last.error().message));
    if (*last) return true;
  }
  return false;
}

std::vector<BlockDamage> BlockReader::known_damage() const {
  std::vector<BlockDamage> found;
  for (uint32_t i = 0; i < tile_count(); ++i) {
    const auto entry = state_->index.tile(i);
    const uint64_t size = state_->data.size();
    const bool cut = entry.offset > size || kTileFrameBytes + entry.length > size - entry.offset;
    if (!cut && state_->checked[i].load(std::memory_order_relaxed) != State::kBad) continue;
    found.push_back(
        {state_->in_tile(i, cut ? "it is cut short" : "a checksum does not match").message,
         dir(),
         {entry.min_time, entry.max_time},
         uint64_t{entry.rows} * entry.columns});
  }
  return found;
}

std::vector<BlockDamage> BlockReader::damage() const {
  std::vector<BlockDamage> found;
  TileScratch scratch;
  SampleColumns samples;
  for (uint32_t i = 0; i < tile_count(); ++i) {
    const auto entry = state_->index.tile(i);
    const auto add = [&](std::string message) {
      found.push_back({std::move(message),
                       dir(),
                       {entry.min_time, entry.max_time},
                       uint64_t{entry.rows} * entry.columns});
    };
    // Bytes that were good when first read may have gone bad on the disk since.
    state_->checked[i].store(State::kUnknown, std::memory_order_relaxed);
    const auto view = open_tile(i);
    if (!view) {
      add(view.error().message);
      continue;
    }
    scratch.clear();
    for (size_t column = 0; column < view->columns(); ++column) {
      samples.clear();
      if (auto read = view->column(column, {}, samples, &scratch); !read) {
        add(state_->in_tile(i, read.error().message).message);
        break;
      }
    }
  }
  find_damaged_histograms(found);
  return found;
}

}  // namespace strata::tsdb
