#include "tsdb/change_log.h"

#include <algorithm>

namespace strata::tsdb {

ChangeLog::ChangeLog(const Clock& clock) : clock_(clock), began_(clock.steady()) {
  for (auto& oldest : oldest_) oldest = kMaxTime;
}

void ChangeLog::note(TimestampMs oldest) {
  auto& place = oldest_[current_.load() % kPeriods];
  TimestampMs seen = place.load();
  while (oldest < seen && !place.compare_exchange_weak(seen, oldest)) {
  }
}

uint64_t ChangeLog::version() {
  MutexLock lock(mutex_);
  const uint64_t current = current_.load();
  // A period without changes goes on; one that is short too, so that many readers do not use up
  // what can be remembered. What has changed in it already then counts as changing later.
  const bool changed = oldest_[current % kPeriods].load() != kMaxTime;
  if (!changed || clock_.steady() - began_ < kPeriod) return current;
  oldest_[(current + 1) % kPeriods] = kMaxTime;
  current_ = current + 1;
  began_ = clock_.steady();
  return current + 1;
}

TimestampMs ChangeLog::unchanged_before(uint64_t version) const {
  const uint64_t current = current_.load();
  if (version > current || current - version >= kPeriods) return kMinTime;
  TimestampMs oldest = kMaxTime;
  for (uint64_t v = version; v <= current; ++v) {
    oldest = std::min(oldest, oldest_[v % kPeriods].load());
  }
  return oldest;
}

}  // namespace strata::tsdb
