#include "interop/prometheus_block_writer.h"

#include <algorithm>
#include <random>

#include "base/hash.h"
#include "base/json.h"
#include "interop/chunks.h"
#include "interop/prometheus_bytes.h"
#include "interop/prometheus_index.h"

namespace strata::interop {
namespace {

constexpr uint64_t kSegmentBytes = uint64_t{512} << 20;
constexpr size_t kWriteBytes = size_t{1} << 20;

}  // namespace

std::string make_ulid(TimestampMs time, uint64_t entropy_high, uint64_t entropy_low) {
  constexpr std::string_view kDigits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";  // Crockford's base 32
  constexpr int kTimeDigits = 10;
  constexpr int kEntropyDigits = 8;  // each: 40 bits
  std::string out;
  const auto append = [&](uint64_t value, int digits) {
    for (int i = digits; i-- > 0;) out += kDigits[(value >> (5 * i)) & 31];
  };
  append(static_cast<uint64_t>(time) & ((uint64_t{1} << 48) - 1), kTimeDigits);
  append(entropy_high, kEntropyDigits);
  append(entropy_low, kEntropyDigits);
  return out;
}

PrometheusBlockWriter::PrometheusBlockWriter(Fs& fs, std::string parent, std::string ulid,
                                             TimeRange window)
    : fs_(fs),
      parent_(std::move(parent)),
      ulid_(std::move(ulid)),
      temporary_(fmt::format("{}/{}.tmp-for-creation", parent_, ulid_)),
      window_(window) {
  stats_.dir = parent_ + "/" + ulid_;
}

PrometheusBlockWriter::~PrometheusBlockWriter() {
  if (finished_) return;
  segment_.reset();
  // Nothing more can be done about a failure: what is left is a temporary directory.
  (void)fs_.remove_all(temporary_);
}

Result<std::unique_ptr<PrometheusBlockWriter>> PrometheusBlockWriter::create(Fs& fs,
                                                                             const Clock& clock,
                                                                             std::string parent,
                                                                             TimeRange window) {
  std::random_device random;
  const auto entropy = [&random] { return uint64_t{random()} << 32 | random(); };
  std::string ulid = make_ulid(clock.now_ms(), entropy(), entropy());
  std::unique_ptr<PrometheusBlockWriter> writer(
      new PrometheusBlockWriter(fs, std::move(parent), std::move(ulid), window));
  TRY(fs.create_directories(writer->temporary_ + "/chunks"));
  return writer;
}

Result<> PrometheusBlockWriter::start_segment() {
  segment_ = TRY(fs_.create(fmt::format("{}/chunks/{:06}", temporary_, ++segments_)));
  append_u32(pending_, kChunksMagic);
  pending_ += static_cast<char>(kChunksVersion);
  pending_.append(kChunksHeader - pending_.size(), '\0');
  segment_bytes_ = pending_.size();
  return {};
}

Result<> PrometheusBlockWriter::end_segment() {
  if (!segment_) return {};
  TRY(segment_->append(pending_));
  pending_.clear();
  TRY(segment_->sync());
  segment_.reset();
  return {};
}

/// Writes `chunk_`, which begins with its encoding.
Result<uint64_t> PrometheusBlockWriter::write_chunk() {
  if (segment_ && segment_bytes_ + chunk_.size() > kSegmentBytes) TRY(end_segment());
  if (!segment_) TRY(start_segment());
  const uint64_t ref = (segments_ - 1) << 32 | segment_bytes_;
  const size_t before = pending_.size();
  append_uvarint(pending_, chunk_.size() - 1);
  pending_ += chunk_;
  append_u32(pending_, crc32c(chunk_));
  segment_bytes_ += pending_.size() - before;
  if (pending_.size() >= kWriteBytes) {
    TRY(segment_->append(pending_));
    pending_.clear();
  }
  return ref;
}

Result<> PrometheusBlockWriter::add(const Labels& labels, const SampleColumns& samples) {
  if (!series_.empty() && !(series_.back().labels < labels)) {
    return bad_data(fmt::format("series {} comes too late", labels.to_string()));
  }
  Series series{labels, {}};
  for (const Chunk& chunk : encode_chunks(samples)) {
    chunk_.assign(1, static_cast<char>(chunk.encoding));
    chunk_ += chunk.data;
    series.chunks.push_back({ chunk.range, TRY(write_chunk()) });
  }
  if (series.chunks.empty()) return {};
  stats_.range.min = std::min(stats_.range.min, samples.t.front());
  stats_.range.max = std::max(stats_.range.max, samples.t.back());
  stats_.samples += samples.size();
  stats_.chunks += series.chunks.size();
  ++stats_.series;
  series_.push_back(std::move(series));
  return {};
}

Result<> PrometheusBlockWriter::write_file(const std::string& name, std::string_view bytes) {
  auto file = TRY(fs_.create(temporary_ + "/" + name));
  TRY(file->append(bytes));
  return file->sync();
}

Result<> PrometheusBlockWriter::write_index() {
  PrometheusIndexBuilder index;
  for (const Series& series : series_) index.add_symbols(series.labels);
  index.write_symbols();
  std::string entry;
  for (const Series& series : series_) {
    entry.clear();
    append_uvarint(entry, series.chunks.size());
    TimestampMs last = 0;
    uint64_t ref = 0;
    for (size_t i = 0; i < series.chunks.size(); ++i) {
      const ChunkMeta& chunk = series.chunks[i];
      if (i == 0) {
        append_varint(entry, chunk.range.min);
      } else {
        append_uvarint(entry, static_cast<uint64_t>(chunk.range.min - last));
      }
      append_uvarint(entry, static_cast<uint64_t>(chunk.range.max - chunk.range.min));
      if (i == 0) {
        append_uvarint(entry, chunk.ref);
      } else {
        append_varint(entry, static_cast<int64_t>(chunk.ref - ref));
      }
      last = chunk.range.max;
      ref = chunk.ref;
    }
    index.write_series(series.labels, entry);
  }
  return write_file("index", TRY(index.finish()));
}

std::string PrometheusBlockWriter::meta_json() const {
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  json.key("ulid").string(ulid_);
  json.key("minTime").integer(window_.min);
  json.key("maxTime").integer(window_.max + 1);  // the first millisecond that is not in the block
  json.key("stats").begin_object();
  json.key("numSamples").integer(static_cast<int64_t>(stats_.samples));
  json.key("numSeries").integer(static_cast<int64_t>(stats_.series));
  json.key("numChunks").integer(static_cast<int64_t>(stats_.chunks));
  json.end_object();
  json.key("compaction").begin_object();
  json.key("level").integer(1);
  json.key("sources").begin_array().string(ulid_).end_array();
  json.end_object();
  json.key("version").integer(1);
  json.end_object();
  return out + "\n";
}

Result<PrometheusBlockStats> PrometheusBlockWriter::finish() {
  if (series_.empty()) return stats_;
  TRY(end_segment());
  TRY(write_index());
  std::string tombstones;
  append_u32(tombstones, kTombstonesMagic);
  tombstones += static_cast<char>(kTombstonesVersion);
  append_u32(tombstones, crc32c(""));
  TRY(write_file("tombstones", tombstones));
  TRY(write_file("meta.json", meta_json()));
  TRY(fs_.sync_dir(temporary_ + "/chunks"));
  TRY(fs_.sync_dir(temporary_));
  TRY(fs_.rename(temporary_, stats_.dir));
  finished_ = true;
  TRY(fs_.sync_dir(parent_));
  return stats_;
}

}  // namespace strata::interop
