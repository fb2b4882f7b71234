// How many requests a target needs in flight: what prometheus_remote_storage_shards_desired says,
// which alerts compare with the most that may be.
//
// Samples are taken to come as fast as their own times say, so that the answer is the same one
// while a target catches up. Owned by one Writer; its thread only. Source of the formula:
// storage/remote/queue_manager.go of Prometheus.
#pragma once
#include <cstddef>

#include "base/clock.h"

namespace strata::remote {

class Pace {
 public:
  /// A round of `samples`, the newest taken at `newest`, was sent by requests that took
  /// `request_seconds` together; it is `now`.
  void sent(size_t samples, double request_seconds, TimestampMs newest, TimestampMs now);

  /// Of a second's samples, and of a twentieth of those that wait. 0: not known yet.
  double desired_shards() const;

 private:
  double seconds_per_sample_ = 0;
  double samples_per_second_ = 0;
  double behind_seconds_ = 0;
  // Of the rate that is being measured.
  TimestampMs since_ = 0;
  size_t samples_ = 0;
};

}  // namespace strata::remote
