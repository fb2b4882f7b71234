// Windows of time: blocks begin and end at multiples of a span, counted from the epoch.
#pragma once
#include "model/duration.h"
#include "model/sample.h"

namespace strata::tsdb {

/// The largest multiple of `span` that is not after `t`; near the ends of time it saturates.
constexpr TimestampMs window_start(TimestampMs t, Millis span) {
  const TimestampMs length = span.count();
  const TimestampMs past = t % length;
  const TimestampMs start = t - past;
  if (past >= 0) return start;
  return start < kMinTime + length ? kMinTime : start - length;
}

/// The end (not in the window) of the window that `t` is in.
constexpr TimestampMs window_end(TimestampMs t, Millis span) {
  const TimestampMs start = window_start(t, span);
  return start > kMaxTime - span.count() ? kMaxTime : start + span.count();
}

}  // namespace strata::tsdb
