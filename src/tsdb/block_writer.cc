#include <algorithm>

#include "base/check.h"
#include "base/hash.h"
#include "tsdb/block_format.h"
#include "tsdb/block_histograms.h"
#include "tsdb/block_index.h"
#include "tsdb/byte_reader.h"
#include "tsdb/family.h"

namespace strata::tsdb {
namespace {

// `data` goes to the file in pieces of this size.
constexpr size_t kWriteBytes = size_t{1} << 20;

std::string parent_of(const std::string& path) {
  const size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string name_of(const std::string& path) { return path.substr(path.find_last_of('/') + 1); }

std::string file_header(std::string_view magic) {
  std::string out(magic);
  append_fixed(out, kBlockVersion);
  append_fixed(out, uint32_t{0});
  return out;
}

}  // namespace

struct BlockWriter::State {
  State(Fs& file_system, std::string final_dir, BlockOptions block_options)
      : fs(file_system),
        dir(std::move(final_dir)),
        temporary(dir + std::string(kTemporarySuffix)),
        options(std::move(block_options)),
        histograms(fs, fmt::format("{}/{}", temporary, kHistogramsFile)) {}

  Fs& fs;
  std::string dir;
  std::string temporary;
  BlockOptions options;
  std::unique_ptr<AppendFile> data;
  std::string pending;      // of `data`, not yet in the file
  uint64_t data_bytes = 0;  // with what is pending
  IndexBuilder index;
  BlockMeta meta;
  BlockHistogramsWriter histograms;
  std::vector<TimestampMs> last_time;  // of each series
  std::vector<bool> has_samples;       // of each series
  bool finished = false;

  // The layout that hints were last found for.
  std::vector<uint32_t> hinted_series;
  std::vector<FamilyHint> hints;
  std::vector<ColumnInput> columns;
  std::vector<uint32_t> column_series;
  std::string tile;

