#include "tsdb/block_histograms.h"

#include <algorithm>
#include <cstring>

#include "base/hash.h"
#include "tsdb/block_format.h"
#include "tsdb/byte_reader.h"
#include "tsdb/histogram_codec.h"

namespace strata::tsdb {
namespace {

constexpr std::string_view kMagic = "STRATAHS";
constexpr std::string_view kEndMagic = "STRATAHE";
constexpr uint32_t kVersion = 1;
constexpr size_t kTailBytes = 16;  // number of rows, CRC32C, magic
constexpr size_t kWriteBytes = size_t{1} << 20;

std::string header() {
  std::string out(kMagic);
  append_fixed(out, kVersion);
  append_fixed(out, uint32_t{0});
  return out;
}

}  // namespace

Result<> BlockHistogramsWriter::write(std::string_view bytes) {
  pending_.append(bytes);
  bytes_ += bytes.size();
  if (pending_.size() < kWriteBytes) return {};
  TRY(file_->append(pending_));
  pending_.clear();
  return {};
}

Result<> BlockHistogramsWriter::add(uint32_t series, std::span<const HistogramSample> samples) {
  if (samples.empty()) return {};
  if (std::ranges::adjacent_find(samples, std::greater_equal<>(), &HistogramSample::t) !=
      samples.end()) {
    return bad_data(fmt::format("{}: times of series {} do not ascend", path_, series));
  }
  if (!file_) {
    file_ = TRY(fs_.create(path_));
    TRY(write(header()));
  }
  while (!samples.empty()) {
    chunk_.clear();
    const size_t taken =
        encode_histogram_chunk(samples.first(std::min(samples.size(), kBlockChunkRows)), chunk_);
    const TimeRange range{samples.front().t, samples[taken - 1].t};
    table_.push_back({.series = series,
                      .rows = static_cast<uint32_t>(taken),
                      .min_time = range.min,
                      .max_time = range.max,
                      .offset = bytes_,
                      .length = static_cast<uint32_t>(chunk_.size())});
    std::string frame;
    append_fixed(frame, static_cast<uint32_t>(chunk_.size()));
    append_fixed(frame, crc32c(chunk_));
    TRY(write(frame));
    TRY(write(chunk_));
    range_ = {std::min(range_.min, range.min), std::max(range_.max, range.max)};
    samples_ += taken;
    samples = samples.subspan(taken);
  }
  return {};
}

Result<> BlockHistogramsWriter::finish() {
  if (!file_) return {};
  std::ranges::sort(table_, {},
                    [](const HistogramChunkEntry& e) { return std::pair(e.series, e.min_time); });
  for (size_t i = 1; i < table_.size(); ++i) {
    if (table_[i].series != table_[i - 1].series || table_[i].min_time > table_[i - 1].max_time) {
      continue;
    }
    return bad_data(fmt::format("{}: histograms of series {} overlap", path_, table_[i].series));
  }
  std::string tail(reinterpret_cast<const char*>(table_.data()),
                   table_.size() * sizeof(HistogramChunkEntry));
  append_fixed(tail, static_cast<uint32_t>(table_.size()));
  append_fixed(tail, crc32c(tail, crc32c(header())));
  tail.append(kEndMagic);
  TRY(write(tail));
  TRY(file_->append(pending_));
  pending_.clear();
  return file_->sync();
}

Result<std::unique_ptr<BlockHistograms>> BlockHistograms::open(Fs& fs, std::string path,
                                                               uint64_t bytes) {
  std::unique_ptr<BlockHistograms> out(new BlockHistograms(std::move(path)));
  out->file_ = TRY(fs.map(out->path_));
  const std::string_view file = out->file_->bytes();
  const auto damaged = [&](std::string_view what) {
    return fail(ErrorCode::kCorruption, fmt::format("{}: {}", out->path_, what));
  };
  if ((bytes != 0 && file.size() != bytes) || file.size() < kFileHeaderBytes + kTailBytes ||
      !file.starts_with(kMagic) || !file.ends_with(kEndMagic)) {
    return damaged("it is cut short, or no file of histograms");
  }
  ByteReader tail(file.substr(file.size() - kTailBytes));
  const size_t count = tail.u32();
  const uint32_t crc = tail.u32();
  const size_t room = file.size() - kFileHeaderBytes - kTailBytes;
  if (count > room / sizeof(HistogramChunkEntry)) return damaged("its table is damaged");
  const size_t table_bytes = count * sizeof(HistogramChunkEntry);
  const size_t table_at = file.size() - kTailBytes - table_bytes;
  if (crc32c(file.substr(table_at, table_bytes + 4), crc32c(file.substr(0, kFileHeaderBytes))) !=
      crc) {
    return damaged("its table is damaged");
  }
  ByteReader head(file.substr(kMagic.size()));
  if (head.u32() > kVersion) return damaged("its version is newer than this program");
  out->table_ = file.substr(table_at, table_bytes);
  out->count_ = count;
  return out;
}

HistogramChunkEntry BlockHistograms::entry(size_t i) const {
  HistogramChunkEntry out;
  std::memcpy(&out, table_.data() + i * sizeof out, sizeof out);
  return out;
}

std::pair<size_t, size_t> BlockHistograms::rows_of(uint32_t series) const {
  const auto first_with = [this](uint64_t wanted) {
    size_t low = 0;
    size_t high = count_;
    while (low < high) {
      const size_t middle = low + (high - low) / 2;
      if (entry(middle).series < wanted) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  };
  return {first_with(series), first_with(uint64_t{series} + 1)};
}

Result<std::string_view> BlockHistograms::chunk_bytes(const HistogramChunkEntry& entry) const {
  const std::string_view file = file_->bytes();
  const auto damaged = [&](std::string_view what) {
    return fail(ErrorCode::kCorruption,
                fmt::format("{}: {}; {} histograms at offset {}, from {} to {}, cannot be read",
                            path_, what, entry.rows, entry.offset, entry.min_time, entry.max_time));
  };
  if (entry.offset > file.size() || kTileFrameBytes + entry.length > file.size() - entry.offset) {
    return damaged("a chunk lies behind the file's end");
  }
  ByteReader in(file.substr(entry.offset, kTileFrameBytes + entry.length));
  const uint32_t length = in.u32();
  const uint32_t crc = in.u32();
  if (length != entry.length || crc32c(in.rest()) != crc) {
    return damaged("a checksum does not match");
  }
  return in.rest();
}

Result<> BlockHistograms::read_chunk(const HistogramChunkEntry& entry, TimeRange range,
                                     std::vector<HistogramSample>& out) const {
  const std::string_view bytes = TRY(chunk_bytes(entry));
  const auto chunk = HistogramChunk::open(bytes);
  auto read = chunk ? chunk->read(range, out) : std::unexpected(chunk.error());
  if (!read) return std::unexpected(read.error().within(path_));
  return {};
}

Result<> BlockHistograms::read(uint32_t series, TimeRange range, std::vector<HistogramSample>& out,
                               const OnDamage& on_damage) const {
  const auto [first, end] = rows_of(series);
  for (size_t i = first; i < end; ++i) {
    const HistogramChunkEntry e = entry(i);
    if (!range.overlaps({e.min_time, e.max_time})) continue;
    if (auto done = read_chunk(e, range, out); !done) TRY(on_damage(done.error(), e));
  }
  return {};
}

Result<bool> BlockHistograms::read_last(uint32_t series, TimeRange range, HistogramSample& out,
                                        const OnDamage& on_damage) const {
  const auto [first, end] = rows_of(series);
  for (size_t i = end; i-- > first;) {
    const HistogramChunkEntry e = entry(i);
    if (!range.overlaps({e.min_time, e.max_time})) continue;
    const auto last = [&]() -> Result<bool> {
      const std::string_view bytes = TRY(chunk_bytes(e));
      return TRY(HistogramChunk::open(bytes))
      .read_last(range, out);
    }();
    if (!last) {
      TRY(on_damage(last.error(), e));
    } else if (*last) {
      return true;
    }
  }
  return false;
}

TimeRange BlockHistograms::time_range(uint32_t series) const {
  const auto [first, end] = rows_of(series);
  if (first == end) return {kMaxTime, kMinTime};
  return {entry(first).min_time, entry(end - 1).max_time};
}

}  // namespace strata::tsdb
