// Range vectors, series-major: the samples of one series, once, and for every step the part of
// them that its window holds.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "model/series_source.h"
#include "promql/query.h"
#include "promql/row.h"
#include "promql/vector_source.h"

namespace strata::promql {

/// Window i is (end_at(i) - range, end_at(i)], open on the left as since Prometheus 3.0. `before`
/// and `after` add the neighbours that anchored and smoothed look at.
struct WindowSpec {
  TimestampMs first_end = 0;
  int64_t interval = 0;  // 0: all windows are the same (@)
  int64_t range = 0;
  size_t count = 1;
  int64_t before = 0;
  int64_t after = 0;

  friend bool operator==(const WindowSpec&, const WindowSpec&) = default;
  TimestampMs end_at(size_t i) const { return first_end + static_cast<int64_t>(i) * interval; }
  TimestampMs start_at(size_t i) const { return end_at(i) - range; }
  /// `n` of the windows, from `first` on.
  WindowSpec slice(size_t first, size_t n) const {
    WindowSpec part = *this;
    part.first_end = end_at(first);
    part.count = n;
    return part;
  }
  /// What all windows together need.
  TimeRange time_range() const { return {start_at(0) - before + 1, end_at(count - 1) + after}; }
};

/// How a window's samples lie in it, in seconds: what rate() extrapolates by.
struct WindowShape {
  double sampled = 0;   // from the first sample to the last
  double to_start = 0;  // how far the growth is taken to reach beyond them
  double to_end = 0;
  double factor = 0;  // (sampled + to_start + to_end) / sampled / unit
};

/// Windows of which each holds the samples of the one before, moved on by one: [begin, end) of the
/// first of them.
struct WindowRun {
  size_t first = 0;
  size_t count = 0;
  uint32_t begin = 0;
  uint32_t end = 0;
};

/// Shapes of all windows, kept as long as series have the same timestamps: those of one scrape do.
struct WindowShapes {
  bool valid = false;
  double unit = 1;  // seconds: 1, or the range for values per second
  std::vector<double> factor;
  /// A counter whose first sample is below `reach` times its growth was zero within the stretch
  /// that the growth is extrapolated over. Never too small by rounding.
  std::vector<double> reach;
  std::vector<WindowRun> runs;   // long ones, of windows with at least two samples
  std::vector<uint32_t> single;  // the other windows with at least two
};

/// Samples of one series, floats and histograms apart, without stale markers, and for each window
/// which of them it holds: indices [begin, end).
struct RangeWindows {
  struct Part {
    std::span<const TimestampMs> t;
    std::span<const TimestampMs> start_time;  // empty: unknown
    std::vector<uint32_t> begin;
    std::vector<uint32_t> end;
    size_t count(size_t window) const { return end[window] - begin[window]; }
  };
  const WindowSpec* spec = nullptr;
  size_t first_step = 0;  // of the first window, among the steps of the query
  const SeriesRef* series = nullptr;
  WindowShapes* float_shapes = nullptr;  // of `floats`; filled in by who needs them
  Part floats;
  std::span<const double> v;
  Part histograms;
  std::span<const HistogramPtr> h;

  size_t size() const { return spec->count; }
  std::span<const double> values(size_t window) const {
    return v.subspan(floats.begin[window], floats.count(window));
  }
  std::span<const TimestampMs> times(size_t window) const {
    return floats.t.subspan(floats.begin[window], floats.count(window));
  }
  std::span<const HistogramPtr> histogram_values(size_t window) const {
    return h.subspan(histograms.begin[window], histograms.count(window));
  }
  std::span<const TimestampMs> histogram_times(size_t window) const {
    return histograms.t.subspan(histograms.begin[window], histograms.count(window));
  }
  bool mixed(size_t window) const {
    return floats.count(window) > 0 && histograms.count(window) > 0;
  }
};

/// Immutable once made; read() is called from many threads.
class MatrixSource {
 public:
  MatrixSource(std::vector<SeriesRef> series, WindowSpec spec)
      : spec_(spec), series_(std::move(series)) {}
  virtual ~MatrixSource() = default;

  size_t size() const { return series_.size(); }
  const SeriesRef& series(size_t i) const { return series_[i]; }
  const std::vector<SeriesRef>& all_series() const { return series_; }
  const WindowSpec& spec() const { return spec_; }

  /// Replaces `out` by all samples that any window of series i may hold that is in `part`, which
  /// is a slice of spec().
  virtual Result<> read(size_t i, const WindowSpec& part, SampleColumns& out) const = 0;
  /// Whether reading in slices costs no more than reading at once.
  virtual bool has_slices() const { return false; }

 protected:
  WindowSpec spec_;

 private:
  std::vector<SeriesRef> series_;
};
using MatrixPtr = std::unique_ptr<MatrixSource>;

/// Memory to read one series into; reused from series to series.
class WindowReader {
 public:
  /// Points into this reader until the next call.
  Result<const RangeWindows*> read(const MatrixSource& source, size_t i) {
    return read(source, i, 0, source.spec().count);
  }
  /// `count` windows, from `first` on.
  Result<const RangeWindows*> read(const MatrixSource& source, size_t i, size_t first,
                                   size_t count);

 private:
  void use_floats();
  void split_histograms();
  bool has_windows_of(std::span<const TimestampMs> t) const;
  void find_windows(RangeWindows::Part& part) const;

  SampleColumns columns_;
  std::vector<TimestampMs> float_times_, float_starts_, histogram_times_, histogram_starts_;
  std::vector<double> floats_;
  std::vector<HistogramPtr> histograms_;
  WindowSpec spec_;
  RangeWindows windows_;
  // What the windows were found for.
  WindowSpec found_spec_;
  std::vector<TimestampMs> found_times_;
  WindowShapes shapes_;
};

/// A WindowReader from a per-thread stock: range functions nest (subqueries), so each level takes
/// its own.
class BorrowedReader {
 public:
  BorrowedReader();
  ~BorrowedReader();
  BorrowedReader(const BorrowedReader&) = delete;
  BorrowedReader& operator=(const BorrowedReader&) = delete;
  WindowReader& operator*() const { return *reader_; }
  WindowReader* operator->() const { return reader_.get(); }

 private:
  std::unique_ptr<WindowReader> reader_;
};

}  // namespace strata::promql
