#include "collect/tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>

#include "base/number.h"
#include "collect/fields.h"

namespace strata::collect {
namespace {

std::unexpected<Error> errno_error(std::string_view what, std::string_view path) {
  const int number = errno;
  const bool missing = number == ENOENT || number == ENOTDIR || number == ENODEV;
  return fail(missing ? ErrorCode::kNotFound : ErrorCode::kIo,
              fmt::format("{} {}: {}", what, path, std::strerror(number)));
}

class FileDescriptor {
 public:
  explicit FileDescriptor(const char* path)
      : fd_(::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~FileDescriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

ssize_t read_some(int fd, char* to, size_t size) {
  ssize_t n;
  do {
    n = ::read(fd, to, size);
  } while (n < 0 && errno == EINTR);
  return n;
}

}  // namespace

const char* Tree::absolute(std::string_view path) {
  path_.assign(root_);
  if (!path.empty()) path_.append("/").append(path);
  return path_.c_str();
}

Result<std::string_view> Tree::read(std::string_view path) {
  return read_head(path, std::numeric_limits<size_t>::max());
}

Result<std::string_view> Tree::read_head(std::string_view path, size_t enough) {
  const FileDescriptor fd(absolute(path));
  if (fd.get() < 0) return errno_error("opening", path_);
  if (buffer_.empty()) buffer_.resize(16384);
  size_t size = 0;
  // A file of /proc says nothing true about its size: read until it ends.
  while (true) {
    if (size == buffer_.size()) {
      if (size >= kMaxFileBytes) {
        return fail(ErrorCode::kLimit, fmt::format("{} is larger than {} bytes", path_, size));
      }
      buffer_.resize(buffer_.size() * 2);
    }
    const ssize_t n = read_some(fd.get(), buffer_.data() + size, buffer_.size() - size);
    if (n < 0) return errno_error("reading", path_);
    size += static_cast<size_t>(n);
    if (n == 0 || size >= enough) return std::string_view(buffer_).substr(0, size);
  }
}

std::string Tree::link(std::string_view path) {
  char target[PATH_MAX];
  const ssize_t n = ::readlink(absolute(path), target, sizeof target);
  return n < 0 ? std::string() : std::string(target, static_cast<size_t>(n));
}

std::optional<std::string> Tree::attribute(std::string_view path) {
  const FileDescriptor fd(absolute(path));
  if (fd.get() < 0) return std::nullopt;
  char page[4096];  // an attribute is at most a page, and one read gets it all (sysfs.rst)
  const ssize_t n = read_some(fd.get(), page, sizeof page);
  if (n < 0) return std::nullopt;
  return std::string(trim({page, static_cast<size_t>(n)}));
}

std::optional<uint64_t> Tree::attribute_uint(std::string_view path) {
  const auto text = attribute(path);
  return text ? parse_uint(*text) : std::nullopt;
}

Result<std::vector<std::string>> Tree::list(std::string_view path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(absolute(path)), ::closedir);
  if (dir == nullptr) return errno_error("listing", path_);
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(dir.get())) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (names.size() == kMaxEntries) {
      return fail(ErrorCode::kLimit,
                  fmt::format("{} has more than {} entries", path_, kMaxEntries));
    }
    names.emplace_back(name);
  }
  std::ranges::sort(names);
  return names;
}

std::vector<std::string> Tree::names(std::string_view path) {
  auto names = list(path);
  return names ? *std::move(names) : std::vector<std::string>();
}

std::vector<std::string> Tree::numbered(std::string_view path, std::string_view prefix) {
  std::vector<std::string> found = names(path);
  std::erase_if(found, [&](const std::string& name) {
    return name.size() <= prefix.size() || !name.starts_with(prefix) || name[prefix.size()] < '0' ||
           name[prefix.size()] > '9';
  });
  return found;
}

bool Tree::exists(std::string_view path) { return ::access(absolute(path), F_OK) == 0; }

bool Tree::is_directory(std::string_view path) {
  struct stat info{};
  return ::stat(absolute(path), &info) == 0 && S_ISDIR(info.st_mode);
}

std::optional<std::string> Tree::resolve(std::string_view path) {
  char resolved[PATH_MAX];
  if (::realpath(absolute(path), resolved) == nullptr) return std::nullopt;
  return resolved;
}

std::optional<double> Tree::modified(std::string_view path) {
  struct stat info{};
  if (::stat(absolute(path), &info) != 0) return std::nullopt;
  return static_cast<double>(info.st_mtim.tv_sec) + static_cast<double>(info.st_mtim.tv_nsec) / 1e9;
}

std::string join(std::string_view a, std::string_view b) {
  std::string out;
  out.reserve(a.size() + 1 + b.size());
  return out.append(a).append("/").append(b);
}

}  // namespace strata::collect
