#include "tsdb/tile_store.h"

#include "base/log.h"
#include "tsdb/frame.h"
#include "tsdb/record.h"
#include "tsdb/wal_record.h"
#include "tsdb/window.h"

namespace strata::tsdb {
namespace {

// Windows that are written at a time: now, the one before, and late arrivals.
constexpr size_t kMaxWriters = 4;

constexpr uint8_t kTargetTile = 1;
constexpr uint8_t kTimedTile = 2;
constexpr uint8_t kLateTile = 3;
constexpr uint8_t kHistograms = 4;
constexpr uint8_t kLateHistograms = 5;

uint8_t kind_of(const TileRecord& record) {
  if (record.histograms) return record.late ? kLateHistograms : kHistograms;
  return !record.timed ? kTargetTile : record.late ? kLateTile : kTimedTile;
}

}  // namespace

Result<TileBytes> TileSegment::read(uint64_t offset, uint32_t length) const {
  MutexLock lock(mutex_);
  if (!mapping_ || mapping_->bytes().size() < offset + length) {
    mapping_ = TRY(fs_.map(path_));
    if (mapping_->bytes().size() < offset + length) {
      return fail(ErrorCode::kCorruption, fmt::format("{} is shorter than it was", path_));
    }
  }
  return TileBytes{mapping_, mapping_->bytes().substr(offset, length)};
}

void encode_tile_record(std::string& out, const TileRecord& record) {
  record::put_byte(out, kind_of(record));
  record::put_varint(out, record.owner);
  record::put_zigzag(out, record.range.min);
  record::put_zigzag(out, record.range.max);
  record::put_varint(out, record.rows);
  if (record.timed) return;
  record::put_varint(out, record.first_column);
  encode_columns(out, record.columns);
}

Result<> decode_tile_record(std::string_view& payload, TileRecord& out) {
  record::Reader in(payload);
  const uint8_t kind = in.byte();
  if (kind < kTargetTile || kind > kLateHistograms) {
    return fail(ErrorCode::kCorruption, "tile record: unknown kind");
  }
  out.timed = kind != kTargetTile;
  out.late = kind == kLateTile || kind == kLateHistograms;
  out.histograms = kind == kHistograms || kind == kLateHistograms;
  out.owner = static_cast<uint32_t>(in.bounded(UINT32_MAX));
  out.range.min = in.zigzag();
  out.range.max = in.zigzag();
  out.rows = static_cast<uint32_t>(in.bounded(kMaxTileRows));
  out.columns.clear();
  out.first_column = 0;
  std::string_view rest = in.rest();
  if (!out.timed) {
    out.first_column = static_cast<uint32_t>(in.bounded(UINT32_MAX));
    rest = in.rest();
    TRY(decode_columns(rest, kMaxTileColumns, out.columns));
  }
  if (!in.ok() || out.rows == 0 || out.range.min > out.range.max) {
    return fail(ErrorCode::kCorruption, "tile record: bad header");
  }
  payload = rest;
  return {};
}

Result<std::unique_ptr<TileStore>> TileStore::open(Fs& fs, std::string dir, Millis window,
                                                   uint64_t segment_bytes) {
  TRY(fs.create_directories(dir));
  return std::unique_ptr<TileStore>(new TileStore(fs, std::move(dir), window, segment_bytes));
}

void TileStore::forget_segments(const std::vector<uint64_t>& numbers) {
  for (const uint64_t number : numbers) {
    if (fs_.exists(path(number))) (void)fs_.remove(path(number));
  }
}

Result<std::vector<TileStore::Damage>> TileStore::recover(const OnTile& on_tile) {
  std::vector<Damage> damage;
  for (const DirEntry& entry : TRY(fs_.list(dir_))) {
    const uint64_t number = parse_numbered_name(entry.name);
    if (number == 0 || entry.is_directory) continue;
    {
      MutexLock lock(mutex_);
      last_number_ = std::max(last_number_, number);
      sizes_[number] = entry.size;
      names_unsynced_ = true;
      unsynced_.insert(number);  // the process that wrote it may have been killed before
    }
    TRY(recover_segment(number, entry.size, on_tile, damage));
  }
  return damage;
}

Result<> TileStore::recover_segment(uint64_t number, uint64_t size, const OnTile& on_tile,
                                    std::vector<Damage>& damage) {
  auto segment = std::make_shared<TileSegment>(fs_, path(number), number);
  segment->closed = true;
  const std::shared_ptr<const MappedFile> mapping = TRY(fs_.map(path(number)));
  FrameReader reader(mapping->bytes());
  Frame frame;
  TileRecord record;
  while (reader.next(frame)) {
    std::string_view payload = frame.payload;
    if (!decode_tile_record(payload, record)) {
      damage.push_back({path(number), frame.offset, frame.payload.size(), 1, false});
      segment->damaged = true;
      continue;
    }
    SealedTile tile{.range = record.range,
                    .rows = record.rows,
                    .first_column = record.first_column,
                    .segment = segment,
                    .offset = static_cast<uint64_t>(payload.data() - mapping->bytes().data()),
                    .length = static_cast<uint32_t>(payload.size())};
    ++segment->live_tiles;
    ++tiles_;
    on_tile(record, tile);
  }
  for (const FrameDamage& d : reader.damage()) {
    damage.push_back({path(number), d.offset, d.bytes, d.frames, d.torn});
    if (!d.torn) segment->damaged = true;
  }
  if (size == 0 || segment->live_tiles == 0) remove_if_empty(segment);
  return {};
}

Result<TileStore::Writer*> TileStore::writer_for(TimestampMs t) {
  const TimestampMs window = window_start(t, window_);
  auto found = writers_.find(window);
  if (found != writers_.end() && found->second.file.size() >= segment_bytes_) {
    close_writer(found);
    found = writers_.end();
  }
  if (found == writers_.end()) {
    if (writers_.size() >= kMaxWriters) {
      close_writer(std::ranges::min_element(writers_, {},
                                            [](const auto& entry) { return entry.second.used; }));
    }
    const uint64_t number = last_number_ + 1;
    auto file = TRY(FrameFile::create(fs_, path(number)));
    last_number_ = number;
    names_unsynced_ = true;
    sizes_[number] = 0;
    found = writers_
                .emplace(window, Writer{std::move(file),
                                        std::make_shared<TileSegment>(fs_, path(number), number)})
                .first;
  }
  found->second.used = ++tick_;
  return &found->second;
}

void TileStore::close_writer(std::map<TimestampMs, Writer>::iterator it) {
  it->second.segment->closed = true;
  writers_.erase(it);
}

Result<> TileStore::append(std::string& frame, size_t tile_at, SealedTile& out) {
  MutexLock lock(mutex_);
  Writer* writer = TRY(writer_for(out.range.min));
  end_frame(frame, 0, sequence_);
  const uint64_t offset = TRY(writer->file.append(frame));
  ++sequence_;
  const uint64_t number = writer->segment->number();
  sizes_[number] = writer->file.size();
  unsynced_.insert(number);
  out.segment = writer->segment;
  out.offset = offset + tile_at;
  out.length = static_cast<uint32_t>(frame.size() - tile_at);
  ++writer->segment->live_tiles;
  ++tiles_;
  return {};
}

void TileStore::remove_if_empty(const std::shared_ptr<TileSegment>& segment) {
  if (!segment->closed || segment->live_tiles > 0) return;
  {
    MutexLock lock(mutex_);
    if (sizes_.erase(segment->number()) == 0) return;
    unsynced_.erase(segment->number());
  }
  if (segment->damaged) {
    keep_aside(fs_, segment->path());
  } else if (auto removed = fs_.remove(segment->path()); !removed) {
    log_warn("a tile segment could not be removed",
             {{"file", segment->path()}, {"error", removed.error().message}});
  }
}

void TileStore::drop(const SealedTile& tile) {
  --tiles_;
  if (--tile.segment->live_tiles == 0) remove_if_empty(tile.segment);
}

uint64_t TileStore::close_segments() {
  std::vector<std::shared_ptr<TileSegment>> closed;
  uint64_t next = 0;
  {
    MutexLock lock(mutex_);
    while (!writers_.empty()) {
      closed.push_back(writers_.begin()->second.segment);
      close_writer(writers_.begin());
    }
    next = last_number_ + 1;
  }
  for (const auto& segment : closed) remove_if_empty(segment);
  return next;
}

Result<> TileStore::sync() {
  std::set<uint64_t> segments;
  bool names = false;
  {
    MutexLock lock(mutex_);
    segments.swap(unsynced_);
    std::swap(names, names_unsynced_);
  }
  Result<> result;
  for (const uint64_t number : segments) {
    // A cut may have removed it meanwhile.
    if (!fs_.exists(path(number))) continue;
    result = sync_file(fs_, path(number));
    if (!result) break;
  }
  if (result && names) result = fs_.sync_dir(dir_);
  if (result) return {};
  MutexLock lock(mutex_);
  for (const uint64_t number : segments) {
    if (sizes_.contains(number)) unsynced_.insert(number);
  }
  names_unsynced_ |= names;
  return result;
}

TileStoreStats TileStore::stats() const {
  MutexLock lock(mutex_);
  TileStoreStats out{.tiles = tiles_, .segments = sizes_.size()};
  for (const auto& [number, size] : sizes_) out.bytes += size;
  return out;
}

}  // namespace strata::tsdb
