// What has changed in the store, by time: so that whoever kept an answer can tell which part of it
// still holds. It remembers, for each of the last periods, the oldest time that something was
// written to (or deleted from); samples mostly come in order, so old parts of an answer stay valid.
//
// Thread-safe. 32 KiB; a version that is older than kPeriods periods of a second is forgotten.
#pragma once
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>

#include "base/clock.h"
#include "base/mutex.h"
#include "model/sample.h"

namespace strata::tsdb {

class ChangeLog {
 public:
  explicit ChangeLog(const Clock& clock);

  /// Samples at `oldest` and later came or went. To be called when readers see it, and before
  /// (someone who looks in between is then told of a change that they did not see, never the other
  /// way round).
  void note(TimestampMs oldest);

  /// Now. To be asked before reading.
  uint64_t version();
  /// Samples before this time are what they were at `version`; kMinTime when that is not known.
  TimestampMs unchanged_before(uint64_t version) const;

 private:
  static constexpr uint64_t kPeriods = 4096;
  static constexpr std::chrono::seconds kPeriod{1};

  const Clock& clock_;
  std::array<std::atomic<TimestampMs>, kPeriods> oldest_;
  std::atomic<uint64_t> current_ = 0;
  Mutex mutex_;
  std::chrono::nanoseconds began_ GUARDED_BY(mutex_);  // the current period
};

}  // namespace strata::tsdb
