// rate, increase, delta and their instant forms.
#include <algorithm>
#include <array>

#include "promql/histogram_ops.h"
#include "promql/quote.h"
#include "promql/range_functions.h"
#include "promql/row_kernels.h"

namespace strata::promql {

SourceSpan annotation_span(const RangeCall& call) { return unwrap(*call.call.args[0]).span; }

std::string mixed_samples_text(std::string_view metric) {
  return fmt::format("encountered a mix of histograms and floats for metric name {}",
                     quoted(metric));
}

std::string mixed_schemas_text(std::string_view metric) {
  return fmt::format(
      "vector contains a mix of histograms with exponential and custom buckets schemas for metric "
      "name {}",
      quoted(metric));
}

void warn_mixed(const RangeCall& call, std::string_view metric) {
  call.query.annotations.warn(annotation_span(call), mixed_samples_text(metric));
}

void warn_mixed_schemas(const RangeCall& call, std::string_view metric) {
  call.query.annotations.warn(annotation_span(call), mixed_schemas_text(metric));
}

void info_histograms_ignored(const RangeCall& call, std::string_view metric) {
  call.query.annotations.info(
      annotation_span(call), fmt::format("ignored histograms in a range containing both floats and "
                                         "histograms for metric name {}",
                                         quoted(metric)));
}

bool is_start_time_reset(TimestampMs previous_start, TimestampMs previous, TimestampMs start,
                         TimestampMs t) {
  if (start == 0 || start >= t || start < previous) return false;
  if (start > previous) return true;
  // Deltas: each sample starts where the one before ended.
  return previous_start <= previous && previous_start != 0 && previous_start != previous;
}

namespace {

struct RateKind {
  bool is_counter;
  bool per_second;
};

bool starts_overlap(TimestampMs previous_start, TimestampMs previous, TimestampMs start) {
  return start != 0 && start < previous && start != previous_start;
}

// Which samples of a series follow a counter reset. Found once a series; a window then looks at
// its own few.
class Resets {
 public:
  Resets(const RangeWindows& windows, bool use_start_times) {
    find_decreases(windows.v);
    const auto& part = windows.floats;
    if (!use_start_times || part.start_time.empty()) return;
    for (uint32_t i = 1; i < windows.v.size(); ++i) {
      const bool reset =
          is_start_time_reset(part.start_time[i - 1], part.t[i - 1], part.start_time[i], part.t[i]);
      if (reset) at_.push_back(i);
      if (starts_overlap(part.start_time[i - 1], part.t[i - 1], part.start_time[i])) {
        overlaps_.push_back(i);
      }
    }
    std::ranges::sort(at_);
    at_.erase(std::ranges::unique(at_).begin(), at_.end());
  }

  bool empty() const { return at_.empty() && overlaps_.empty(); }
  /// Whether one lies in window [begin, end). Windows come in order.
  bool any_in(uint32_t begin, uint32_t end) {
    while (next_ < at_.size() && at_[next_] <= begin) ++next_;
    return next_ < at_.size() && at_[next_] < end;
  }

  /// What was lost to the resets in window [begin, end). Windows come in order.
  double lost(std::span<const double> v, uint32_t begin, uint32_t end) {
    while (next_ < at_.size() && at_[next_] <= begin) ++next_;
    double sum = 0;
    for (size_t i = next_; i < at_.size() && at_[i] < end; ++i) sum += v[at_[i] - 1];
    return sum;
  }
  bool overlap_in(uint32_t begin, uint32_t end) const {
    return std::ranges::any_of(overlaps_, [=](uint32_t i) { return i > begin && i < end; });
  }

 private:
  // Resets are rare: whole blocks are asked first, in vectors.
  void find_decreases(std::span<const double> v) {
    constexpr size_t kBlock = 64;
    for (size_t begin = 1; begin < v.size(); begin += kBlock) {
      const size_t end = std::min(v.size(), begin + kBlock);
      bool any = false;
      for (size_t i = begin; i < end; ++i) any |= v[i] < v[i - 1];
      if (!any) continue;
      for (size_t i = begin; i < end; ++i) {
        if (v[i] < v[i - 1]) at_.push_back(static_cast<uint32_t>(i));
      }
    }
  }

