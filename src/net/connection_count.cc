#include "net/connection_count.h"

#include <algorithm>

namespace strata::net {

void ConnectionCount::began() {
  MutexLock lock(mutex_);
  ++running_;
}

void ConnectionCount::ended() {
  MutexLock lock(mutex_);
  if (--running_ == 0) all_ended_.notify_all();
}

bool ConnectionCount::wait_until(const Loop& loop, std::chrono::steady_clock::time_point until) {
  MutexLock lock(mutex_);
  while (running_ > 0) {
    const auto left = until - std::chrono::steady_clock::now();
    if (left <= left.zero()) return false;
    const std::chrono::nanoseconds look_at_loop = std::chrono::milliseconds(100);
    all_ended_.wait_for(lock, std::min<std::chrono::nanoseconds>(left, look_at_loop));
    if (!loop.running()) return true;
  }
  return true;
}

}  // namespace strata::net
