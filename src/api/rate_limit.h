// How many requests are answered: a token bucket, as web.yml's rate_limit asks for it.
#pragma once
#include <chrono>

#include "base/mutex.h"

namespace strata::api {

/// Thread-safe.
class RateLimit {
 public:
  using Duration = std::chrono::nanoseconds;

  /// `burst` requests at once, and one more each `interval`; an interval of 0: no limit. A burst of
  /// 0 lets nothing through, as in Prometheus.
  RateLimit(Duration interval, size_t burst)
      : interval_(interval), burst_(static_cast<double>(burst)), tokens_(burst_) {}

  /// Takes a token at `now` on the steady clock; false when there is none.
  bool allow(Duration now);

 private:
  const Duration interval_;
  const double burst_;
  Mutex mutex_;
  double tokens_ GUARDED_BY(mutex_);
  Duration filled_at_ GUARDED_BY(mutex_){0};
};

}  // namespace strata::api