  std::vector<uint32_t> at_;
  std::vector<uint32_t> overlaps_;
  size_t next_ = 0;
};

// How far beyond its samples the growth of a window is taken to reach. Samples that lie further
// from an end of the range than 1.1 of their own distance reach half that distance beyond.
// `begins_at`: a counter was zero then, inside the range; 0: that is not known.
WindowShape shape_of(const WindowSpec& spec, size_t w, TimestampMs first, TimestampMs last,
                     size_t intervals, TimestampMs begins_at, double unit) {
  WindowShape shape;
  shape.sampled = static_cast<double>(last - first) / 1000;
  const double average = intervals > 0 ? shape.sampled / static_cast<double>(intervals) : 0;
  const double threshold = average * 1.1;
  shape.to_start = static_cast<double>(first - spec.start_at(w)) / 1000;
  shape.to_end = static_cast<double>(spec.end_at(w) - last) / 1000;
  if (begins_at != 0) {
    shape.to_start = 0;
    shape.sampled = static_cast<double>(last - begins_at) / 1000;
  } else if (shape.to_start >= threshold) {
    shape.to_start = average / 2;
  }
  if (shape.to_end >= threshold) shape.to_end = average / 2;
  shape.factor =
      shape.sampled == 0 ? 1 : (shape.sampled + shape.to_start + shape.to_end) / shape.sampled;
  shape.factor /= unit;
  return shape;
}

// A counter does not reach further back than to where the line through its samples meets zero.
double factor_above_zero(const WindowShape& shape, double first, double growth, double unit) {
  if (!(growth > 0) || !(first >= 0) || first * shape.sampled >= shape.to_start * growth) {
    return shape.factor;
  }
  const double to_zero = shape.sampled * (first / growth);
  return (shape.sampled + to_zero + shape.to_end) / shape.sampled / unit;
}

// The name of a counter says so.
void note_unless_counter(const RangeCall& call, const RangeWindows& windows) {
  const std::string_view metric = windows.series->labels->metric_name();
  if (metric.empty()) return;
  auto& annotations = call.query.annotations;
  if (call.query.options.type_and_unit_labels) {
    const std::string_view type = windows.series->labels->get("__type__");
    if (type == "counter" || type == "histogram") return;
    annotations.info(annotation_span(call),
                     fmt::format("metric might not be a counter, __type__ label is not set to "
                                 "\"counter\" or \"histogram\", got {}: {}",
                                 quoted(type), quoted(metric)));
    return;
  }
  constexpr auto kSuffixes =
      std::to_array<std::string_view>({"_total", "_sum", "_count", "_bucket"});
  if (std::ranges::any_of(kSuffixes, [&](auto suffix) { return metric.ends_with(suffix); })) return;
  annotations.info(annotation_span(call),
                   fmt::format("metric might not be a counter, name does not end in "
                               "_total/_sum/_count/_bucket: {}",
                               quoted(metric)));
}

class Rate {
 public:
  Rate(const RangeCall& call, const RangeWindows& windows, RateKind kind)
      : call_(call),
        windows_(windows),
        kind_(kind),
        use_starts_(kind.is_counter && call.query.options.use_start_timestamps),
        unit_(kind.per_second ? static_cast<double>(call.range.count()) / 1000 : 1) {}

  void run(RowView out) {
    if (windows_.h.empty()) return run_floats(out);
    std::optional<Resets> resets;
    if (kind_.is_counter) resets.emplace(windows_, use_starts_);
    for (size_t w = 0; w < windows_.size(); ++w) {
      if (windows_.mixed(w)) {
        warn_mixed(call_, metric());
      } else if (windows_.histograms.count(w) > 0) {
        histogram_window(w, out);
      } else {
        float_window(w, resets ? &*resets : nullptr, out);
      }
    }
  }

