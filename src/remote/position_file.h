// How far a target of remote write has everything: a position in the store's log, on disk.
//
// And where the round ends that is under way, so that after a kill the same requests are made
// again: a receiver has such a request as a whole or not at all, and none that holds new samples
// beside ones that it has, which it might refuse together.
//
// A file of frames (tsdb/frame_file.h) of which the last counts; it is written anew when it has
// grown to kRewriteBytes. A write that never finished leaves what was there before. One thread at a
// time.
#pragma once
#include <optional>
#include <string>

#include "base/fs.h"
#include "base/result.h"
#include "tsdb/frame_file.h"
#include "tsdb/log_cursor.h"

namespace strata::remote {

class PositionFile {
 public:
  static constexpr uint64_t kRewriteBytes = 64u << 10;

  /// Reads what is there; damage is as if nothing was there. Error: kIo.
  static Result<PositionFile> open(Fs& fs, std::string path);

  /// None: a target that is new.
  std::optional<tsdb::LogPosition> position() const { return position_; }
  /// Where a round ends that was begun and not finished; none: there is no such round.
  std::optional<tsdb::LogPosition> round_end() const { return round_end_; }

  /// A round from position() to `end` is about to be sent. Error (both): kIo; what is asked here
  /// has it, a restart may not.
  Result<> begin_round(tsdb::LogPosition end);
  /// All before `position` has its answer; no round is under way.
  Result<> save(tsdb::LogPosition position);

 private:
  PositionFile(Fs& fs, std::string path) : fs_(&fs), path_(std::move(path)) {}
  Result<> write();
  std::string frame();

  Fs* fs_;
  std::string path_;
  std::optional<tsdb::LogPosition> position_;
  std::optional<tsdb::LogPosition> round_end_;
  std::optional<tsdb::FrameFile> file_;
  uint32_t sequence_ = 0;
};

}  // namespace strata::remote
