// The write-ahead log: numbered segments of frames, each frame one append (wal_record.h).
//
// An append is written with one write(2), so it outlives the process; sync() makes it outlive the
// machine's power. A segment is closed at a size, and dropped when all its rows are in tiles.
// Records that refer to an earlier one refer to one of the same segment, so a segment can be read
// on its own. Thread-safe. Bounded by whoever drops segments (Db::maintain); dropped ones that
// somebody still reads (keep()) move to the directory beside, DIR-kept, up to so many bytes.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "base/fs.h"
#include "base/mutex.h"
#include "base/result.h"
#include "tsdb/frame_file.h"

namespace strata::tsdb {

/// Segments are numbered from 1.
inline constexpr uint64_t kAnySegment = 0;
inline constexpr uint64_t kNoSegment = UINT64_MAX;

struct WalStats {
  uint64_t bytes = 0;
  uint64_t segments = 0;
  uint64_t bytes_written = 0;
  uint64_t syncs = 0;
  uint64_t sync_failures = 0;
  uint64_t kept_bytes = 0;    // of dropped segments that are still read
  uint64_t kept_removed = 0;  // segments that nobody had read yet: beyond the bound
};

class Wal {
 public:
  /// Old segments are adopted (they count, and drop_before() removes them); the first append
  /// begins a new one.
  static Result<std::unique_ptr<Wal>> open(Fs& fs, std::string dir, uint64_t segment_bytes);

  /// Segments found at open(), ascending.
  const std::vector<uint64_t>& found() const { return found_; }
  std::string path(uint64_t segment) const;

  /// `frame` begins with room for a header (begin_frame at 0); it is completed here. With
  /// `only_in`, nothing is written when that segment is closed already: the result is kAnySegment,
  /// and the caller encodes anew. Else the segment that has it. On an error nothing was written.
  Result<uint64_t> append(std::string& frame, uint64_t only_in = kAnySegment);
  /// Group commit of all that was appended before the call; appends go on meanwhile.
  Result<> sync();
  /// The next append begins a new segment; returns the first number that it may have.
  uint64_t roll();
  /// Removes all segments before `segment`; those marked damaged are kept aside instead.
  void drop_before(uint64_t segment);
  void mark_damaged(uint64_t segment);

  /// From now on, dropped segments from `from` on are kept, the newest `max_bytes` of them; earlier
  /// ones are removed. kNoSegment: none are kept, which is how it begins.
  void keep(uint64_t from, uint64_t max_bytes);
  /// The first segment from `from` on that there is, kept ones too, and where; none: not yet.
  struct Found {
    uint64_t segment = 0;
    std::string path{};
    bool closed = false;  // nothing will be added
  };
  std::optional<Found> find(uint64_t from) const;
  /// Where the next frame will be.
  std::pair<uint64_t, uint64_t> end() const;

  uint64_t next_segment() const;
  WalStats stats() const;

 private:
  Wal(Fs& fs, std::string dir, uint64_t segment_bytes)
      : fs_(fs), dir_(std::move(dir)), segment_bytes_(segment_bytes) {}
  Result<> begin_segment() REQUIRES(mutex_);
  std::string kept_path(uint64_t segment) const;
  void adopt_kept() REQUIRES(mutex_);
  bool move_aside(uint64_t segment, uint64_t size) REQUIRES(mutex_);
  void trim_kept() REQUIRES(mutex_);

  Fs& fs_;
  const std::string dir_;
  const uint64_t segment_bytes_;
  std::vector<uint64_t> found_;

  mutable Mutex mutex_;
  std::optional<FrameFile> file_ GUARDED_BY(mutex_);
  uint64_t segment_ GUARDED_BY(mutex_) = 0;  // the last number given
  uint32_t sequence_ GUARDED_BY(mutex_) = 0;
  std::map<uint64_t, uint64_t> sizes_ GUARDED_BY(mutex_);
  std::set<uint64_t> unsynced_ GUARDED_BY(mutex_);
  std::set<uint64_t> damaged_ GUARDED_BY(mutex_);
  bool names_unsynced_ GUARDED_BY(mutex_) = false;
  std::map<uint64_t, uint64_t> kept_ GUARDED_BY(mutex_);  // bytes, by segment
  uint64_t keep_from_ GUARDED_BY(mutex_) = kNoSegment;
  uint64_t keep_bytes_ GUARDED_BY(mutex_) = 0;
  uint64_t kept_removed_ GUARDED_BY(mutex_) = 0;
  uint64_t bytes_written_ GUARDED_BY(mutex_) = 0;
  uint64_t syncs_ GUARDED_BY(mutex_) = 0;
  uint64_t sync_failures_ GUARDED_BY(mutex_) = 0;
};

}  // namespace strata::tsdb