 private:
  void run_floats(RowView out) {
    Resets resets(windows_, use_starts_);
    const bool starts = use_starts_ && !windows_.floats.start_time.empty();
    if (starts) {
      for (size_t w = 0; w < windows_.size(); ++w) float_window(w, &resets, out);
      return;
    }
    run_plain(out);
    if (!kind_.is_counter || resets.empty()) return;
    // Windows with a reset are few, and done again.
    const auto& part = windows_.floats;
    for (size_t w = 0; w < windows_.size(); ++w) {
      if (resets.any_in(part.begin[w], part.end[w])) float_window(w, &resets, out);
    }
  }

  // The usual case: no reset, and only first and last sample count.
  void run_plain(RowView out) {
    const auto& part = windows_.floats;
    const WindowShapes& shapes = float_shapes();
    const double* const v = windows_.v.data();
    for (const WindowRun& run : shapes.runs) {
      const bool near_zero = rate_run(
          {v + run.begin, v + run.end - 1, &shapes.factor[run.first], &shapes.reach[run.first]},
          out.v.subspan(run.first, run.count));
      if (!near_zero || !kind_.is_counter) continue;
      for (size_t w = run.first; w < run.first + run.count; ++w) look_near_zero(shapes, w, out);
    }
    for (const uint32_t w : shapes.single) {
      out.v[w] = (v[part.end[w] - 1] - v[part.begin[w]]) * shapes.factor[w];
      if (kind_.is_counter) look_near_zero(shapes, w, out);
    }
  }

  void look_near_zero(const WindowShapes& shapes, size_t w, RowView out) {
    const double first = windows_.v[windows_.floats.begin[w]];
    const double growth = windows_.v[windows_.floats.end[w] - 1] - first;
    if (!(first >= 0) || !(first < growth * shapes.reach[w])) return;
    out.v[w] = growth * factor_above_zero(shape(windows_.floats, w, 0), first, growth, unit_);
  }

  // They depend on timestamps alone, which series of one scrape share.
  const WindowShapes& float_shapes() const {
    WindowShapes& shapes = *windows_.float_shapes;
    if (shapes.valid && shapes.unit == unit_) return shapes;
    const auto& part = windows_.floats;
    shapes.factor.resize(windows_.size());
    shapes.reach.resize(windows_.size());
    shapes.runs.clear();
    shapes.single.clear();
    for (size_t w = 0; w < windows_.size(); ++w) {
      if (part.count(w) < 2) continue;
      const WindowShape one = shape(part, w, 0);
      shapes.factor[w] = one.factor;
      constexpr double kRoundingUp = 1 + 1e-9;
      shapes.reach[w] = one.to_start / one.sampled * kRoundingUp;
    }
    find_runs(shapes);
    shapes.unit = unit_;
    shapes.valid = true;
    return shapes;
  }

  void find_runs(WindowShapes& shapes) const {
    constexpr size_t kLong = 8;  // shorter ones are not worth a loop of their own
    const auto& part = windows_.floats;
    for (size_t w = 0; w < windows_.size();) {
      size_t end = w + 1;
      while (end < windows_.size() && part.begin[end] == part.begin[end - 1] + 1 &&
             part.end[end] == part.end[end - 1] + 1) {
        ++end;
      }
      if (part.count(w) >= 2 && end - w >= kLong) {
        shapes.runs.push_back({w, end - w, part.begin[w], part.end[w]});
      } else if (part.count(w) >= 2) {
        for (size_t i = w; i < end; ++i) shapes.single.push_back(static_cast<uint32_t>(i));
      }
      w = end;
    }
  }

  // Where a counter's first sample says that it began inside the range.
  TimestampMs beginning(const RangeWindows::Part& part, size_t w) const {
    if (!use_starts_ || part.start_time.empty()) return 0;
    const uint32_t first = part.begin[w];
    const TimestampMs start = part.start_time[first];
    const bool inside = start > windows_.spec->start_at(w) && start < part.t[first];
    return inside ? start : 0;
  }

