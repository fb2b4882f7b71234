// A distribution whose buckets need no thought: their bounds are powers of 2^(2^-schema), so that
// with schema 3 a quantile is within 4.4 % of the truth wherever the values lie ("native" or
// exponential histograms in Prometheus' words;
// https://prometheus.io/docs/specs/native_histograms/).
//
// In protobuf it is written as such; in the text formats, which do not know them, as a classic
// histogram with a bucket for each power of two.
//
// Threads: any. An observation within `lowest` to `highest` takes no lock and allocates nothing;
// what is outside, or negative, goes into a map behind a mutex. Bounds: kMaxDense buckets in cells
// (a schema that would need more is made coarser), kMaxSparse in the map; past those a value counts
// into the nearest bucket that there is.
#pragma once
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "strata/metrics/cells.h"
#include "strata/metrics/exposition.h"
#include "strata/metrics/instruments.h"

namespace strata::metrics {

struct NativeOptions {
  int schema = 3;        // 0 to 6: 2^schema buckets from one power of two to the next
  double lowest = 1e-6;  // observations of at most this size count as zero
  double highest = 1e6;
};

namespace detail {

struct NativeShape {
  static constexpr int kMaxSchema = 6;
  static constexpr int kMaxDense = 900;  // a page of cells has 1,024

  explicit NativeShape(NativeOptions options) {
    // Whole powers of two, so that the classic buckets are exact.
    first_power = exponent_below(options.lowest > 0 ? options.lowest : 1e-6);
    last_power = std::max(first_power + 1, exponent_below(options.highest) + 1);
    schema = std::clamp(options.schema, 0, kMaxSchema);
    while (schema > 0 && (last_power - first_power) << schema > kMaxDense) --schema;
    last_power = std::min(last_power, first_power + kMaxDense);
    zero_threshold = std::ldexp(1.0, first_power);
    const size_t parts = size_t{1} << schema;
    for (size_t i = 0; i < parts; ++i) {
      const double bound = std::exp2(static_cast<double>(i) / static_cast<double>(parts));
      fractions.push_back(std::bit_cast<uint64_t>(bound) & kMantissa);
    }
    for (int power = first_power; power <= last_power; ++power) {
      bounds.push_back(std::ldexp(1.0, power));
      text_le.push_back(bound_text(bounds.back(), Format::kText));
      open_le.push_back(bound_text(bounds.back(), Format::kOpenMetrics));
    }
  }

  /// Bucket i holds what is above base^(i-1) and at most base^i. REQUIRES: a normal number above 0.
  int index_of(double value) const noexcept {
    const auto bits = std::bit_cast<uint64_t>(value);
    const uint64_t mantissa = bits & kMantissa;
    const int power = static_cast<int>(bits >> 52) - 1023;
    // How many of the bounds within the power of two are below: a search in conditional moves.
    size_t below = 0;
    for (size_t step = fractions.size() / 2; step > 0; step /= 2) {
      below = fractions[below + step] < mantissa ? below + step : below;
    }
    const int whole = power * (1 << schema);
    return whole + static_cast<int>(below) + (fractions[below] < mantissa ? 1 : 0);
  }
  int first_index() const { return first_power * (1 << schema) + 1; }
  uint32_t dense() const { return static_cast<uint32_t>((last_power - first_power) << schema); }

  static constexpr uint64_t kMantissa = (uint64_t{1} << 52) - 1;

  int schema = 0;
  int first_power = 0, last_power = 0;
  double zero_threshold = 0;
  std::vector<uint64_t> fractions;  // mantissas of 2^(i / 2^schema)
  std::vector<double> bounds;       // of the classic buckets
  std::vector<std::string> text_le, open_le;

 private:
  static int exponent_below(double value) {
    const double size = value > 0 ? value : 1;
    return static_cast<int>(std::clamp(std::floor(std::log2(size)), -1000.0, 1000.0));
  }
};

}  // namespace detail

class NativeHistogram {
 public:
  using Shape = detail::NativeShape;
  static constexpr detail::Type kType = detail::Type::kHistogram;
  static constexpr size_t kMaxSparse = 1000;

  /// `shape` must outlive the histogram.
  explicit NativeHistogram(const Shape& shape)
      : shape_(shape), first_(shape.first_index()), dense_(shape.dense()), cells_(dense_ + 3) {}

