// What is folded over sliding windows: sums, extremes, moments, order statistics.
#pragma once
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "base/clock.h"
#include "promql/kahan.h"

namespace strata::promql {

struct SumFold {
  struct State {
    double sum = 0;
    double compensation = 0;
    double total() const { return std::isinf(sum) ? sum : sum + compensation; }
  };
  std::span<const double> v;

  void push(State& state, uint32_t i) const { kahan_add(v[i], state.sum, state.compensation); }
  void merge(State& state, const State& behind) const {
    kahan_add(behind.sum, state.sum, state.compensation);
    state.compensation += behind.compensation;
  }
};

/// The largest (or smallest) of the values that are not NaN; NaN when all are.
template <bool kMax>
struct ExtremeFold {
  struct State {
    double best = std::numeric_limits<double>::quiet_NaN();
  };
  std::span<const double> v;

  static void take(State& state, double value) {
    const bool better = kMax ? value > state.best : value < state.best;
    if (better || std::isnan(state.best)) state.best = value;
  }
  void push(State& state, uint32_t i) const { take(state, v[i]); }
  void merge(State& state, const State& behind) const { take(state, behind.best); }
};

/// Mean and squared deviations: Welford's update, and Chan's way to merge two of them.
struct VarianceFold {
  struct State {
    double count = 0;
    double mean = 0;
    double squares = 0;
    double variance() const { return squares / count; }
  };
  std::span<const double> v;

  void push(State& state, uint32_t i) const {
    state.count += 1;
    const double delta = v[i] - state.mean;
    state.mean += delta / state.count;
    state.squares += delta * (v[i] - state.mean);
  }
  void merge(State& state, const State& behind) const {
    if (behind.count == 0) return;
    if (state.count == 0) {
      state = behind;
      return;
    }
    const double count = state.count + behind.count;
    const double delta = behind.mean - state.mean;
    state.mean += delta * (behind.count / count);
    state.squares += behind.squares + delta * delta * (state.count * behind.count / count);
    state.count = count;
  }
};

/// A least squares line, by moments around the means: they do not depend on where time begins.
struct LineFold {
  struct State {
    double count = 0;
    double mean_x = 0;  // seconds since `zero`
    double mean_y = 0;
    double xx = 0;
    double xy = 0;
    double slope() const { return xy / xx; }
    double at(double x) const { return mean_y + slope() * (x - mean_x); }
  };
  std::span<const TimestampMs> t;
  std::span<const double> v;
  TimestampMs zero = 0;

  void push(State& state, uint32_t i) const {
    state.count += 1;
    const double x = static_cast<double>(t[i] - zero) / 1000;
    const double dx = x - state.mean_x;
    const double dy = v[i] - state.mean_y;
    state.mean_x += dx / state.count;
    state.mean_y += dy / state.count;
    state.xx += dx * (x - state.mean_x);
    state.xy += dx * (v[i] - state.mean_y);
  }
  void merge(State& state, const State& behind) const {
    if (behind.count == 0) return;
    if (state.count == 0) {
      state = behind;
      return;
    }
    const double count = state.count + behind.count;
    const double dx = behind.mean_x - state.mean_x;
    const double dy = behind.mean_y - state.mean_y;
    const double weight = state.count * behind.count / count;
    state.mean_x += dx * (behind.count / count);
    state.mean_y += dy * (behind.count / count);
    state.xx += behind.xx + dx * dx * weight;
    state.xy += behind.xy + dx * dy * weight;
    state.count = count;
  }
};

/// The values of a window in order, NaN first. A step moves what lies between the place of the
/// value that leaves and that of the one that comes: a memmove within the window.
class SortedWindow {
 public:
  explicit SortedWindow(std::span<const double> v)
      : v_(v), has_nan_(std::ranges::any_of(v, [](double x) { return std::isnan(x); })) {}

  /// Neither may be less than in the call before.
  std::span<const double> at(uint32_t begin, uint32_t end) {
    if (begin >= end_) {
      sorted_.clear();
      begin_ = end_ = begin;
    }
    // Where much changes, sorting anew is less work.
    const uint32_t changes = (begin - begin_) + (end - end_);
    constexpr uint32_t kFewChanges = 16;
    if (changes * kFewChanges > end - begin) {
      sorted_.assign(v_.begin() + begin, v_.begin() + end);
      std::ranges::sort(sorted_, before);
      begin_ = begin;
      end_ = end;
      return sorted_;
    }
    for (; begin_ < begin && end_ < end; ++begin_, ++end_) replace(v_[begin_], v_[end_]);
    for (; begin_ < begin; ++begin_) sorted_.erase(sorted_.begin() + place_of(v_[begin_]));
    for (; end_ < end; ++end_) {
      sorted_.insert(sorted_.begin() + place_of(v_[end_]), v_[end_]);
    }
    return sorted_;
  }