  WindowShape shape(const RangeWindows::Part& part, size_t w, TimestampMs begins_at) const {
    const uint32_t begin = part.begin[w];
    const uint32_t end = part.end[w];
    return shape_of(*windows_.spec, w, part.t[begin], part.t[end - 1], end - begin - 1, begins_at,
                    unit_);
  }

  void float_window(size_t w, Resets* resets, RowView out) {
    const auto& part = windows_.floats;
    const uint32_t begin = part.begin[w];
    const uint32_t end = part.end[w];
    if (begin == end) return;
    const TimestampMs begins_at = beginning(part, w);
    if (end - begin < 2 && begins_at == 0) return;
    const double first = windows_.v[begin];
    double growth = windows_.v[end - 1] - first;
    if (resets != nullptr) {
      growth += resets->lost(windows_.v, begin, end);
      if (use_starts_ && resets->overlap_in(begin, end)) warn_overlap();
    }
    const WindowShape reach = shape(part, w, begins_at);
    if (begins_at != 0) {
      out.set(w, (growth + first) * reach.factor);
    } else {
      const bool above_zero = kind_.is_counter;
      out.set(
          w, growth * (above_zero ? factor_above_zero(reach, first, growth, unit_) : reach.factor));
    }
  }

  void histogram_window(size_t w, RowView out) {
    const auto& part = windows_.histograms;
    const auto h = windows_.histogram_values(w);
    const TimestampMs begins_at = beginning(part, w);
    const HistogramContext context{call_.query.annotations, annotation_span(call_), metric(),
                                   kind_.is_counter};
    std::span<const TimestampMs> starts;
    if (use_starts_ && !part.start_time.empty()) {
      starts = part.start_time.subspan(part.begin[w], h.size());
    }
    std::shared_ptr<FloatHistogram> growth;
    if (h.size() > 1) {
      for (size_t i = 1; i < starts.size(); ++i) {
        if (starts_overlap(starts[i - 1], part.t[part.begin[w] + i - 1], starts[i])) warn_overlap();
      }
      growth = histogram_growth(context, h, windows_.histogram_times(w), starts);
      if (!growth) return;
    } else if (begins_at == 0) {
      return;
    }
    const WindowShape reach = shape(part, w, begins_at);
    double factor = reach.factor;
    if (begins_at != 0) {
      growth = growth ? annotated_sum(context, *growth, *h[0], false)
                      : std::make_shared<FloatHistogram>(*h[0]);
      if (!growth) return;
    } else if (kind_.is_counter) {
      factor = factor_above_zero(reach, h[0]->count, growth->count, unit_);
    }
    out.set(w, scaled(*growth, factor));
  }

  void warn_overlap() const {
    call_.query.annotations.warn(
        annotation_span(call_),
        fmt::format("sample has start time that overlaps with previous sample timestamp for metric "
                    "{}",
                    quoted(metric())));
  }

  // For annotations: rarely needed.
  std::string_view metric() const { return windows_.series->labels->metric_name(); }

