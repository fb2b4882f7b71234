// A file of frames (frame.h) that only grows and mends its own tail: what a failed write left
// behind is cut off before anything else is written, so a full disk never leaves half a record
// between whole ones.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/fs.h"
#include "base/result.h"

namespace strata::tsdb {

/// Not thread-safe.
class FrameFile {
 public:
  /// Emptied when there.
  static Result<FrameFile> create(Fs& fs, std::string path);
  /// Goes on after the first `size` bytes of what is there; the rest is cut off.
  static Result<FrameFile> resume(Fs& fs, std::string path, uint64_t size);

  /// Appends whole frames, all or nothing, with one write; returns the offset of the first byte.
  Result<uint64_t> append(std::string_view frames);
  /// Of the whole frames.
  uint64_t size() const { return size_; }
  const std::string& path() const { return path_; }

 private:
  FrameFile(Fs& fs, std::string path, std::unique_ptr<AppendFile> file)
      : fs_(&fs), path_(std::move(path)), file_(std::move(file)) {}
  Result<> mend();

  Fs* fs_;
  std::string path_;
  std::unique_ptr<AppendFile> file_;
  uint64_t size_ = 0;
  bool tail_is_broken_ = false;
};

/// Makes what any handle wrote to `path` survive loss of power, without a lock on the writer.
Result<> sync_file(Fs& fs, const std::string& path);

/// "00000042": names of numbered files sort as their numbers.
std::string numbered_name(uint64_t number);
/// 0 when `name` is none of those.
uint64_t parse_numbered_name(std::string_view name);

/// Renames `path` to `path`.damaged (or .damaged.2, … up to 9, then the last is replaced), so that
/// a person can look at it; logs when that fails.
void keep_aside(Fs& fs, const std::string& path);

}  // namespace strata::tsdb
