// What a program counts with. Every function here may be called from any thread at any time, takes
// no lock and allocates nothing (a thread's first count in 1,024 series makes their page).
// Instruments are made by a Registry and live as long as it does.
#pragma once
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "strata/metrics/cells.h"
#include "strata/metrics/exposition.h"

namespace strata::metrics {

namespace detail {
struct NoShape {};  // what instruments without settings are made from
}  // namespace detail

/// A whole number that only grows: requests, errors, tokens, bytes.
class Counter {
 public:
  using Shape = detail::NoShape;
  static constexpr detail::Type kType = detail::Type::kCounter;

  explicit Counter(const Shape&) : cells_(1) {}

  void inc(uint64_t by = 1) noexcept { detail::add_to_cell(cells_[0], by); }
  void inc(uint64_t by, const Exemplar& exemplar) {
    inc(by);
    exemplars_.set(0, exemplar, static_cast<double>(by));
  }
  uint64_t value() const { return detail::CellReader().integer(cells_[0]); }

  void expose(detail::Exposition& to, const detail::CellReader& reader, std::string_view name,
              std::string_view labels) const {
    to.counter(name, labels, reader.integer(cells_[0]), exemplars_.any() ? &exemplars_ : nullptr);
  }

 private:
  detail::Cells cells_;
  detail::ExemplarSlots exemplars_{1};
};

/// An amount that only grows and is not whole: seconds, joules, dollars.
class FloatCounter {
 public:
  using Shape = detail::NoShape;
  static constexpr detail::Type kType = detail::Type::kCounter;

  explicit FloatCounter(const Shape&) : cells_(1) {}

  /// Negative and NaN amounts are ignored: a counter never falls.
  void add(double by) noexcept {
    if (by > 0) detail::add_to_cell(cells_[0], by);
  }
  double value() const { return detail::CellReader().real(cells_[0]); }

  void expose(detail::Exposition& to, const detail::CellReader& reader, std::string_view name,
              std::string_view labels) const {
    to.counter(name, labels, reader.real(cells_[0]));
  }

 private:
  detail::Cells cells_;
};

/// A value that goes up and down: requests in flight, bytes in use. One cell for all threads, since
/// the last set() must win.
class Gauge {
 public:
  using Shape = detail::NoShape;
  static constexpr detail::Type kType = detail::Type::kGauge;

  explicit Gauge(const Shape&) {}

  void set(double value) noexcept { value_.store(value, std::memory_order_relaxed); }
  void add(double by) noexcept {
    double old = value_.load(std::memory_order_relaxed);
    while (!value_.compare_exchange_weak(old, old + by, std::memory_order_relaxed)) {
    }
  }
  void sub(double by) noexcept { add(-by); }
  void inc() noexcept { add(1); }
  void dec() noexcept { add(-1); }
  void set_to_current_time() noexcept {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    set(std::chrono::duration<double>(now).count());
  }
  double value() const { return value_.load(std::memory_order_relaxed); }

  void expose(detail::Exposition& to, const detail::CellReader&, std::string_view name,
              std::string_view labels) const {
    to.gauge(name, labels, value());
  }

 private:
  std::atomic<double> value_{0};
};

namespace detail {

/// The upper bounds of a classic histogram, sorted, without +Inf, and as the text of `le`.
struct HistogramShape {
  static constexpr size_t kMaxBounds = 256;

  HistogramShape() = default;
  /// Sorts; drops duplicates, NaN and +Inf; keeps the lowest kMaxBounds.
  explicit HistogramShape(std::vector<double> upper_bounds) : bounds(std::move(upper_bounds)) {
    std::erase_if(bounds, [](double bound) { return !(bound < HUGE_VAL); });
    std::ranges::sort(bounds);
    bounds.erase(std::ranges::unique(bounds).begin(), bounds.end());
    if (bounds.size() > kMaxBounds) bounds.resize(kMaxBounds);
    for (const double bound : bounds) {
      text_le.push_back(bound_text(bound, Format::kText));
      open_le.push_back(bound_text(bound, Format::kOpenMetrics));
    }
  }

  std::vector<double> bounds;
  std::vector<std::string> text_le, open_le;
};

}  // namespace detail

/// Observes its own life: seconds from construction to destruction, or to stop().
template <class Instrument>
class BasicTimer {
 public:
  explicit BasicTimer(Instrument& into) : into_(&into), start_(std::chrono::steady_clock::now()) {}
  ~BasicTimer() { stop(); }
  BasicTimer(const BasicTimer&) = delete;
  BasicTimer& operator=(const BasicTimer&) = delete;

