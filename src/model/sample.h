// A sample's value and the marks that travel as values.
#pragma once
#include <bit>
#include <cstdint>
#include <limits>

#include "base/clock.h"

namespace strata {

struct Sample {
  TimestampMs t = 0;
  double v = 0;
};

/// The NaN that Prometheus writes when a series ends (model/value: StaleNaN).
inline constexpr uint64_t kStaleNanBits = 0x7ff0000000000002;
/// What Prometheus stores for every other NaN.
inline constexpr uint64_t kNormalNanBits = 0x7ff8000000000001;

inline double stale_nan() { return std::bit_cast<double>(kStaleNanBits); }
inline bool is_stale_nan(double v) { return std::bit_cast<uint64_t>(v) == kStaleNanBits; }

/// The whole axis of time, for "no bound".
inline constexpr TimestampMs kMinTime = std::numeric_limits<TimestampMs>::min();
inline constexpr TimestampMs kMaxTime = std::numeric_limits<TimestampMs>::max();

/// Closed at both ends.
struct TimeRange {
  TimestampMs min = kMinTime;
  TimestampMs max = kMaxTime;
  bool contains(TimestampMs t) const { return t >= min && t <= max; }
  bool overlaps(TimeRange other) const { return min <= other.max && other.min <= max; }
};

}  // namespace strata
