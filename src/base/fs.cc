#include "base/fs.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace strata {
namespace {

std::unexpected<Error> errno_error(std::string_view what, const std::string& path) {
  const int error = errno;
  const auto code = error == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo;
  return fail(code, fmt::format("{} {}: {}", what, path, std::strerror(error)));
}

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&&) = delete;
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  bool ok() const { return fd_ >= 0; }

 private:
  int fd_;
};

class RealAppendFile final : public AppendFile {
 public:
  RealAppendFile(Fd fd, std::string path, uint64_t size)
      : fd_(std::move(fd)), path_(std::move(path)), size_(size) {}

  Result<> append(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t n = ::write(fd_.get(), bytes.data(), bytes.size());
      if (n < 0) {
        if (errno == EINTR) continue;
        return errno_error("writing", path_);
      }
      size_ += static_cast<uint64_t>(n);
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return {};
  }
  Result<> sync() override {
    if (::fdatasync(fd_.get()) != 0) return errno_error("syncing", path_);
    return {};
  }
  uint64_t size() const override { return size_; }

 private:
  Fd fd_;
  std::string path_;
  uint64_t size_;
};

class RealMappedFile final : public MappedFile {
 public:
  RealMappedFile(void* data, size_t size) : data_(data), size_(size) {}
  ~RealMappedFile() override {
    if (size_ > 0) ::munmap(data_, size_);
  }
  std::string_view bytes() const override { return {static_cast<const char*>(data_), size_}; }

 private:
  void* data_;
  size_t size_;
};

class RealFileLock final : public FileLock {
 public:
  explicit RealFileLock(Fd fd) : fd_(std::move(fd)) {}

 private:
  Fd fd_;
};

Result<> from(const std::error_code& error, std::string_view what, const std::string& path) {
  if (!error) return {};
  return fail(error == std::errc::no_such_file_or_directory ? ErrorCode::kNotFound : ErrorCode::kIo,
              fmt::format("{} {}: {}", what, path, error.message()));
}

class RealFs final : public Fs {
 public:
  Result<std::unique_ptr<AppendFile>> open_append(const std::string& path) override {
    return open_for_append(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC);
  }

  Result<std::unique_ptr<AppendFile>> create(const std::string& path) override {
    return open_for_append(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC);
  }

  Result<std::string> read_file(const std::string& path) override {
    const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd.ok()) return errno_error("opening", path);
    std::string out;
    char buffer[65536];
    while (true) {
      const ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return errno_error("reading", path);
      if (n == 0) return out;
      out.append(buffer, static_cast<size_t>(n));
    }
  }

  Result<std::unique_ptr<MappedFile>> map(const std::string& path) override {
    const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd.ok()) return errno_error("opening", path);
    struct stat info{};
    if (::fstat(fd.get(), &info) != 0) return errno_error("reading the size of", path);
    const auto size = static_cast<size_t>(info.st_size);
    if (size == 0) return std::make_unique<RealMappedFile>(nullptr, 0);
    void* data = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd.get(), 0);
    if (data == MAP_FAILED) return errno_error("mapping", path);
    return std::make_unique<RealMappedFile>(data, size);
  }

  Result<std::vector<DirEntry>> list(const std::string& dir) override {
    DIR* handle = ::opendir(dir.c_str());
    if (handle == nullptr) return errno_error("listing", dir);
    std::vector<DirEntry> entries;
    while (const dirent* entry = ::readdir(handle)) {
      const std::string_view name = entry->d_name;
      if (name == "." || name == "..") continue;
      struct stat info{};
      if (::fstatat(::dirfd(handle), entry->d_name, &info, 0) != 0) continue;  // gone meanwhile
      entries.push_back({std::string(name), S_ISDIR(info.st_mode),
                         static_cast<uint64_t>(info.st_size),
                         info.st_ctim.tv_sec * 1000 + info.st_ctim.tv_nsec / 1'000'000});
    }
    ::closedir(handle);
    std::ranges::sort(entries, {}, &DirEntry::name);
    return entries;
  }

  bool exists(const std::string& path) override { return ::access(path.c_str(), F_OK) == 0; }

  Result<> create_directories(const std::string& dir) override {
    std::error_code error;
    std::filesystem::create_directories(dir, error);
    return from(error, "creating", dir);
  }

  Result<> rename(const std::string& from_path, const std::string& to) override {
    if (::rename(from_path.c_str(), to.c_str()) != 0) {
      return errno_error("renaming to " + to + " from", from_path);
    }
    return {};
  }

  Result<> link(const std::string& from_path, const std::string& to) override {
    if (::link(from_path.c_str(), to.c_str()) != 0) {
      return errno_error("linking as " + to, from_path);
    }
    return {};
  }

  Result<> remove(const std::string& path) override {
    if (::remove(path.c_str()) != 0) return errno_error("removing", path);
    return {};
  }

  Result<> remove_all(const std::string& path) override {
    std::error_code error;
    std::filesystem::remove_all(path, error);
    return from(error, "removing", path);
  }

  Result<> truncate(const std::string& path, uint64_t size) override {
    if (::truncate(path.c_str(), static_cast<off_t>(size)) != 0) {
      return errno_error("truncating", path);
    }
    return {};
  }

  Result<> sync_dir(const std::string& dir) override {
    const Fd fd(::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd.ok()) return errno_error("opening", dir);
    if (::fsync(fd.get()) != 0) return errno_error("syncing", dir);
    return {};
  }

  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override {
    Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    if (!fd.ok()) return errno_error("opening", path);
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) {
        return fail(ErrorCode::kConflict,
                    fmt::format("{} is locked: another process uses this directory", path));
      }
      return errno_error("locking", path);
    }
    return std::make_unique<RealFileLock>(std::move(fd));
  }

  Result<uint64_t> free_bytes(const std::string& dir) override {
    struct statvfs info{};
    if (::statvfs(dir.c_str(), &info) != 0) return errno_error("reading the free space of", dir);
    return static_cast<uint64_t>(info.f_bavail) * info.f_frsize;
  }

 private:
  Result<std::unique_ptr<AppendFile>> open_for_append(const std::string& path, int flags) {
    Fd fd(::open(path.c_str(), flags, 0644));
    if (!fd.ok()) return errno_error("opening", path);
    struct stat info{};
    if (::fstat(fd.get(), &info) != 0) return errno_error("reading the size of", path);
    return std::make_unique<RealAppendFile>(std::move(fd), path,
                                            static_cast<uint64_t>(info.st_size));
  }
};

}  // namespace

Fs& real_fs() {
  static RealFs fs;
  return fs;
}

}  // namespace strata
