#include "remote/pace.h"

#include <algorithm>

namespace strata::remote {
namespace {

constexpr double kWeight = 0.2;             // of what is new in an average
constexpr TimestampMs kRateSpan = 10'000;   // shorter ones say more of when rounds end
constexpr double kCatchUpPerSecond = 0.05;  // of what waits

void fold(double& average, double value) {
  average = average == 0 ? value : average + kWeight * (value - average);
}

}  // namespace

void Pace::sent(size_t samples, double request_seconds, TimestampMs newest, TimestampMs now) {
  if (samples == 0) return;
  fold(seconds_per_sample_, request_seconds / static_cast<double>(samples));
  behind_seconds_ = static_cast<double>(std::max<TimestampMs>(0, now - newest)) / 1000;
  if (since_ == 0 || newest < since_) {
    since_ = newest;
    samples_ = 0;
    return;
  }
  samples_ += samples;
  if (newest - since_ < kRateSpan) return;
  fold(samples_per_second_,
       static_cast<double>(samples_) * 1000 / static_cast<double>(newest - since_));
  since_ = newest;
  samples_ = 0;
}

double Pace::desired_shards() const {
  return seconds_per_sample_ * samples_per_second_ * (1 + kCatchUpPerSecond * behind_seconds_);
}

}  // namespace strata::remote
