#include "base/fault_fs.h"

namespace strata {

class FaultFs::File final : public AppendFile {
 public:
  File(FaultFs& fs, std::unique_ptr<AppendFile> file, std::string path)
      : fs_(fs), file_(std::move(file)), path_(std::move(path)) {}

  Result<> append(std::string_view bytes) override {
    if (auto injected = fs_.before("append", path_); !injected) {
      TRY(file_->append(bytes.substr(0, bytes.size() / 2)));
      return injected;
    }
    return file_->append(bytes);
  }
  Result<> sync() override {
    TRY(fs_.before("sync", path_));
    MutexLock lock(fs_.mutex_);
    fs_.synced_size_[path_] = file_->size();
    return {};
  }
  uint64_t size() const override { return file_->size(); }

 private:
  FaultFs& fs_;
  std::unique_ptr<AppendFile> file_;
  std::string path_;
};

void FaultFs::set_hook(Hook hook) {
  MutexLock lock(mutex_);
  hook_ = std::move(hook);
}

void FaultFs::fail_after(uint64_t n) {
  MutexLock lock(mutex_);
  fail_at_ = n == UINT64_MAX ? n : operations_ + n;
}

uint64_t FaultFs::operations() const {
  MutexLock lock(mutex_);
  return operations_;
}

Result<> FaultFs::before(std::string_view operation, const std::string& path) {
  Hook hook;
  {
    MutexLock lock(mutex_);
    if (operations_++ == fail_at_) {
      return fail(ErrorCode::kIo, fmt::format("injected failure of {} {}", operation, path));
    }
    hook = hook_;
  }
  return hook ? hook(operation, path) : Result<>{};
}

Result<> FaultFs::lose_power() {
  std::map<std::string, uint64_t> synced;
  {
    MutexLock lock(mutex_);
    synced = synced_size_;
  }
  for (const auto& [path, size] : synced) {
    if (inner_.exists(path)) TRY(inner_.truncate(path, size));
  }
  return {};
}

Result<std::unique_ptr<AppendFile>> FaultFs::wrap(std::unique_ptr<AppendFile> file,
                                                  const std::string& path, uint64_t synced) {
  {
    MutexLock lock(mutex_);
    synced_size_.try_emplace(path, synced);
  }
  return std::make_unique<File>(*this, std::move(file), path);
}

Result<std::unique_ptr<AppendFile>> FaultFs::open_append(const std::string& path) {
  TRY(before("open_append", path));
  auto file = TRY(inner_.open_append(path));
  const uint64_t size = file->size();
  return wrap(std::move(file), path, size);
}

Result<std::unique_ptr<AppendFile>> FaultFs::create(const std::string& path) {
  TRY(before("create", path));
  auto file = TRY(inner_.create(path));
  {
    MutexLock lock(mutex_);
    synced_size_.erase(path);
  }
  return wrap(std::move(file), path, 0);
}

Result<std::string> FaultFs::read_file(const std::string& path) {
  TRY(before("read_file", path));
  return inner_.read_file(path);
}

Result<std::unique_ptr<MappedFile>> FaultFs::map(const std::string& path) {
  TRY(before("map", path));
  return inner_.map(path);
}

Result<std::vector<DirEntry>> FaultFs::list(const std::string& dir) {
  TRY(before("list", dir));
  return inner_.list(dir);
}

Result<> FaultFs::create_directories(const std::string& dir) {
  TRY(before("create_directories", dir));
  return inner_.create_directories(dir);
}

Result<> FaultFs::rename(const std::string& from, const std::string& to) {
  TRY(before("rename", from));
  TRY(inner_.rename(from, to));
  // What was synced of a file, or of the files below a directory, moves with the name.
  MutexLock lock(mutex_);
  std::map<std::string, uint64_t> moved;
  for (auto it = synced_size_.begin(); it != synced_size_.end();) {
    if (it->first == from || it->first.starts_with(from + "/")) {
      moved[to + it->first.substr(from.size())] = it->second;
      it = synced_size_.erase(it);
    } else {
      ++it;
    }
  }
  for (const auto& [path, size] : moved) synced_size_[path] = size;
  return {};
}

Result<> FaultFs::link(const std::string& from, const std::string& to) {
  TRY(before("link", from));
  return inner_.link(from, to);
}

Result<> FaultFs::remove(const std::string& path) {
  TRY(before("remove", path));
  return inner_.remove(path);
}

Result<> FaultFs::remove_all(const std::string& path) {
  TRY(before("remove_all", path));
  return inner_.remove_all(path);
}

Result<> FaultFs::truncate(const std::string& path, uint64_t size) {
  TRY(before("truncate", path));
  return inner_.truncate(path, size);
}

Result<> FaultFs::sync_dir(const std::string& dir) {
  TRY(before("sync_dir", dir));
  return inner_.exists(dir) ? Result<>{} : fail(ErrorCode::kNotFound, "syncing " + dir);
}

Result<std::unique_ptr<FileLock>> FaultFs::lock(const std::string& path) {
  TRY(before("lock", path));
  return inner_.lock(path);
}

Result<uint64_t> FaultFs::free_bytes(const std::string& dir) {
  TRY(before("free_bytes", dir));
  return inner_.free_bytes(dir);
}

}  // namespace strata
