// The series log: which labels a series id stands for, and which key a target id. One file of
// frames, one definition each (docs/formats/series.md); without it the other files are numbers
// only.
//
// Definitions are buffered and reach the file before the first log record that uses them (flush()).
// Thread-safe. Rewritten without what is gone when the head purges series.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fs.h"
#include "base/mutex.h"
#include "base/result.h"
#include "model/labels.h"
#include "tsdb/frame.h"
#include "tsdb/frame_file.h"
#include "tsdb/ids.h"

namespace strata::tsdb {

class SeriesLog {
 public:
  struct Handlers {
    /// `labels` are Labels::bytes(), valid until on_end() returns.
    std::function<void(SeriesId, std::string_view labels)> on_series;
    std::function<void(TargetId, std::string_view)> on_target;
    std::function<void()> on_end = {};  // of the file; may be null
  };

  /// Calls the handler for the definition in a frame; false when it is none.
  static bool read_definition(std::string_view payload, const Handlers& handlers);

  /// Reads the file (none: an empty one) and goes on after its last whole frame. What was damaged
  /// in it is in damage(); the damaged file is kept aside once rewrite() succeeds.
  static Result<std::unique_ptr<SeriesLog>> open(Fs& fs, std::string dir, const Handlers& handlers);
  const std::vector<FrameDamage>& damage() const { return damage_; }

  void add_series(SeriesId id, const Labels& labels);
  void add_target(TargetId id, std::string_view key);
  /// Writes what was added; costs an atomic load when nothing was.
  Result<> flush();
  Result<> sync();

  /// Replaces the file by what `write_all` adds through the functions it is given, and what is
  /// added meanwhile. One call at a time.
  using AddSeries = std::function<void(SeriesId, const Labels&)>;
  using AddTarget = std::function<void(TargetId, std::string_view)>;
  Result<> rewrite(const std::function<void(const AddSeries&, const AddTarget&)>& write_all);

  uint64_t bytes() const;

 private:
  SeriesLog(Fs& fs, std::string dir) : fs_(fs), dir_(std::move(dir)), path_(dir_ + "/series") {}
  void add(std::string_view payload);
  Result<> flush_locked() REQUIRES(mutex_);

  Fs& fs_;
  const std::string dir_;
  const std::string path_;
  std::vector<FrameDamage> damage_;
  std::atomic<bool> has_pending_ = false;

  mutable Mutex mutex_;
  std::optional<FrameFile> file_ GUARDED_BY(mutex_);
  uint64_t size_ GUARDED_BY(mutex_) = 0;
  std::string pending_ GUARDED_BY(mutex_);
  bool rewriting_ GUARDED_BY(mutex_) = false;
  std::string added_meanwhile_ GUARDED_BY(mutex_);
  uint32_t sequence_ GUARDED_BY(mutex_) = 0;
  bool unsynced_ GUARDED_BY(mutex_) = false;
  bool name_unsynced_ GUARDED_BY(mutex_) = false;
};

}  // namespace strata::tsdb
