// How many series there are in the store's head: those that are live, and those that ended, which
// stay there until the head is cut. Not thread-safe.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

#include "model/sample.h"

namespace strata::scrape {

class SeriesCount {
 public:
  void add() { ++live_; }
  /// It was not stored after all, or is about to be added again.
  void take_back(size_t n) { live_ -= n; }
  void end(size_t n, TimestampMs t) {
    live_ -= n;
    auto& ended = ended_[static_cast<size_t>(t / kBucketMs) % kBuckets];
    if (ended.bucket != t / kBucketMs) ended = {t / kBucketMs, 0};
    ended.series += n;
  }
  uint64_t at(TimestampMs t) const {
    uint64_t series = live_;
    const int64_t first = t / kBucketMs - static_cast<int64_t>(kBuckets) + 1;
    for (const auto& ended : ended_) {
      if (ended.bucket >= first) series += ended.series;
    }
    return series;
  }

 private:
  static constexpr int64_t kBucketMs = 10 * 60'000;
  /// The head spans at most one and a half times two hours (tsdb::Options::block_span).
  static constexpr size_t kBuckets = 19;
  struct Ended {
    int64_t bucket = -1;
    uint64_t series = 0;
  };
  uint64_t live_ = 0;
  std::array<Ended, kBuckets> ended_;
};

}  // namespace strata::scrape