  /// NaN is counted, and neither summed nor in a bucket.
  void observe(double value) noexcept {
    if (value > shape_.zero_threshold && value <= shape_.bounds.back()) [[likely]] {
      const auto at = static_cast<uint32_t>(shape_.index_of(value) - first_);
      detail::add_to_cell(cells_[at], uint64_t{1});
      detail::add_to_cell(cells_[sum()], value);
      return;
    }
    observe_outside(value);
  }
  [[nodiscard]] BasicTimer<NativeHistogram> time() { return BasicTimer<NativeHistogram>(*this); }

  struct Value {
    std::vector<std::pair<int, uint64_t>> positive, negative;  // index and count, ascending
    uint64_t zero_count = 0;
    uint64_t count = 0;
    double sum = 0;
  };
  Value value() const { return read(detail::CellReader()); }

  void expose(detail::Exposition& to, const detail::CellReader& reader, std::string_view name,
              std::string_view labels) const {
    const Value value = read(reader);
    std::vector<uint64_t>& cumulative = to.counts();
    uint64_t below = value.zero_count;
    for (const auto& [index, n] : value.negative) below += n;
    auto next = value.positive.begin();
    for (int power = shape_.first_power; power <= shape_.last_power; ++power) {
      const int last = power * (1 << shape_.schema);
      for (; next != value.positive.end() && next->first <= last; ++next) below += next->second;
      cumulative.push_back(below);
    }
    cumulative.push_back(value.count);
    const detail::HistogramView::Native native{.schema = shape_.schema,
                                               .zero_threshold = shape_.zero_threshold,
                                               .zero_count = value.zero_count,
                                               .positive = value.positive,
                                               .negative = value.negative};
    detail::HistogramView view;
    view.le = to.format() == Format::kText ? shape_.text_le : shape_.open_le;
    view.bounds = shape_.bounds;
    view.cumulative = cumulative;
    view.count = value.count;
    view.sum = value.sum;
    view.native = &native;
    to.histogram(name, labels, view);
  }

 private:
  // The cells behind the buckets.
  uint32_t sum() const { return dense_; }
  uint32_t zeros() const { return dense_ + 1; }
  uint32_t nans() const { return dense_ + 2; }

  void observe_outside(double value) noexcept {
    if (!(value == value)) return detail::add_to_cell(cells_[nans()], uint64_t{1});
    if (std::fabs(value) <= shape_.zero_threshold) {
      detail::add_to_cell(cells_[zeros()], uint64_t{1});
    } else {
      const double size = std::min(std::fabs(value), std::numeric_limits<double>::max());
      std::lock_guard lock(mutex_);
      auto& buckets = value < 0 ? negative_ : positive_;
      const int index = shape_.index_of(size);
      const auto near = buckets.lower_bound(index);
      if (buckets.size() < kMaxSparse || (near != buckets.end() && near->first == index)) {
        ++buckets[index];
      } else {
        ++(near != buckets.end() ? near : std::prev(near))->second;
      }
    }
    detail::add_to_cell(cells_[sum()], value);
  }

  Value read(const detail::CellReader& reader) const {
    Value value;
    for (uint32_t i = 0; i < dense_; ++i) {
      const uint64_t n = reader.integer(cells_[i]);
      if (n > 0) value.positive.emplace_back(first_ + static_cast<int>(i), n);
      value.count += n;
    }
    value.zero_count = reader.integer(cells_[zeros()]);
    value.count += value.zero_count + reader.integer(cells_[nans()]);
    value.sum = reader.real(cells_[sum()]);
    std::lock_guard lock(mutex_);
    for (const auto& [index, n] : positive_) {
      value.positive.emplace_back(index, n);  // all above the dense ones
      value.count += n;
    }
    for (const auto& [index, n] : negative_) {
      value.negative.emplace_back(index, n);
      value.count += n;
    }
    return value;
  }

  const Shape& shape_;
  const int first_;
  const uint32_t dense_;
  detail::Cells cells_;
  mutable std::mutex mutex_;  // guards the two below
  std::map<int, uint64_t> positive_, negative_;
};

}  // namespace strata::metrics
