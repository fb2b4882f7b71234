// Time comes in through here, so that a test can own it. Timestamps are milliseconds since the Unix
// epoch, as in Prometheus; durations are std::chrono.
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>

namespace strata {

/// Milliseconds since 1970-01-01T00:00:00Z; may be negative.
using TimestampMs = int64_t;

/// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  /// Wall time; may jump either way.
  virtual TimestampMs now_ms() const = 0;
  /// Never goes back; for timeouts and durations.
  virtual std::chrono::nanoseconds steady() const = 0;
};

/// The machine's clocks.
const Clock& real_clock();

/// A clock that moves only when told to.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(TimestampMs start = 0) : now_ms_(start) {}
  TimestampMs now_ms() const override { return now_ms_.load(); }
  std::chrono::nanoseconds steady() const override {
    return std::chrono::milliseconds(steady_ms_.load());
  }
  /// Both clocks move.
  void advance(std::chrono::milliseconds by) { now_ms_ += by.count(), steady_ms_ += by.count(); }
  /// Only wall time moves: the clock was set.
  void jump_to(TimestampMs now) { now_ms_ = now; }

 private:
  std::atomic<TimestampMs> now_ms_;
  std::atomic<int64_t> steady_ms_{0};
};

}  // namespace strata