  /// The value that `rank` others are before. REQUIRES: an at() before, and a rank in the window.
  double value_at(size_t rank) const { return sorted_[rank]; }

  static bool before(double a, double b) { return std::isnan(a) ? !std::isnan(b) : a < b; }

 private:
  // How many values are before `value`. Random values mislead branches, so there are none.
  std::ptrdiff_t place_of(double value) const {
    if (has_nan_) return std::ranges::lower_bound(sorted_, value, before) - sorted_.begin();
    const double* const data = sorted_.data();
    size_t base = 0;
    size_t size = sorted_.size();
    while (size > 0) {
      const size_t half = (size + 1) / 2;
      base += data[base + half - 1] < value ? half : 0;
      size -= half;
    }
    return static_cast<std::ptrdiff_t>(base);
  }

  // Moves only what lies between the two places.
  void replace(double out, double in) {
    const std::ptrdiff_t from = place_of(out);
    const std::ptrdiff_t to = place_of(in);
    const auto place = sorted_.begin();
    if (from < to) {
      std::move(place + from + 1, place + to, place + from);
      place[to - 1] = in;
    } else {
      std::move_backward(place + to, place + from, place + from + 1);
      place[to] = in;
    }
  }

  const std::span<const double> v_;
  const bool has_nan_;
  uint32_t begin_ = 0;
  uint32_t end_ = 0;
  std::vector<double> sorted_;
};

/// The same answers for values that are whole numbers in a small range, as percentages, states and
/// queue lengths are: how often each occurs is counted, in blocks, so that a sample comes and goes
/// in no time however long the window.
class CountedWindow {
 public:
  /// Null when the values are not like that.
  static std::unique_ptr<CountedWindow> make(std::span<const double> v) {
    if (v.empty()) return nullptr;
    double low = v[0];
    double high = v[0];
    bool whole = true;
    for (const double x : v) {
      low = x < low ? x : low;
      high = x > high ? x : high;
      // Not for NaN, infinities and -0 either.
      whole &= (std::trunc(x) == x) & (std::bit_cast<uint64_t>(x) != std::bit_cast<uint64_t>(-0.0));
    }
    if (!whole || !(high - low < kMaxRange)) return nullptr;
    return std::unique_ptr<CountedWindow>(new CountedWindow(v, low, high));
  }

  /// Neither may be less than in the call before.
  void at(uint32_t begin, uint32_t end) {
    if (begin >= end_) {
      for (; begin_ < end_; ++begin_) add(begin_, -1);
      begin_ = end_ = begin;
    }
    for (; end_ < end; ++end_) add(end_, 1);
    for (; begin_ < begin; ++begin_) add(begin_, -1);
  }

  double value_at(size_t rank) const {
    auto left = static_cast<int32_t>(rank);
    size_t block = 0;
    for (; left >= blocks_[block]; ++block) left -= blocks_[block];
    size_t i = block * kBlock;
    for (; left >= counts_[i]; ++i) left -= counts_[i];
    return low_ + static_cast<double>(i);
  }

 private:
  static constexpr double kMaxRange = 4096;
  static constexpr size_t kBlock = 32;

  CountedWindow(std::span<const double> v, double low, double high)
      : low_(low),
        places_(v.size()),
        counts_((static_cast<size_t>(high - low) / kBlock + 1) * kBlock),
        blocks_(counts_.size() / kBlock) {
    for (size_t i = 0; i < v.size(); ++i) places_[i] = static_cast<uint16_t>(v[i] - low);
  }

  void add(uint32_t i, int32_t n) {
    counts_[places_[i]] += n;
    blocks_[places_[i] / kBlock] += n;
  }

  const double low_;
  std::vector<uint16_t> places_;  // of each value
  std::vector<int32_t> counts_;   // of the window's values at each place
  std::vector<int32_t> blocks_;   // their sums
  uint32_t begin_ = 0;
  uint32_t end_ = 0;
};

}  // namespace strata::promql
