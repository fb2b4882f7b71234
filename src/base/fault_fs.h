// An Fs for tests that fails where it is told to, tears writes, and loses power.
#pragma once
#include <functional>
#include <map>

#include "base/fs.h"
#include "base/mutex.h"

namespace strata {

/// Wraps another Fs. Thread-safe. What was written but not synced is dropped by lose_power(). The
/// inner files are never really synced: power is lost in here only, and tests sync often.
class FaultFs final : public Fs {
 public:
  explicit FaultFs(Fs& inner) : inner_(inner) {}

  /// Called before each operation that can fail, with its name ("append", "sync", "rename", …) and
  /// path; an error it returns is the operation's result. For "append", the first half of the bytes
  /// is written first: a torn write.
  using Hook = std::function<Result<>(std::string_view operation, const std::string& path)>;
  void set_hook(Hook hook);
  /// The n-th operation from now fails with "injected" kIo (n = 0 is the next); counts all kinds.
  void fail_after(uint64_t n);
  uint64_t operations() const;

  /// Files opened through this are cut back to what was synced. Open handles stay usable, for
  /// closing; open everything anew afterwards.
  Result<> lose_power();

  Result<std::unique_ptr<AppendFile>> open_append(const std::string& path) override;
  Result<std::unique_ptr<AppendFile>> create(const std::string& path) override;
  Result<std::string> read_file(const std::string& path) override;
  Result<std::unique_ptr<MappedFile>> map(const std::string& path) override;
  Result<std::vector<DirEntry>> list(const std::string& dir) override;
  bool exists(const std::string& path) override { return inner_.exists(path); }
  Result<> create_directories(const std::string& dir) override;
  Result<> rename(const std::string& from, const std::string& to) override;
  Result<> link(const std::string& from, const std::string& to) override;
  Result<> remove(const std::string& path) override;
  Result<> remove_all(const std::string& path) override;
  Result<> truncate(const std::string& path, uint64_t size) override;
  Result<> sync_dir(const std::string& dir) override;
  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override;
  Result<uint64_t> free_bytes(const std::string& dir) override;

 private:
  class File;
  Result<> before(std::string_view operation, const std::string& path);
  Result<std::unique_ptr<AppendFile>> wrap(std::unique_ptr<AppendFile> file,
                                           const std::string& path, uint64_t synced);

  Fs& inner_;
  mutable Mutex mutex_;
  Hook hook_ GUARDED_BY(mutex_);
  uint64_t operations_ GUARDED_BY(mutex_) = 0;
  uint64_t fail_at_ GUARDED_BY(mutex_) = UINT64_MAX;
  std::map<std::string, uint64_t> synced_size_ GUARDED_BY(mutex_);
};

}  // namespace strata
