// Quantiles worked out by the program itself, over the last while: for names that others'
// dashboards know as summaries. They cannot be aggregated; prefer a Histogram for what is new.
//
// Observations are counted in buckets whose bounds grow by 2 %, so that a quantile is within 1 % of
// an observation of its rank (C. Masson et al., "DDSketch", 2019). The window is a ring of
// sub-windows, and moves on by one of them at a time.
//
// Threads: any; an observation takes a mutex. Bounds: 1,630 buckets a sub-window, from 1e-9
// to 1e5; what is outside counts as the nearest of them.
#pragma once
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "strata/metrics/exposition.h"

namespace strata::metrics {

namespace detail {

class CellReader;

struct SummaryShape {
  std::vector<double> quantiles;  // each 0 to 1
  std::chrono::nanoseconds window = std::chrono::minutes(10);
  std::chrono::steady_clock::time_point (*now)() = std::chrono::steady_clock::now;
};

}  // namespace detail

/// _sum and _count are of all time; quantiles are of the window, and NaN when it is empty.
class Summary {
 public:
  using Shape = detail::SummaryShape;
  static constexpr detail::Type kType = detail::Type::kSummary;

  /// `shape` must outlive the summary.
  explicit Summary(const Shape& shape) : shape_(shape), began_(shape.now()) {}

  /// NaN counts as an observation without a size. REQUIRES: not negative.
  void observe(double value) {
    std::lock_guard lock(mutex_);
    move_on();
    ++count_;
    if (!(value == value)) return;
    sum_ += value;
    ++slices_[current_][bucket_of(value)];
  }

  /// The observation of rank `q` within the window.
  double quantile(double q) const {
    std::lock_guard lock(mutex_);
    move_on();
    return quantile_of(merged(), q);
  }

  void expose(detail::Exposition& to, const detail::CellReader&, std::string_view name,
              std::string_view labels) const {
    std::lock_guard lock(mutex_);
    move_on();
    const Buckets all = merged();
    std::vector<std::pair<double, double>> quantiles;
    for (const double q : shape_.quantiles) quantiles.emplace_back(q, quantile_of(all, q));
    to.summary(name, labels, quantiles, sum_, count_);
  }

 private:
  using Buckets = std::map<int, uint64_t>;
  static constexpr size_t kSlices = 5;
  static constexpr double kGrowth = 1.02;

  static int bucket_of(double value) {
    return static_cast<int>(std::ceil(std::log(std::clamp(value, 1e-9, 1e5)) / std::log(kGrowth)));
  }
  static double value_of(int bucket) { return 2 * std::pow(kGrowth, bucket) / (kGrowth + 1); }

  // REQUIRES (all below): mutex_ held.
  void move_on() const {
    const auto slice = std::max<int64_t>(1, shape_.window.count() / int64_t{kSlices});
    const int64_t age = (shape_.now() - began_) / std::chrono::nanoseconds(slice);
    for (int64_t i = 0; i < std::min<int64_t>(age - moved_, kSlices); ++i) {
      current_ = (current_ + 1) % kSlices;
      slices_[current_].clear();
    }
    moved_ = std::max(moved_, age);
  }
  Buckets merged() const {
    Buckets all;
    for (const Buckets& slice : slices_) {
      for (const auto& [bucket, n] : slice) all[bucket] += n;
    }
    return all;
  }
  static double quantile_of(const Buckets& all, double q) {
    uint64_t total = 0;
    for (const auto& [bucket, n] : all) total += n;
    if (total == 0) return std::nan("");
    const double rank = std::ceil(q * static_cast<double>(total));
    uint64_t below = 0;
    for (const auto& [bucket, n] : all) {
      below += n;
      if (static_cast<double>(below) >= rank) return value_of(bucket);
    }
    return value_of(all.rbegin()->first);
  }

  const Shape& shape_;
  const std::chrono::steady_clock::time_point began_;
  mutable std::mutex mutex_;  // guards all below
  mutable std::array<Buckets, kSlices> slices_;
  mutable size_t current_ = 0;
  mutable int64_t moved_ = 0;  // sub-windows since began_
  double sum_ = 0;
  uint64_t count_ = 0;
};

}  // namespace strata::metrics
