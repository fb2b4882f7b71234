// Memory for bodies, passed from target to target: a body is needed while it is fetched and read,
// which is a small part of a scrape interval.
#pragma once
#include <string>
#include <vector>

#include "base/mutex.h"

namespace strata::scrape {

/// Thread-safe. Keeps at most kMaxIdleBytes; what is more is freed.
class BodyBuffers {
 public:
  /// Empty, with room for a body of about the usual size when there is one.
  std::string take() {
    MutexLock lock(mutex_);
    if (idle_.empty()) return {};
    std::string buffer = std::move(idle_.back());
    idle_.pop_back();
    idle_bytes_ -= buffer.capacity();
    buffer.clear();
    return buffer;
  }
  void give(std::string buffer) {
    MutexLock lock(mutex_);
    if (buffer.capacity() + idle_bytes_ > kMaxIdleBytes) return;
    idle_bytes_ += buffer.capacity();
    idle_.push_back(std::move(buffer));
  }

 private:
  static constexpr size_t kMaxIdleBytes = 8u << 20;
  Mutex mutex_;
  std::vector<std::string> idle_ GUARDED_BY(mutex_);
  size_t idle_bytes_ GUARDED_BY(mutex_) = 0;
};

}  // namespace strata::scrape
