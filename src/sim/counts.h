// A classic histogram as an exporter keeps it: counts between fixed bounds, and the sum.
#pragma once
#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace strata::sim {

class Counts {
 public:
  /// `bounds` must outlive it: they are constants of the exposition.
  explicit Counts(std::span<const double> bounds) : bounds_(bounds), counts_(bounds.size() + 1) {}

  void observe(double value, uint64_t times = 1) {
    const auto at = std::ranges::lower_bound(bounds_, value) - bounds_.begin();
    counts_[static_cast<size_t>(at)] += times;
    count_ += times;
    sum_ += value * static_cast<double>(times);
  }
  void add(const Counts& other) {
    for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
    count_ += other.count_;
    sum_ += other.sum_;
  }

  std::span<const double> bounds() const { return bounds_; }
  /// One more than bounds(): the last is above them all. Not cumulative.
  std::span<const uint64_t> counts() const { return counts_; }
  uint64_t count() const { return count_; }
  double sum() const { return sum_; }

 private:
  std::span<const double> bounds_;
  std::vector<uint64_t> counts_;
  uint64_t count_ = 0;
  double sum_ = 0;
};

}  // namespace strata::sim
