#include "interop/store_import.h"

#include <algorithm>
#include <tuple>

#include "tsdb/frame_file.h"
#include "tsdb/window.h"

namespace strata::interop {
namespace {

constexpr Millis kBlockSpan = std::chrono::hours(2);  // block names are of windows of this

std::string staging(const std::string& path) { return path + "/import.tmp"; }

}  // namespace

Result<std::unique_ptr<StoreImport>> StoreImport::begin(Fs& fs, std::string path) {
  std::unique_ptr<StoreImport> out(new StoreImport(fs, std::move(path)));
  const std::string blocks = out->path_ + "/blocks";
  TRY(fs.create_directories(blocks));
  auto lock = fs.lock(out->path_ + "/lock");
  if (!lock && lock.error().code == ErrorCode::kConflict) {
    return fail(ErrorCode::kConflict,
                fmt::format("the store {} is in use: stop the server first", out->path_));
  }
  out->lock_ = TRY(std::move(lock));
  for (const DirEntry& entry : TRY(fs.list(blocks))) {
    const size_t dash = entry.name.rfind('-');
    if (dash == std::string::npos) continue;
    const uint64_t number = tsdb::parse_numbered_name(entry.name.substr(dash + 1));
    out->sequence_ = std::max(out->sequence_, number);
  }
  if (fs.exists(staging(out->path_))) TRY(fs.remove_all(staging(out->path_)));
  TRY(fs.create_directories(staging(out->path_)));
  return out;
}

StoreImport::~StoreImport() {
  // Nothing more can be done about a failure: the next import removes it.
  if (lock_) (void)fs_.remove_all(staging(path_));
}

Result<std::unique_ptr<tsdb::BlockWriter>> StoreImport::new_block(TimestampMs start) {
  const std::string name = fmt::format("{:013}-{}", tsdb::window_start(start, kBlockSpan),
                                       tsdb::numbered_name(++sequence_));
  blocks_.push_back(name);
  return tsdb::BlockWriter::create(fs_, staging(path_) + "/" + name);
}

Result<> StoreImport::finish_block(tsdb::BlockWriter& writer) {
  const tsdb::BlockMeta meta = TRY(writer.finish());
  if (meta.samples == 0) {
    blocks_.pop_back();
    return {};
  }
  stats_.series += meta.series;
  stats_.samples += meta.samples;
  stats_.bytes += meta.data_bytes + meta.index_bytes;
  stats_.range.min = std::min(stats_.range.min, meta.min_time);
  stats_.range.max = std::max(stats_.range.max, meta.max_time);
  return {};
}

Result<ImportStats> StoreImport::publish() {
  const std::string blocks = path_ + "/blocks";
  for (size_t i = 0; i < blocks_.size(); ++i) {
    const auto moved = fs_.rename(staging(path_) + "/" + blocks_[i], blocks + "/" + blocks_[i]);
    if (moved) continue;
    for (size_t k = 0; k < i; ++k) (void)fs_.remove_all(blocks + "/" + blocks_[k]);
    return std::unexpected(moved.error());
  }
  TRY(fs_.sync_dir(blocks));
  stats_.blocks = blocks_.size();
  return stats_;
}

namespace {

// `columns[i]` for i in `members`, in tiles over `times`, which has all of theirs.
Result<> write_tiles(tsdb::BlockWriter& writer, std::span<const TimestampMs> times,
                     std::span<const uint32_t> numbers, std::span<const SampleColumns> columns,
                     std::span<const uint32_t> members) {
  std::vector<size_t> done(members.size());
  std::vector<uint32_t> tile_numbers;
  for (const uint32_t m : members) tile_numbers.push_back(numbers[m]);
  for (size_t begin = 0; begin < times.size(); begin += tsdb::kMaxTileRows) {
    const auto rows = times.subspan(begin, std::min(tsdb::kMaxTileRows, times.size() - begin));
    const size_t words = (rows.size() + 63) / 64;
    std::vector<uint64_t> presence(words * members.size());
    std::vector<tsdb::ColumnInput> inputs(members.size());
    for (size_t i = 0; i < members.size(); ++i) {
      const SampleColumns& column = columns[members[i]];
      const size_t from = done[i];
      uint64_t* bits = presence.data() + i * words;
      for (size_t row = 0; row < rows.size() && done[i] < column.size(); ++row) {
        if (rows[row] != column.t[done[i]]) continue;
        bits[row / 64] |= uint64_t{1} << (row % 64);
        ++done[i];
      }
      inputs[i].values = std::span(column.v).subspan(from, done[i] - from);
      if (inputs[i].values.size() != rows.size()) inputs[i].presence = bits;
    }
    TRY(writer.add_tile(rows, tile_numbers, inputs));
  }
  return {};
}

}  // namespace

Result<> write_columns(tsdb::BlockWriter& writer, std::span<const uint32_t> numbers,
                       std::span<const SampleColumns> columns) {
  std::vector<TimestampMs> times;
  std::vector<uint32_t> members;
  size_t longest = 0;
  for (uint32_t i = 0; i < columns.size(); ++i) {
    if (columns[i].t.empty()) continue;
    members.push_back(i);
    longest = std::max(longest, columns[i].size());
    const size_t middle = times.size();
    // Series of one target mostly repeat the times that are there already.
    if (middle == columns[i].size() && times == columns[i].t) continue;
    times.insert(times.end(), columns[i].t.begin(), columns[i].t.end());
    std::ranges::inplace_merge(times, times.begin() + static_cast<ptrdiff_t>(middle));
    times.erase(std::ranges::unique(times).begin(), times.end());
  }
  if (times.size() <= longest * 2) return write_tiles(writer, times, numbers, columns, members);
  // Times that hardly meet: one tile for each set of them.
  std::ranges::sort(members, [&](uint32_t a, uint32_t b) {
    return std::tie(columns[a].t, a) < std::tie(columns[b].t, b);
  });
  for (size_t i = 0; i < members.size();) {
    size_t end = i + 1;
    while (end < members.size() && columns[members[end]].t == columns[members[i]].t) ++end;
    TRY(write_tiles(writer, columns[members[i]].t, numbers, columns,
                    std::span(members).subspan(i, end - i)));
    i = end;
  }
  return {};
}

}  // namespace strata::interop
