// How many connections of a server have not ended yet, its acceptor among them: what a stop waits
// for. Thread-safe. Bounded by whoever accepts.
#pragma once
#include <chrono>
#include <cstddef>

#include "base/mutex.h"
#include "net/loop.h"

namespace strata::net {

class ConnectionCount {
 public:
  void began();
  void ended();
  /// Whether all have ended by `until`. When `loop` is stopped under us they never will: true.
  bool wait_until(const Loop& loop, std::chrono::steady_clock::time_point until);

 private:
  Mutex mutex_;
  CondVar all_ended_;
  size_t running_ GUARDED_BY(mutex_) = 0;
};

}  // namespace strata::net
