// A row: the values of one series at all steps of an evaluation. What every operator reads and
// writes.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "model/histogram.h"
#include "model/sample.h"

namespace strata::promql {

/// The instants at which an expression is evaluated.
struct Steps {
  TimestampMs start = 0;
  int64_t interval = 1;  // milliseconds, > 0
  size_t count = 1;

  TimestampMs at(size_t i) const { return start + static_cast<int64_t>(i) * interval; }
  TimestampMs last() const { return at(count - 1); }
  friend auto operator<=>(const Steps&, const Steps&) = default;
};

/// "No sample at this step" is written as the staleness marker: a NaN that no arithmetic gives,
/// since operations quieten it. So it must be looked for before calculating with it.
inline double absent() { return stale_nan(); }
inline bool is_absent(double v) { return is_stale_nan(v); }

/// A view of a row; whoever made it owns the memory. `h` is empty as long as the row has no
/// histogram, else parallel to `v`, which is 0 where `h` is set.
struct RowView {
  std::span<double> v;
  std::vector<HistogramPtr>* h = nullptr;

  size_t size() const { return v.size(); }
  bool has(size_t i) const { return !is_absent(v[i]); }
  bool has_histograms() const { return !h->empty(); }
  bool is_histogram(size_t i) const { return !h->empty() && (*h)[i] != nullptr; }
  const HistogramPtr& histogram(size_t i) const { return (*h)[i]; }
  std::span<const HistogramPtr> histograms() const { return *h; }

  void clear() const {
    std::ranges::fill(v, absent());
    h->clear();
  }
  void erase(size_t i) const {
    v[i] = absent();
    if (!h->empty()) (*h)[i] = nullptr;
  }
  void set(size_t i, double value) const {
    v[i] = value;
    if (!h->empty()) (*h)[i] = nullptr;
  }
  void set(size_t i, HistogramPtr value) const {
    if (h->empty()) h->resize(v.size());
    v[i] = 0;
    (*h)[i] = std::move(value);
  }
  /// Same size.
  void copy_from(RowView other) const {
    std::ranges::copy(other.v, v.begin());
    *h = *other.h;
  }
  /// Where histograms are, there is nothing now.
  void drop_histograms() const {
    for (size_t i = 0; i < h->size(); ++i) {
      if ((*h)[i]) v[i] = absent();
    }
    h->clear();
  }
  bool empty() const { return std::ranges::all_of(v, is_absent); }
};

/// A row that owns its memory; reused for one series after the other.
struct RowBuffer {
  explicit RowBuffer(size_t steps) : v(steps) {}
  RowView view() { return {v, &h}; }

  std::vector<double> v;
  std::vector<HistogramPtr> h;
};

}  // namespace strata::promql