  Result<> write(std::string_view bytes);
  Result<> flush();
  Result<> write_file(std::string_view name, std::string_view bytes);
  Result<> check_tile(std::span<const TimestampMs> timestamps, std::span<const uint32_t> series,
                      std::span<const ColumnInput> input) const;
  void gather(std::span<const uint32_t> series, std::span<const ColumnInput> input);
  Result<> finish_histograms();
  Result<> publish();
};

Result<> BlockWriter::State::flush() {
  TRY(data->append(pending));
  pending.clear();
  return {};
}

Result<> BlockWriter::State::write(std::string_view bytes) {
  pending.append(bytes);
  data_bytes += bytes.size();
  if (pending.size() >= kWriteBytes) TRY(flush());
  return {};
}

Result<> BlockWriter::State::write_file(std::string_view name, std::string_view bytes) {
  auto file = TRY(fs.create(fmt::format("{}/{}", temporary, name)));
  TRY(file->append(bytes));
  return file->sync();
}

BlockWriter::BlockWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}

BlockWriter::~BlockWriter() {
  if (state_->finished) return;
  state_->data.reset();
  // Nothing more can be done about a failure: what is left is a temporary directory.
  (void)state_->fs.remove_all(state_->temporary);
}

Result<std::unique_ptr<BlockWriter>> BlockWriter::create(Fs& fs, std::string dir,
                                                         BlockOptions options) {
  while (dir.size() > 1 && dir.ends_with('/')) dir.pop_back();
  if (fs.exists(dir)) {
    return fail(ErrorCode::kConflict, fmt::format("block {} exists already", dir));
  }
  auto state = std::make_unique<State>(fs, std::move(dir), std::move(options));
  if (fs.exists(state->temporary)) TRY(fs.remove_all(state->temporary));
  TRY(fs.create_directories(state->temporary));
  std::unique_ptr<BlockWriter> writer(new BlockWriter(std::move(state)));
  State& s = *writer->state_;
  s.meta.id = name_of(s.dir);
  s.meta.level = s.options.level;
  s.meta.sources = s.options.sources;
  s.data = TRY(fs.create(fmt::format("{}/{}", s.temporary, kDataFile)));
  TRY(s.write(file_header(kDataMagic)));
  return writer;
}

uint32_t BlockWriter::add_series(const Labels& labels) {
  state_->last_time.push_back(0);
  state_->has_samples.push_back(false);
  return state_->index.add_series(labels);
}

Result<> BlockWriter::State::check_tile(std::span<const TimestampMs> timestamps,
                                        std::span<const uint32_t> series,
                                        std::span<const ColumnInput> input) const {
  if (timestamps.empty() || timestamps.size() > kMaxTileRows || series.size() != input.size() ||
      series.size() > kMaxTileColumns ||
      std::ranges::adjacent_find(timestamps, std::greater_equal<>()) != timestamps.end()) {
    return bad_data(
        fmt::format("block {}: a tile of {} times and {} columns for {} series, or its "
                    "times do not ascend",
                    dir, timestamps.size(), input.size(), series.size()));
  }
  for (const uint32_t id : series) {
    if (id >= last_time.size()) {
      return bad_data(fmt::format("block {}: series {} was never added", dir, id));
    }
    if (has_samples[id] && last_time[id] >= timestamps.front()) {
      return bad_data(fmt::format("block {}: tiles of {} overlap at {}", dir,
                                  index.labels(id).to_string(), timestamps.front()));
    }
  }
  return {};
}

// Columns that have values, with families hinted.
void BlockWriter::State::gather(std::span<const uint32_t> series,
                                std::span<const ColumnInput> input) {
  columns.clear();
  column_series.clear();
  bool hinted = false;
  for (size_t i = 0; i < input.size(); ++i) {
    if (input[i].values.empty()) continue;
    columns.push_back(input[i]);
    column_series.push_back(series[i]);
    hinted |= input[i].family.group != 0;
  }
  if (hinted || !options.tiles.families) return;
  if (column_series != hinted_series) {
    std::vector<Labels> labels;
    for (const uint32_t id : column_series) labels.push_back(index.labels(id));
    hints = histogram_families(labels);
    hinted_series = column_series;
  }
  for (size_t i = 0; i < columns.size(); ++i) columns[i].family = hints[i];
}

Result<> BlockWriter::add_tile(std::span<const TimestampMs> timestamps,
                               std::span<const uint32_t> series,
                               std::span<const ColumnInput> columns) {
  State& s = *state_;
  TRY(s.check_tile(timestamps, series, columns));
  s.gather(series, columns);
  if (s.columns.empty()) return {};
  s.tile.clear();
  encode_tile(timestamps, s.columns, s.tile, s.options.tiles);

  const TileEntry entry{.offset = s.data_bytes,
                        .min_time = timestamps.front(),
                        .max_time = timestamps.back(),
                        .length = static_cast<uint32_t>(s.tile.size()),
                        .rows = static_cast<uint32_t>(timestamps.size()),
                        .columns = static_cast<uint32_t>(s.columns.size())};
  const uint32_t number = s.index.add_tile(entry);
  for (uint32_t column = 0; column < s.columns.size(); ++column) {
    const uint32_t id = s.column_series[column];
    if (s.has_samples[id] && s.last_time[id] >= timestamps.front()) {
      return bad_data(
          fmt::format("block {}: {} is twice in one tile", s.dir, s.index.labels(id).to_string()));
    }
    s.has_samples[id] = true;
    s.last_time[id] = timestamps.back();
    s.index.add_place(id, {number, column});
    s.meta.samples += s.columns[column].values.size();
  }
  if (s.meta.tiles++ == 0) {
    s.meta.min_time = timestamps.front();
    s.meta.max_time = timestamps.back();
  }
  s.meta.min_time = std::min(s.meta.min_time, timestamps.front());
  s.meta.max_time = std::max(s.meta.max_time, timestamps.back());

  std::string frame;
  append_fixed(frame, static_cast<uint32_t>(s.tile.size()));
  append_fixed(frame, crc32c(s.tile));
  TRY(s.write(frame));
  return s.write(s.tile);
}

Result<> BlockWriter::add_histograms(uint32_t series, std::span<const HistogramSample> samples) {
  State& s = *state_;
  if (series >= s.last_time.size()) {
    return bad_data(fmt::format("block {}: series {} was never added", s.dir, series));
  }
  return s.histograms.add(series, samples);
}

/// Counts what is in the file of histograms.
Result<> BlockWriter::State::finish_histograms() {
  TRY(histograms.finish());
  meta.histogram_bytes = histograms.bytes();
  meta.samples += histograms.samples();
  const TimeRange range = histograms.time_range();
  if (histograms.samples() == 0) return {};
  meta.min_time = meta.tiles == 0 ? range.min : std::min(meta.min_time, range.min);
  meta.max_time = meta.tiles == 0 ? range.max : std::max(meta.max_time, range.max);
  return {};
}

Result<BlockMeta> BlockWriter::finish() {
  State& s = *state_;
  CHECK(!s.finished);
  TRY(s.flush());
  TRY(s.data->sync());
  TRY(s.finish_histograms());
  s.meta.series = s.index.series_count();
  s.meta.data_bytes = s.data_bytes;
  {
    const std::string index = TRY(s.index.build(s.meta));
    s.meta.index_bytes = index.size();
    TRY(s.write_file(kIndexFile, index));
  }
  TRY(s.write_file(kMetaFile, meta_json(s.meta)));
  TRY(s.publish());
  return s.meta;
}

// The directory gets its name. When that cannot be made to last, it is taken back: a caller that
// was told of a failure keeps its samples, and must not find them twice.
Result<> BlockWriter::State::publish() {
  TRY(fs.sync_dir(temporary));
  TRY(fs.rename(temporary, dir));
  if (auto synced = fs.sync_dir(parent_of(dir)); !synced) {
    if (!fs.rename(dir, temporary)) (void)fs.remove_all(dir);
    return synced;
  }
  finished = true;
  return {};
}

}  // namespace strata::tsdb
