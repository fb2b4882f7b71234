// An immutable value that one thread replaces and many read: configuration, target lists.
#pragma once
#include <memory>
#include <utility>

#include "base/mutex.h"

namespace strata {

/// Thread-safe. A reader keeps the version that it took alive. Not std::atomic<shared_ptr>:
/// libstdc++ 12's is a data race under ThreadSanitizer.
template <class T>
class Snapshot {
 public:
  explicit Snapshot(std::shared_ptr<const T> value = nullptr) : value_(std::move(value)) {}
  std::shared_ptr<const T> get() const {
    MutexLock lock(mutex_);
    return value_;
  }
  void set(std::shared_ptr<const T> value) {
    {
      MutexLock lock(mutex_);
      value_.swap(value);
    }  // the old version is destroyed outside the lock
  }

 private:
  mutable Mutex mutex_;
  std::shared_ptr<const T> value_ GUARDED_BY(mutex_);
};

}  // namespace strata
