// changes, resets, and lines through samples.
#include <algorithm>
#include <cmath>
#include <limits>

#include "promql/histogram_ops.h"
#include "promql/kahan.h"
#include "promql/range_functions.h"

namespace strata::promql {
namespace {

struct MixedSample {
  TimestampMs t;
  TimestampMs start;
  double v;
  const FloatHistogram* h;
};

/// Floats and histograms of a window in one order of time. With anchored, from the last sample at
/// or before the range's start on.
class MixedWindow {
 public:
  void fill(const RangeCall& call, const RangeWindows& windows, size_t w) {
    samples_.clear();
    add(windows.floats, w, [&](uint32_t i) { return std::pair(windows.v[i], nullptr); });
    add(windows.histograms, w, [&](uint32_t i) { return std::pair(0., windows.h[i].get()); });
    if (windows.mixed(w)) std::ranges::stable_sort(samples_, {}, &MixedSample::t);
    if (!call.anchored()) return;
    const TimestampMs start = windows.spec->start_at(w);
    const auto after = std::ranges::upper_bound(samples_, start, {}, &MixedSample::t);
    if (after == samples_.end()) samples_.clear();
    if (!samples_.empty() && after != samples_.begin()) samples_.erase(samples_.begin(), after - 1);
  }
  const std::vector<MixedSample>& samples() const { return samples_; }

 private:
  template <class ValueAt>
  void add(const RangeWindows::Part& part, size_t w, ValueAt value_at) {
    for (uint32_t i = part.begin[w]; i < part.end[w]; ++i) {
      const auto [v, h] = value_at(i);
      samples_.push_back({part.t[i], part.start_time.empty() ? 0 : part.start_time[i], v, h});
    }
  }

  std::vector<MixedSample> samples_;
};

/// How many neighbours differ in the sense of `differ`.
template <class Differ>
void count_steps(const RangeCall& call, const RangeWindows& windows, RowView out, Differ differ) {
  MixedWindow window;
  for (size_t w = 0; w < windows.size(); ++w) {
    if (windows.floats.count(w) + windows.histograms.count(w) == 0) continue;
    window.fill(call, windows, w);
    const auto& samples = window.samples();
    if (samples.empty()) continue;
    size_t count = 0;
    for (size_t i = 1; i < samples.size(); ++i) count += differ(samples[i - 1], samples[i]) ? 1 : 0;
    out.set(w, static_cast<double>(count));
  }
}

struct Line {
  double slope;
  double intercept;
};

// Least squares, in seconds from `zero` on.
Line fit_line(std::span<const TimestampMs> t, std::span<const double> v, TimestampMs zero) {
  struct Sum {
    double sum = 0, compensation = 0;
    void add(double x) { kahan_add(x, sum, compensation); }
    double total() const { return sum + compensation; }
  };
  Sum x, y, xy, xx;
  bool constant = true;
  for (size_t i = 0; i < v.size(); ++i) {
    constant = constant && v[i] == v[0];
    const double at = static_cast<double>(t[i] - zero) / 1e3;
    x.add(at);
    y.add(v[i]);
    xy.add(at * v[i]);
    xx.add(at * at);
  }
  if (constant) {
    if (!std::isinf(v[0])) return {0, v[0]};
    constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
    return {kNan, kNan};
  }
  const double n = static_cast<double>(v.size());
  const double covariance = xy.total() - x.total() * y.total() / n;
  const double variance = xx.total() - x.total() * x.total() / n;
  const double slope = covariance / variance;
  return {slope, y.total() / n - slope * x.total() / n};
}

template <class Body>
void lines(const RangeCall& call, const RangeWindows& windows, RowView out, Body body) {
  for (size_t w = 0; w < windows.size(); ++w) {
    const size_t floats = windows.floats.count(w);
    if (floats > 0 && windows.histograms.count(w) > 0) {
      info_histograms_ignored(call, windows.series->labels->metric_name());
    }
    if (floats >= 2) out.set(w, body(w));
  }
}

}  // namespace

void range_changes(const RangeCall& call, const RangeWindows& windows, RowView out) {
  count_steps(call, windows, out, [](const MixedSample& a, const MixedSample& b) {
    if ((a.h == nullptr) != (b.h == nullptr)) return true;
    if (a.h != nullptr) return !equal(*b.h, *a.h);
    return a.v != b.v && !(std::isnan(a.v) && std::isnan(b.v));
  });
}

void range_resets(const RangeCall& call, const RangeWindows& windows, RowView out) {
  const bool use_starts = call.query.options.use_start_timestamps;
  count_steps(call, windows, out, [&](const MixedSample& a, const MixedSample& b) {
    if ((a.h == nullptr) != (b.h == nullptr)) return true;
    if (use_starts && is_start_time_reset(a.start, a.t, b.start, b.t)) return true;
    return a.h != nullptr ? detect_reset(*b.h, *a.h) : b.v < a.v;
  });
}

void range_deriv(const RangeCall& call, const RangeWindows& windows, RowView out) {
  lines(call, windows, out, [&](size_t w) {
    const auto t = windows.times(w);
    return fit_line(t, windows.values(w), t.front()).slope;
  });
}

void range_predict_linear(const RangeCall& call, const RangeWindows& windows, RowView out) {
  lines(call, windows, out, [&](size_t w) {
    const Line line = fit_line(windows.times(w), windows.values(w), call.steps.at(w));
    return line.slope * call.scalar(1, w) + line.intercept;
  });
}

}  // namespace strata::promql