  /// Observes now, once. Returns the seconds; 0 when it had stopped already.
  double stop() noexcept {
    if (into_ == nullptr) return 0;
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start_;
    into_->observe(took.count());
    into_ = nullptr;
    return took.count();
  }
  void discard() noexcept { into_ = nullptr; }

 private:
  Instrument* into_;
  std::chrono::steady_clock::time_point start_;
};

/// A distribution in buckets with fixed upper bounds ("classic" in Prometheus' words). _count is
/// the sum of the buckets, so the two always agree.
class Histogram {
 public:
  using Shape = detail::HistogramShape;
  static constexpr detail::Type kType = detail::Type::kHistogram;

  /// `shape` must outlive the histogram.
  explicit Histogram(const Shape& shape)
      : bounds_(shape.bounds.data()),
        size_(static_cast<uint32_t>(shape.bounds.size())),
        cells_(size_ + 2),
        exemplars_(size_ + 1),
        shape_(shape) {}

  /// NaN counts into the bucket of +Inf and leaves the sum alone.
  void observe(double value) noexcept {
    detail::add_to_cell(cells_[bucket_of(value)], uint64_t{1});
    if (value == value) detail::add_to_cell(cells_[size_ + 1], value);
  }
  void observe(double value, const Exemplar& exemplar) {
    observe(value);
    exemplars_.set(bucket_of(value), exemplar, value);
  }
  [[nodiscard]] BasicTimer<Histogram> time() { return BasicTimer<Histogram>(*this); }

  struct Value {
    std::vector<uint64_t> buckets;  // not cumulative; the last one's upper bound is +Inf
    uint64_t count = 0;
    double sum = 0;
  };
  Value value() const { return read(detail::CellReader()); }

  void expose(detail::Exposition& to, const detail::CellReader& reader, std::string_view name,
              std::string_view labels) const {
    std::vector<uint64_t>& cumulative = to.counts();
    uint64_t count = 0;
    for (uint32_t i = 0; i <= size_; ++i) cumulative.push_back(count += reader.integer(cells_[i]));
    detail::HistogramView view;
    view.le = to.format() == Format::kText ? shape_.text_le : shape_.open_le;
    view.bounds = shape_.bounds;
    view.cumulative = cumulative;
    view.exemplars = exemplars_.any() ? &exemplars_ : nullptr;
    view.count = count;
    view.sum = reader.real(cells_[size_ + 1]);
    to.histogram(name, labels, view);
  }

 private:
  // The first bound that is not below `value`; size_ for +Inf and NaN. A binary search whose steps
  // are conditional moves: the time does not depend on the values.
  uint32_t bucket_of(double value) const noexcept {
    uint32_t first = 0;
    for (uint32_t left = size_; left > 0;) {
      const uint32_t half = left / 2;
      const bool above = !(value <= bounds_[first + half]);
      first = above ? first + half + 1 : first;
      left = above ? left - half - 1 : half;
    }
    return first;
  }
  Value read(const detail::CellReader& reader) const {
    Value value;
    for (uint32_t i = 0; i <= size_; ++i) {
      value.buckets.push_back(reader.integer(cells_[i]));
      value.count += value.buckets.back();
    }
    value.sum = reader.real(cells_[size_ + 1]);
    return value;
  }

  const double* bounds_;
  uint32_t size_;
  detail::Cells cells_;  // one a bucket, then the sum
  detail::ExemplarSlots exemplars_;
  const Shape& shape_;
};

using Timer = BasicTimer<Histogram>;

/// start, start * factor, …: `count` bounds. REQUIRES: start > 0, factor > 1.
inline std::vector<double> exponential_buckets(double start, double factor, size_t count) {
  std::vector<double> bounds;
  for (size_t i = 0; i < count; ++i, start *= factor) bounds.push_back(start);
  return bounds;
}
/// start, start + width, …: `count` bounds.
inline std::vector<double> linear_buckets(double start, double width, size_t count) {
  std::vector<double> bounds;
  for (size_t i = 0; i < count; ++i) bounds.push_back(start + width * static_cast<double>(i));
  return bounds;
}
/// 5 ms to 10 s: what Prometheus' own client libraries use unless told otherwise.
inline std::vector<double> default_buckets() {
  return {.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10};
}

}  // namespace strata::metrics
