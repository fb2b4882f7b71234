// Values between samples, for anchored and smoothed selectors.
#pragma once
#include <cstddef>
#include <span>

#include "base/clock.h"

namespace strata::promql {

/// On the line from (t1, v1) to (t2, v2); a counter that was reset between them began at zero.
inline double interpolate(TimestampMs t1, double v1, TimestampMs t2, double v2, TimestampMs t,
                          bool is_counter) {
  if (is_counter && v2 < v1) v1 = 0;
  return v1 + (v2 - v1) * static_cast<double>(t - t1) / static_cast<double>(t2 - t1);
}

/// At the left end of a range, `first` being the last sample at or before it.
inline double left_value(std::span<const TimestampMs> t, std::span<const double> v, size_t first,
                         TimestampMs start, bool smoothed, bool is_counter) {
  if (!smoothed || t[first] >= start) return v[first];
  return interpolate(t[first], v[first], t[first + 1], v[first + 1], start, is_counter);
}

/// At the right end, `last` being the first sample at or behind it, or the last there is.
inline double right_value(std::span<const TimestampMs> t, std::span<const double> v, size_t last,
                          TimestampMs end, bool smoothed, bool is_counter) {
  if (!smoothed || last == 0 || t[last] <= end) return v[last];
  return interpolate(t[last - 1], v[last - 1], t[last], v[last], end, is_counter);
}

}  // namespace strata::promql
