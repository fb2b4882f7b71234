// Sealed tiles of the head: encoded, appended to segment files, read through mappings, so that they
// take no heap. Format: docs/formats/tiles.md.
//
// A segment holds tiles of one window of time, so that a cut empties it whole; it is removed when
// its last tile is dropped. Thread-safe. Bounded by the head's span: cuts drop tiles.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/fs.h"
#include "base/mutex.h"
#include "base/result.h"
#include "model/duration.h"
#include "model/sample.h"
#include "tsdb/frame_file.h"
#include "tsdb/ids.h"
#include "tsdb/layout.h"
#include "tsdb/tile.h"

namespace strata::tsdb {

/// The bytes of a tile and what keeps them mapped.
struct TileBytes {
  std::shared_ptr<const MappedFile> mapping;
  std::string_view bytes;
};

/// One segment file. Thread-safe.
class TileSegment {
 public:
  TileSegment(Fs& fs, std::string path, uint64_t number)
      : fs_(fs), path_(std::move(path)), number_(number) {}

  /// Maps what has been written so far when that is needed.
  Result<TileBytes> read(uint64_t offset, uint32_t length) const;
  const std::string& path() const { return path_; }
  uint64_t number() const { return number_; }

  std::atomic<uint32_t> live_tiles = 0;
  std::atomic<bool> closed = false;   // nothing is appended any more
  std::atomic<bool> damaged = false;  // kept aside instead of removed

 private:
  Fs& fs_;
  const std::string path_;
  const uint64_t number_;
  mutable Mutex mutex_;
  mutable std::shared_ptr<const MappedFile> mapping_ GUARDED_BY(mutex_);
};

/// A tile in a segment. A value; the segment outlives it.
struct SealedTile {
  TimeRange range;
  uint32_t rows = 0;
  uint32_t first_column = 0;  // of the layout: a layout that is too wide is split over tiles
  LayoutPtr layout{};         // null: samples of one series with times of their own
  std::shared_ptr<TileSegment> segment{};
  uint64_t offset = 0;
  uint32_t length = 0;

  Result<TileBytes> read() const { return segment->read(offset, length); }
};

/// What a tile record says before the tile's bytes.
struct TileRecord {
  bool timed = false;
  uint32_t owner = 0;       // the target, or the series of timed samples
  bool late = false;        // timed samples that came out of order
  bool histograms = false;  // timed, and a chunk of histogram_codec.h instead of a tile
  uint32_t first_column = 0;
  std::vector<SeriesId> columns{};  // of the tile; empty when timed
  TimeRange range;
  uint32_t rows = 0;
};
void encode_tile_record(std::string& out, const TileRecord& record);
/// Leaves the tile's bytes in `payload`. Error: kCorruption.
Result<> decode_tile_record(std::string_view& payload, TileRecord& out);

struct TileStoreStats {
  uint64_t tiles = 0;
  uint64_t bytes = 0;
  uint64_t segments = 0;
};

class TileStore {
 public:
  /// Damage that recovery met in a segment.
  struct Damage {
    std::string path;
    uint64_t offset = 0;
    uint64_t bytes = 0;
    uint64_t frames = 0;
    bool torn = false;
  };
  using OnTile = std::function<void(TileRecord& record, SealedTile& tile)>;

  static Result<std::unique_ptr<TileStore>> open(Fs& fs, std::string dir, Millis window,
                                                 uint64_t segment_bytes);
  /// Calls `on_tile` for each whole tile in the files; segments without one are removed. Call once.
  Result<std::vector<Damage>> recover(const OnTile& on_tile);
  /// Removes segments by number, before recover(): a block that holds them was published.
  void forget_segments(const std::vector<uint64_t>& numbers);

  /// Appends a tile: `frame` is begin_frame(), the record, and from `tile_at` on the tile's bytes.
  /// `out`'s place is filled in. On an error nothing was stored.
  Result<> append(std::string& frame, size_t tile_at, SealedTile& out);
  /// The tile is in a block now, or lost its purpose. Empty closed segments are removed.
  void drop(const SealedTile& tile);
  void mark_damaged(const SealedTile& tile) { tile.segment->damaged = true; }
  /// Later tiles go to new segments, so that what is there now can be removed whole.
  /// Returns the least number that a segment of later tiles has.
  uint64_t close_segments();
  /// Makes all appended tiles survive loss of power.
  Result<> sync();

  TileStoreStats stats() const;

 private:
  struct Writer {
    FrameFile file;
    std::shared_ptr<TileSegment> segment;
    uint64_t used = 0;  // a tick, to close the least recently used
  };
  TileStore(Fs& fs, std::string dir, Millis window, uint64_t segment_bytes)
      : fs_(fs), dir_(std::move(dir)), window_(window), segment_bytes_(segment_bytes) {}
  std::string path(uint64_t number) const { return dir_ + "/" + numbered_name(number); }
  Result<Writer*> writer_for(TimestampMs t) REQUIRES(mutex_);
  void close_writer(std::map<TimestampMs, Writer>::iterator it) REQUIRES(mutex_);
  void remove_if_empty(const std::shared_ptr<TileSegment>& segment);
  Result<> recover_segment(uint64_t number, uint64_t size, const OnTile& on_tile,
                           std::vector<Damage>& damage);

  Fs& fs_;
  const std::string dir_;
  const Millis window_;
  const uint64_t segment_bytes_;
  std::atomic<uint64_t> tiles_ = 0;

  mutable Mutex mutex_;
  std::map<TimestampMs, Writer> writers_ GUARDED_BY(mutex_);  // by window start
  uint64_t last_number_ GUARDED_BY(mutex_) = 0;
  uint64_t tick_ GUARDED_BY(mutex_) = 0;
  uint32_t sequence_ GUARDED_BY(mutex_) = 0;
  std::map<uint64_t, uint64_t> sizes_ GUARDED_BY(mutex_);
  std::set<uint64_t> unsynced_ GUARDED_BY(mutex_);
  bool names_unsynced_ GUARDED_BY(mutex_) = false;
};

}  // namespace strata::tsdb
