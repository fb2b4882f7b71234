// A directory tree that a collector reads: /proc, /sys, udev's data, or a fixture in their place.
//
// Not thread-safe: reads share one buffer. A file is at most kMaxFileBytes, a directory at most
// kMaxEntries names; more is an error (kLimit).
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace strata::collect {

class Tree {
 public:
  static constexpr size_t kMaxFileBytes = size_t{16} << 20;
  static constexpr size_t kMaxEntries = 65536;

  explicit Tree(std::string root) : root_(std::move(root)) {}
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;

  const std::string& root() const { return root_; }

  /// All of `path` (relative to the root); valid until the next call. kNotFound when there is no
  /// such file (or no device behind it), kIo for other errors.
  Result<std::string_view> read(std::string_view path);
  /// The beginning of `path`: at least `enough` bytes, or all of it.
  Result<std::string_view> read_head(std::string_view path, size_t enough);
  /// Where a symbolic link says that it leads ("socket:[123]"); empty when it cannot be read.
  std::string link(std::string_view path);

  /// The value of a sysfs attribute, trimmed: one file, one line. Empty optional when it cannot be
  /// read, as sysfs answers for what a device does not support.
  std::optional<std::string> attribute(std::string_view path);
  std::optional<uint64_t> attribute_uint(std::string_view path);

  /// Names in `path`, sorted, without . and ..; kNotFound when it is not a directory.
  Result<std::vector<std::string>> list(std::string_view path);
  /// list(), with nothing where the directory cannot be read.
  std::vector<std::string> names(std::string_view path);
  /// The names of `path` that are `prefix`, a digit, and more: cpu0, md127.
  std::vector<std::string> numbered(std::string_view path, std::string_view prefix);

  bool exists(std::string_view path);
  bool is_directory(std::string_view path);
  /// Where a symbolic link leads, all links resolved, as an absolute path.
  std::optional<std::string> resolve(std::string_view path);
  /// Seconds since the Unix epoch.
  std::optional<double> modified(std::string_view path);

 private:
  const char* absolute(std::string_view path);

  std::string root_;
  std::string path_;    // scratch
  std::string buffer_;  // what read() answers with
};

/// "a/b", "c" -> "a/b/c".
std::string join(std::string_view a, std::string_view b);

}  // namespace strata::collect
