#include "interop/prometheus_block.h"

#include <algorithm>

#include "base/hash.h"
#include "interop/histogram_chunk.h"
#include "interop/prometheus_bytes.h"
#include "interop/xor_chunk.h"

namespace strata::interop {
namespace {

constexpr uint64_t kCrcBytes = 4;

bool crc_is(std::string_view bytes, std::string_view crc) {
  return crc.size() == kCrcBytes && PrometheusReader(crc).u32() == crc32c(bytes);
}

}  // namespace

std::unexpected<Error> PrometheusBlock::damaged(std::string_view file, uint64_t offset,
                                                std::string_view what) const {
  return fail(ErrorCode::kCorruption,
              fmt::format("{}/{} is damaged at byte {}: {}", dir_, file, offset, what));
}

Result<std::unique_ptr<PrometheusBlock>> PrometheusBlock::open(Fs& fs, std::string dir) {
  std::unique_ptr<PrometheusBlock> block(new PrometheusBlock(std::move(dir)));
  TRY(block->open_chunks(fs));
  TRY(block->open_index(fs));
  TRY(block->open_tombstones(fs));
  return block;
}

/// The content of a section: u32 length, content, CRC32C.
Result<std::string_view> PrometheusBlock::section(uint64_t offset) const {
  const auto file = index_->bytes();
  if (offset > file.size()) return damaged("index", offset, "a section lies behind the file's end");
  PrometheusReader in(file.substr(offset));
  const auto content = in.take(in.u32());
  const auto crc = in.take(kCrcBytes);
  if (!in.ok()) return damaged("index", offset, "a section is longer than the file");
  if (!crc_is(content, crc)) return damaged("index", offset, "the checksum does not agree");
  return content;
}

Result<> PrometheusBlock::open_index(Fs& fs) {
  index_ = TRY(fs.map(dir_ + "/index"));
  const auto file = index_->bytes();
  PrometheusReader header(file);
  if (header.u32() != kIndexMagic) return damaged("index", 0, "it is no index of Prometheus");
  if (const auto version = header.u8(); version != kIndexVersion) {
    return bad_data(
        fmt::format("{}/index has version {}; only {} is read", dir_, version, kIndexVersion));
  }
  if (file.size() < kIndexHeader + kTocBytes) return damaged("index", 0, "it is too short");
  const uint64_t toc_at = file.size() - kTocBytes;
  PrometheusReader toc(file.substr(toc_at));
  if (!crc_is(file.substr(toc_at, kTocBytes - kCrcBytes), file.substr(file.size() - kCrcBytes))) {
    return damaged("index", toc_at, "the checksum of the table of contents does not agree");
  }
  const uint64_t symbols = toc.u64();
  const uint64_t series = toc.u64();
  const uint64_t label_indices = toc.u64();
  toc.u64();  // the table of label indices
  const uint64_t postings = toc.u64();
  TRY(read_symbols(symbols));
  // Series end where the next section that is there begins.
  uint64_t end = toc_at;
  for (const uint64_t next : {label_indices, postings}) {
    if (next > series) end = std::min(end, next);
  }
  TRY(find_series(series, end));
  return note_chunks();
}

Result<> PrometheusBlock::read_symbols(uint64_t offset) {
  const auto content = TRY(section(offset));
  PrometheusReader in(content);
  const uint32_t count = in.u32();
  const auto base = static_cast<uint64_t>(content.data() - index_->bytes().data());
  symbols_.reserve(std::min<size_t>(count, content.size()));
  for (uint32_t i = 0; i < count && in.ok(); ++i) {
    symbols_.push_back(base + in.at());
    in.take(in.uvarint());
  }
  if (!in.ok()) return damaged("index", offset, "a symbol is longer than its section");
  return {};
}

Result<std::string_view> PrometheusBlock::symbol(uint32_t i) const {
  if (i >= symbols_.size()) return damaged("index", 0, fmt::format("there is no symbol {}", i));
  PrometheusReader in(index_->bytes().substr(symbols_[i]));
  return in.take(in.uvarint());  // checked by read_symbols()
}

Result<> PrometheusBlock::find_series(uint64_t begin, uint64_t end) {
  const auto file = index_->bytes();
  for (uint64_t at = begin; at < end;) {
    at += (kSeriesAlignment - at % kSeriesAlignment) % kSeriesAlignment;
    if (at >= end) break;
    PrometheusReader in(file.substr(at, end - at));
    const uint64_t length = in.uvarint();
    // Padding before the next section reads as an empty entry.
    if (in.ok() && length == 0) break;
    const auto content = in.take(length);
    const auto crc = in.take(kCrcBytes);
    if (!in.ok()) return damaged("index", at, "a series is longer than its section");
    if (!crc_is(content, crc)) return damaged("index", at, "the checksum does not agree");
    series_.push_back(at);
    at += in.at();
  }
  return {};
}

Result<PrometheusBlock::Entry> PrometheusBlock::entry(size_t i) const {
  const uint64_t at = series_[i];
  PrometheusReader outer(index_->bytes().substr(at));
  PrometheusReader in(outer.take(outer.uvarint()));  // both checked by find_series()
  Entry out;
  const auto is_symbol = [this](uint64_t s) { return s < symbols_.size(); };
  const uint64_t labels = in.uvarint();
  for (uint64_t k = 0; k < labels && in.ok(); ++k) {
    const uint64_t name = in.uvarint();
    const uint64_t value = in.uvarint();
    if (!is_symbol(name) || !is_symbol(value)) {
      return damaged("index", at, "a series refers to a symbol that is not there");
    }
    out.labels.emplace_back(static_cast<uint32_t>(name), static_cast<uint32_t>(value));
  }
  const uint64_t chunks = in.uvarint();
  uint64_t last = 0;  // unsigned: what is damaged may overflow
  uint64_t ref = 0;
  for (uint64_t k = 0; k < chunks && in.ok(); ++k) {
    const uint64_t min = k == 0 ? static_cast<uint64_t>(in.varint()) : last + in.uvarint();
    last = min + in.uvarint();
    ref = k == 0 ? in.uvarint() : ref + static_cast<uint64_t>(in.varint());
    out.chunks.push_back({{static_cast<TimestampMs>(min), static_cast<TimestampMs>(last)}, ref});
  }
  if (!in.ok()) return damaged("index", at, "a series ends early");
  return out;
}

Result<> PrometheusBlock::note_chunks() {
  for (size_t i = 0; i < series_.size(); ++i) {
    for (const Chunk& c : TRY(entry(i)).chunks) {
      time_range_ = {std::min(time_range_.min, c.range.min),
                     std::max(time_range_.max, c.range.max)};
    }
  }
  return {};
}

Result<> PrometheusBlock::open_chunks(Fs& fs) {
  const std::string dir = dir_ + "/chunks";
  for (const DirEntry& file : TRY(fs.list(dir))) {
    const std::string expected = fmt::format("{:06}", segments_.size() + 1);
    if (file.name != expected) {
      return fail(ErrorCode::kCorruption, fmt::format("{}/{} is missing", dir, expected));
    }
    segments_.push_back(TRY(fs.map(dir + "/" + file.name)));
    PrometheusReader in(segments_.back()->bytes());
    const uint32_t magic = in.u32();
    const uint8_t version = in.u8();
    if (magic != kChunksMagic || version != kChunksVersion) {
      return damaged("chunks/" + file.name, 0, "it is no file of chunks");
    }
  }
  return {};
}

Result<PrometheusBlock::ChunkData> PrometheusBlock::chunk(uint64_t ref) const {
  const uint64_t segment = ref >> 32;
  const uint64_t offset = ref & UINT32_MAX;
  const std::string name = fmt::format("chunks/{:06}", segment + 1);
  if (segment >= segments_.size() || offset >= segments_[segment]->bytes().size()) {
    return damaged(name, offset, "the index has a chunk there, and there is none");
  }
  PrometheusReader in(segments_[segment]->bytes().substr(offset));
  const uint64_t length = in.uvarint();
  ChunkData out{in.u8(), in.take(length)};
  if (!in.ok()) return damaged(name, offset, "a chunk is longer than the file");
  return out;
}

Result<> PrometheusBlock::open_tombstones(Fs& fs) {
  const std::string path = dir_ + "/tombstones";
  if (!fs.exists(path)) return {};
  const std::string bytes = TRY(fs.read_file(path));
  const std::string_view file = bytes;
  PrometheusReader in(file);
  if (in.u32() != kTombstonesMagic || in.u8() != kTombstonesVersion || in.left() < kCrcBytes) {
    return damaged("tombstones", 0, "it is no file of tombstones");
  }
  const auto content = file.substr(in.at(), in.left() - kCrcBytes);
  if (!crc_is(content, file.substr(file.size() - kCrcBytes))) {
    return damaged("tombstones", in.at(), "the checksum does not agree");
  }
  PrometheusReader stones(content);
  while (stones.ok() && stones.left() > 0) {
    const uint64_t series = stones.uvarint();
    const TimestampMs min = stones.varint();
    deleted_[series].push_back({min, stones.varint()});
  }
  if (!stones.ok()) return damaged("tombstones", in.at(), "a tombstone ends early");
  return {};
}

Result<Labels> PrometheusBlock::labels(size_t i) const {
  const Entry found = TRY(entry(i));
  std::vector<Label> labels;
  for (const auto& [name, value] : found.labels) {
    labels.push_back({
      TRY(symbol(name))
      , TRY(symbol(value))
    });
  }
  return Labels::from(std::move(labels));
}

Result<> PrometheusBlock::read(size_t i, TimeRange range, SampleColumns& out) const {
  out.clear();
  const Entry found = TRY(entry(i));
  const auto stones = deleted_.find(series_[i] / kSeriesAlignment);
  SampleColumns samples;
  for (const Chunk& c : found.chunks) {
    if (!c.range.overlaps(range)) continue;
    const ChunkData data = TRY(chunk(c.ref));
    const std::string name = fmt::format("chunks/{:06}", (c.ref >> 32) + 1);
    const uint64_t offset = c.ref & UINT32_MAX;
    const std::string_view checked(data.data.data() - 1, data.data.size() + 1);  // and encoding
    const std::string_view crc(data.data.data() + data.data.size(), kCrcBytes);
    const auto file = segments_[c.ref >> 32]->bytes();
    if (crc.data() + crc.size() > file.data() + file.size() || !crc_is(checked, crc)) {
      return damaged(name, offset, "the checksum of a chunk does not agree");
    }
    const auto encoding = static_cast<ChunkEncoding>(data.encoding);
    const bool native =
        encoding == ChunkEncoding::kHistogram || encoding == ChunkEncoding::kFloatHistogram;
    if (encoding != ChunkEncoding::kXor && !native) {
      return bad_data(fmt::format("{}/{} has a chunk of encoding {} at byte {}, which is not read",
                                  dir_, name, data.encoding, offset));
    }
    samples.clear();
    if (auto read = native ? read_histogram_chunk(encoding, data.data, samples)
                           : read_xor_chunk(data.data, samples);
        !read) {
      return damaged(name, offset, read.error().message);
    }
    for (size_t k = 0; k < samples.size(); ++k) {
      const TimestampMs t = samples.t[k];
      const bool deleted =
          stones != deleted_.end() &&
          std::ranges::any_of(stones->second, [t](TimeRange r) { return r.contains(t); });
      if (!range.contains(t) || deleted) continue;
      if (!out.t.empty() && t <= out.t.back()) {
        return damaged(name, offset, "times of a series do not ascend");
      }
      if (native) out.h.resize(out.t.size());
      out.t.push_back(t);
      out.v.push_back(samples.v[k]);
      if (native) out.h.push_back(std::move(samples.h[k]));
    }
  }
  if (!out.h.empty()) out.h.resize(out.t.size());
  return {};
}

bool is_prometheus_block(Fs& fs, const std::string& dir) {
  return fs.exists(dir + "/meta.json") && fs.exists(dir + "/index") && fs.exists(dir + "/chunks");
}

Result<std::vector<std::string>> find_prometheus_blocks(Fs& fs, const std::string& dir) {
  if (is_prometheus_block(fs, dir)) return std::vector{dir};
  std::vector<std::string> out;
  for (const DirEntry& entry : TRY(fs.list(dir))) {
    const std::string path = dir + "/" + entry.name;
    // A name with a dot is half a block: Prometheus renames it when it is whole.
    if (!entry.is_directory || entry.name.find('.') != std::string::npos) continue;
    if (is_prometheus_block(fs, path)) out.push_back(path);
  }
  if (out.empty()) {
    return fail(ErrorCode::kNotFound,
                fmt::format("{} is no block of Prometheus and has none", dir));
  }
  return out;
}

}  // namespace strata::interop
