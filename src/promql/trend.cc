// changes, resets, and lines through samples.
#include <algorithm>
#include <cmath>
#include <limits>

#include "promql/histogram_ops.h"
#include "promql/range_functions.h"
#include "promql/sliding.h"
#include "promql/window_folds.h"

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

/// The same of float series, by counts from the series' beginning.
template <class Differ>
void count_float_steps(const RangeWindows& windows, RowView out, Differ differ) {
  const auto v = windows.v;
  std::vector<uint32_t> before(v.size());
  for (size_t i = 1; i < v.size(); ++i) {
    before[i] = before[i - 1] + (differ(v[i - 1], v[i]) ? 1 : 0);
  }
  const auto& part = windows.floats;
  for (size_t w = 0; w < windows.size(); ++w) {
    if (part.count(w) == 0) continue;
    out.set(w, static_cast<double>(before[part.end[w] - 1] - before[part.begin[w]]));
  }
}

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

// For each sample, where the run of equal values that it ends begins.
std::vector<uint32_t> runs_of_equals(std::span<const double> v) {
  std::vector<uint32_t> begin(v.size());
  for (uint32_t i = 1; i < v.size(); ++i) begin[i] = v[i] == v[i - 1] ? begin[i - 1] : i;
  return begin;
}

/// body(w, line) for each window of two floats and more; the line of constant values is constant,
/// and not a number where they are infinite.
template <class Body>
void lines(const RangeCall& call, const RangeWindows& windows, RowView out, Body body) {
  if (windows.v.empty()) return;
  const auto& part = windows.floats;
  const TimestampMs zero = part.t.front();
  SlidingFold fits(LineFold{part.t, windows.v, zero});
  const std::vector<uint32_t> runs = runs_of_equals(windows.v);
  for (size_t w = 0; w < windows.size(); ++w) {
    const size_t floats = part.count(w);
    if (floats > 0 && windows.histograms.count(w) > 0) {
      info_histograms_ignored(call, windows.series->labels->metric_name());
    }
    if (floats < 2) continue;
    LineFold::State fit = fits.at(part.begin[w], part.end[w]);
    if (runs[part.end[w] - 1] <= part.begin[w]) {
      constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
      fit.mean_y = windows.v[part.begin[w]];
      fit.xy = std::isinf(fit.mean_y) ? kNan : 0;
      fit.xx = 1;
    }
    out.set(w, body(w, fit, zero));
  }
}

}  // namespace

void range_changes(const RangeCall& call, const RangeWindows& windows, RowView out) {
  const auto changed = [](double a, double b) {
    return a != b && !(std::isnan(a) && std::isnan(b));
  };
  if (windows.h.empty() && !call.anchored()) return count_float_steps(windows, out, changed);
  count_steps(call, windows, out, [&](const MixedSample& a, const MixedSample& b) {
    if ((a.h == nullptr) != (b.h == nullptr)) return true;
    if (a.h != nullptr) return !equal(*b.h, *a.h);
    return changed(a.v, b.v);
  });
}

void range_resets(const RangeCall& call, const RangeWindows& windows, RowView out) {
  const bool use_starts = call.query.options.use_start_timestamps;
  if (windows.h.empty() && !call.anchored() && !use_starts) {
    return count_float_steps(windows, out, std::greater<>());
  }
  count_steps(call, windows, out, [&](const MixedSample& a, const MixedSample& b) {
    if ((a.h == nullptr) != (b.h == nullptr)) return true;
    if (use_starts && is_start_time_reset(a.start, a.t, b.start, b.t)) return true;
    return a.h != nullptr ? detect_reset(*b.h, *a.h) : b.v < a.v;
  });
}

void range_deriv(const RangeCall& call, const RangeWindows& windows, RowView out) {
  lines(call, windows, out,
        [](size_t, const LineFold::State& fit, TimestampMs) { return fit.slope(); });
}

void range_predict_linear(const RangeCall& call, const RangeWindows& windows, RowView out) {
  lines(call, windows, out, [&](size_t w, const LineFold::State& fit, TimestampMs zero) {
    const double now = static_cast<double>(call.steps.at(windows.first_step + w) - zero) / 1000;
    return fit.at(now + call.scalar(1, windows, w));
  });
}

}  // namespace strata::promql
