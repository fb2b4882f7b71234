// Files come in through here, so that a test can make them fail, tear or forget (fault_fs.h).
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace strata {

/// A file that only grows: bytes go to its end, also after Fs::truncate() made it shorter. Not
/// thread-safe. Closed when destroyed.
class AppendFile {
 public:
  virtual ~AppendFile() = default;
  /// All of `bytes`, or an error with the file's end unknown: the caller truncates or starts anew.
  virtual Result<> append(std::string_view bytes) = 0;
  /// What was appended survives loss of power.
  virtual Result<> sync() = 0;
  virtual uint64_t size() const = 0;
};

/// The bytes of a file, mapped read-only; valid while this lives. Reading after another process
/// truncated the file faults: no one but us writes in our directory (Fs::lock).
class MappedFile {
 public:
  virtual ~MappedFile() = default;
  virtual std::string_view bytes() const = 0;
};

/// Held until destroyed.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

struct DirEntry {
  std::string name;
  bool is_directory = false;
  uint64_t size = 0;
  /// When it was last written or renamed, milliseconds since the epoch (st_ctime).
  int64_t changed_ms = 0;
};

/// Thread-safe. Errors are kNotFound for a missing file, kConflict for a lock that is held, else
/// kIo, with the path and errno's text in the message.
class Fs {
 public:
  virtual ~Fs() = default;
  /// Created when missing; appends at its end.
  virtual Result<std::unique_ptr<AppendFile>> open_append(const std::string& path) = 0;
  /// Emptied when there.
  virtual Result<std::unique_ptr<AppendFile>> create(const std::string& path) = 0;
  virtual Result<std::string> read_file(const std::string& path) = 0;
  virtual Result<std::unique_ptr<MappedFile>> map(const std::string& path) = 0;
  /// Sorted by name, without . and ..
  virtual Result<std::vector<DirEntry>> list(const std::string& dir) = 0;
  virtual bool exists(const std::string& path) = 0;
  virtual Result<> create_directories(const std::string& dir) = 0;
  /// Atomic; replaces `to` when that is a file.
  virtual Result<> rename(const std::string& from, const std::string& to) = 0;
  /// A second name for a file that is changed no more (a hard link); `to` must not exist.
  virtual Result<> link(const std::string& from, const std::string& to) = 0;
  virtual Result<> remove(const std::string& path) = 0;
  virtual Result<> remove_all(const std::string& path) = 0;
  virtual Result<> truncate(const std::string& path, uint64_t size) = 0;
  /// Makes names created, renamed or removed in `dir` survive loss of power.
  virtual Result<> sync_dir(const std::string& dir) = 0;
  virtual Result<std::unique_ptr<FileLock>> lock(const std::string& path) = 0;
  virtual Result<uint64_t> free_bytes(const std::string& dir) = 0;
};

/// The machine's file system.
Fs& real_fs();

}  // namespace strata