  const RangeCall& call_;
  const RangeWindows& windows_;
  const RateKind kind_;
  const bool use_starts_;
  const double unit_;  // what the growth is divided by: seconds
};

void extrapolated_rate(const RangeCall& call, const RangeWindows& windows, RowView out,
                       RateKind kind) {
  if (call.anchored() || call.smoothed()) {
    range_extended_rate(call, windows, out, kind.is_counter, kind.per_second);
  } else {
    Rate(call, windows, kind).run(out);
  }
  if (!kind.is_counter) return;
  for (size_t w = 0; w < windows.size(); ++w) {
    if (out.has(w) && !out.is_histogram(w)) return note_unless_counter(call, windows);
  }
}

struct LastSample {
  TimestampMs t;
  TimestampMs start;
  double v;
  HistogramPtr h;
};

// The last samples of a window, floats and histograms in one order of time.
std::vector<LastSample> last_two(const RangeWindows& windows, size_t w) {
  std::vector<LastSample> samples;
  const auto take = [&](const RangeWindows::Part& part, bool histograms) {
    const uint32_t end = part.end[w];
    const uint32_t begin = std::max(part.begin[w], end < 2 ? 0 : end - 2);
    for (uint32_t i = begin; i < end; ++i) {
      const TimestampMs start = part.start_time.empty() ? 0 : part.start_time[i];
      samples.push_back(
          {part.t[i], start, histograms ? 0 : windows.v[i], histograms ? windows.h[i] : nullptr});
    }
  };
  take(windows.floats, false);
  take(windows.histograms, true);
  std::ranges::stable_sort(samples, {}, &LastSample::t);
  if (samples.size() > 2) samples.erase(samples.begin(), samples.end() - 2);
  return samples;
}

void warn_gauge(const RangeCall& call, std::string_view metric, bool should_be_counter) {
  call.query.annotations.warn(annotation_span(call),
                              fmt::format("this native histogram metric is not a {}: {}",
                                          should_be_counter ? "counter" : "gauge", quoted(metric)));
}

void instant_histogram_window(const RangeCall& call, std::string_view metric, size_t w,
                              const LastSample& before, const LastSample& last, bool is_rate,
                              bool start_reset, RowView out) {
  const auto is_gauge = [](const LastSample& s) {
    return s.h->counter_reset_hint == CounterResetHint::kGauge;
  };
  if (is_rate && (is_gauge(before) || is_gauge(last))) warn_gauge(call, metric, true);
  if (!is_rate && (!is_gauge(before) || !is_gauge(last))) warn_gauge(call, metric, false);
  auto result = std::make_shared<FloatHistogram>(*last.h);
  if (!is_rate || (!start_reset && !detect_reset(*last.h, *before.h))) {
    result = annotated_sum({call.query.annotations, annotation_span(call), metric, is_rate},
                           *last.h, *before.h, true);
    if (!result) return;
  }
  result->counter_reset_hint = CounterResetHint::kGauge;
  *result = compacted(*result);
  const double seconds = static_cast<double>(last.t - before.t) / 1000;
  out.set(w, is_rate ? divided(*result, seconds) : std::move(result));
}

void instant_delta(const RangeCall& call, const RangeWindows& windows, RowView out, bool is_rate) {
  const std::string_view metric = windows.series->labels->metric_name();
  const bool use_starts = is_rate && call.query.options.use_start_timestamps;
  for (size_t w = 0; w < windows.size(); ++w) {
    if (windows.floats.count(w) + windows.histograms.count(w) < 2) continue;
    const auto samples = last_two(windows, w);
    const LastSample& before = samples[0];
    const LastSample& last = samples[1];
    if (last.t == before.t) continue;
    if ((before.h == nullptr) != (last.h == nullptr)) {
      warn_mixed(call, metric);
      continue;
    }
    const bool start_reset =
        use_starts && is_start_time_reset(before.start, before.t, last.start, last.t);
    if (last.h) {
      instant_histogram_window(call, metric, w, before, last, is_rate, start_reset, out);
      continue;
    }
    const bool reset = is_rate && (last.v < before.v || start_reset);
    const double growth = reset ? last.v : last.v - before.v;
    const double seconds = static_cast<double>(last.t - before.t) / 1000;
    out.set(w, is_rate ? growth / seconds : growth);
  }
}

}  // namespace

void range_rate(const RangeCall& call, const RangeWindows& windows, RowView out) {
  extrapolated_rate(call, windows, out, {.is_counter = true, .per_second = true});
}
void range_increase(const RangeCall& call, const RangeWindows& windows, RowView out) {
  extrapolated_rate(call, windows, out, {.is_counter = true, .per_second = false});
}
void range_delta(const RangeCall& call, const RangeWindows& windows, RowView out) {
  extrapolated_rate(call, windows, out, {.is_counter = false, .per_second = false});
}
void range_irate(const RangeCall& call, const RangeWindows& windows, RowView out) {
  instant_delta(call, windows, out, true);
}
void range_idelta(const RangeCall& call, const RangeWindows& windows, RowView out) {
  instant_delta(call, windows, out, false);
}

}  // namespace strata::promql
