// Selectors and subqueries: where samples come from.
#include <algorithm>

#include "promql/evaluator.h"
#include "promql/histogram_ops.h"
#include "promql/interpolate.h"
#include "promql/profile.h"
#include "promql/range_functions.h"

namespace strata::promql {
namespace {

// Offsets and ranges are below 2^53 ms, and times are held below this, so sums stay in 64 bits.
constexpr TimestampMs kTimeLimit = int64_t{1} << 62;

TimestampMs clamp_time(TimestampMs t) { return std::clamp(t, -kTimeLimit, kTimeLimit); }

// The steps at which a selector looks: shifted, or one and the same where @ pins it.
WindowSpec window_spec(const Steps& steps, const TimeShift& shift, Millis range) {
  WindowSpec spec;
  spec.first_end = clamp_time(shift.at.value_or(steps.start)) - shift.offset.count();
  spec.interval = shift.at ? 0 : steps.interval;
  spec.range = range.count();
  spec.count = steps.count;
  return spec;
}

// What a source and an operator keep of a selected series besides its labels: about that.
constexpr size_t kBytesPerSelected = 128;

struct Selection {
  std::shared_ptr<const SeriesSet> set;
  std::vector<SeriesRef> series;
};

Result<Selection> select_series(Query& query, const VectorSelector& selector, TimeRange range) {
  auto found = query.source.select(selector.matchers, range, query.options.max_series);
  if (!found) return std::unexpected(found.error().within("expanding series"));
  Selection selection{*std::move(found), {}};
  selection.series.reserve(selection.set->size());
  size_t bytes = 0;
  for (size_t i = 0; i < selection.set->size(); ++i) {
    const Labels& labels = selection.set->labels(i);
    selection.series.push_back({&labels, false});
    bytes += memory_of(labels) + kBytesPerSelected;
  }
  TRY(query.charge({0, bytes}));
  query.count_series(selection.series.size());
  query.keep(selection.set);
  return selection;
}

// Leaves of histograms what histogram_count and its like ask for. Without buckets a counter reset
// could not be seen any more, so it is noted now.
void reduce_to_stats(SampleColumns& samples) {
  const FloatHistogram* before = nullptr;
  HistogramPtr whole;
  for (auto& h : samples.h) {
    if (!h) {
      before = nullptr;
      continue;
    }
    auto stats = std::make_shared<FloatHistogram>();
    stats->counter_reset_hint = h->counter_reset_hint;
    stats->schema = h->schema;
    stats->count = h->count;
    stats->sum = h->sum;
    if (before != nullptr && h->counter_reset_hint == CounterResetHint::kUnknown) {
      stats->counter_reset_hint =
          detect_reset(*h, *before) ? CounterResetHint::kReset : CounterResetHint::kNotReset;
    }
    whole = std::exchange(h, std::move(stats));
    before = whole.get();
  }
}

Result<> read_samples(Query& query, const SeriesSet& set, size_t i, TimeRange range,
                      SampleColumns& out) {
  TRY(query.check());  // a series may be long
  TRY(set.read(i, range, out));
  query.count_scanned(out.size());
  return query.room_for(out.size() * (sizeof(TimestampMs) + sizeof(double)));
}

/// The newest sample of each lookback window.
class SelectedVector final : public VectorSource {
 public:
  SelectedVector(Query& query, Selection selection, const Steps& steps, WindowSpec spec,
                 Evaluator::Sampled what, bool stats)
      : VectorSource(std::move(selection.series)),
        query_(query),
        steps_(steps),
        set_(std::move(selection.set)),
        spec_(spec),
        what_(what),
        stats_(stats) {}

  Result<> row(size_t i, RowView out) const override {
    const bool last_is_enough =
        spec_.count == 1 && what_ != Evaluator::Sampled::kStartTimestamp && !stats_;
    TRY(last_is_enough ? row_of_one(i, out) : row_of_many(i, spec_, out));
    query_.count_steps(steps_, 0, out.size(), [&](size_t s) { return out.has(s) ? 1 : 0; });
    return {};
  }
  bool has_slices() const override { return spec_.interval > 0; }
  Result<> slice(size_t i, size_t first, RowView out) const override {
    TRY(row_of_many(i, spec_.slice(first, out.size()), out));
    query_.count_steps(steps_, first, out.size(), [&](size_t s) { return out.has(s) ? 1 : 0; });
    return {};
  }

 private:
  Result<> row_of_one(size_t i, RowView out) const {
    out.clear();
    Sample sample;
    HistogramPtr histogram;
    const bool found = TRY(set_->read_last(i, spec_.time_range(), sample, histogram));
    if (!found || (is_stale_nan(sample.v) && !histogram)) return {};
    query_.count_scanned(1);
    put(out, 0, sample.t, sample.v, histogram);
    return {};
  }

  Result<> row_of_many(size_t i, const WindowSpec& spec, RowView out) const {
    thread_local SampleColumns samples;
    TRY(read_samples(query_, *set_, i, spec.time_range(), samples));
    if (stats_) reduce_to_stats(samples);
    out.clear();
    const HistogramPtr none;
    size_t next = 0;
    for (size_t s = 0; s < spec.count; ++s) {
      const TimestampMs end = spec.end_at(s);
      while (next < samples.size() && samples.t[next] <= end) ++next;
      if (next == 0 || samples.t[next - 1] <= spec.start_at(s)) continue;
      const size_t k = next - 1;
      const HistogramPtr& histogram = samples.h.empty() ? none : samples.h[k];
      if (!histogram && is_stale_nan(samples.v[k])) continue;
      if (what_ == Evaluator::Sampled::kStartTimestamp) {
        const TimestampMs start = samples.st.empty() ? 0 : samples.st[k];
        out.set(s, static_cast<double>(start) / 1000);
      } else {
        put(out, s, samples.t[k], samples.v[k], histogram);
      }
    }
    return {};
  }

  void put(RowView out, size_t step, TimestampMs t, double v, const HistogramPtr& h) const {
    if (what_ == Evaluator::Sampled::kTimestamp) {
      out.set(step, static_cast<double>(t) / 1000);
    } else if (h) {
      out.set(step, h);
    } else {
      out.set(step, v);
    }
  }

  Query& query_;
  const Steps steps_;
  const std::shared_ptr<const SeriesSet> set_;
  const WindowSpec spec_;
  const Evaluator::Sampled what_;
  const bool stats_;
};

class SelectedMatrix final : public MatrixSource {
 public:
  SelectedMatrix(Query& query, Selection selection, WindowSpec spec, bool stats)
      : MatrixSource(std::move(selection.series), spec),
        query_(query),
        set_(std::move(selection.set)),
        stats_(stats) {}

  bool has_slices() const override { return spec_.interval > 0; }
  Result<> read(size_t i, const WindowSpec& part, SampleColumns& out) const override {
    TRY(read_samples(query_, *set_, i, part.time_range(), out));
    if (stats_) reduce_to_stats(out);
    return {};
  }

 private:
  Query& query_;
  const std::shared_ptr<const SeriesSet> set_;
  const bool stats_;
};

/// The rows of an expression at a subquery's own steps, as samples.
class SubqueryMatrix final : public MatrixSource {
 public:
  SubqueryMatrix(VectorPtr inner, Steps inner_steps, WindowSpec spec)
      : MatrixSource(inner->all_series(), spec),
        inner_(std::move(inner)),
        inner_steps_(inner_steps) {}

  Result<> read(size_t i, const WindowSpec&, SampleColumns& out) const override {
    out.clear();
    RowView row = inner_->stored_row(i);
    RowBuffer buffer(row.v.empty() ? inner_steps_.count : 0);
    if (row.v.empty()) {
      row = buffer.view();
      TRY(inner_->row(i, row));
    }
    for (size_t s = 0; s < row.size(); ++s) {
      if (!row.has(s)) continue;
      out.t.push_back(inner_steps_.at(s));
      out.v.push_back(row.v[s]);
      if (row.has_histograms()) out.h.push_back(without_reset_hint(row.histogram(s)));
    }
    return {};
  }

 private:
  // A hint is about the sample before, which the subquery may have left out, or repeated.
  static HistogramPtr without_reset_hint(const HistogramPtr& h) {
    if (!h || h->counter_reset_hint == CounterResetHint::kUnknown ||
        h->counter_reset_hint == CounterResetHint::kGauge) {
      return h;
    }
    auto copy = std::make_shared<FloatHistogram>(*h);
    copy->counter_reset_hint = CounterResetHint::kUnknown;
    return copy;
  }

  const VectorPtr inner_;
  const Steps inner_steps_;
};

/// Values on the line between the samples around each step; behind the last sample, its value.
class SmoothedVector final : public VectorSource {
 public:
  SmoothedVector(Query& query, MatrixPtr samples, SourceSpan span)
      : VectorSource(samples->all_series()),
        query_(query),
        samples_(std::move(samples)),
        span_(span) {}

  Result<> row(size_t i, RowView out) const override {
    const BorrowedReader reader;
    const RangeWindows* windows = TRY(reader->read(*samples_, i));
    const std::string_view metric = windows->series->labels->metric_name();
    out.clear();
    for (size_t w = 0; w < out.size(); ++w) {
      if (windows->mixed(w)) {
        query_.annotations.warn(span_, mixed_samples_text(metric));
      } else if (windows->histograms.count(w) > 0) {
        smooth_histogram(*windows, w, out);
      } else if (windows->floats.count(w) > 0) {
        smooth_float(*windows, w, out);
      }
    }
    return {};
  }

 private:
  static void smooth_float(const RangeWindows& windows, size_t w, RowView out) {
    const auto t = windows.times(w);
    const auto v = windows.values(w);
    const TimestampMs at = windows.spec->end_at(w);
    const auto next = static_cast<size_t>(std::ranges::lower_bound(t, at) - t.begin());
    if (next < t.size() && t[next] == at) {
      out.set(w, v[next]);
    } else if (next > 0 && next < t.size()) {
      out.set(w, interpolate(t[next - 1], v[next - 1], t[next], v[next], at, false));
    } else if (next > 0) {
      out.set(w, v[next - 1]);
    }
  }

  void smooth_histogram(const RangeWindows& windows, size_t w, RowView out) const {
    const auto t = windows.histogram_times(w);
    const auto h = windows.histogram_values(w);
    const TimestampMs at = windows.spec->end_at(w);
    const auto next = static_cast<size_t>(std::ranges::lower_bound(t, at) - t.begin());
    if (next < t.size() && t[next] == at) return out.set(w, h[next]);
    if (next == 0) return;
    if (next == t.size()) {
      auto last = std::make_shared<FloatHistogram>(*h[next - 1]);
      last->counter_reset_hint = CounterResetHint::kUnknown;  // it is not about this step
      return out.set(w, std::move(last));
    }
    const std::string_view metric = windows.series->labels->metric_name();
    const auto is_gauge = [](const HistogramPtr& p) {
      return p->counter_reset_hint == CounterResetHint::kGauge;
    };
    if (h[next - 1]->uses_custom_buckets() != h[next]->uses_custom_buckets()) {
      query_.annotations.warn(span_, mixed_schemas_text(metric));
      return;
    }
    const bool is_counter = !is_gauge(h[next - 1]) || !is_gauge(h[next]);
    HistogramPtr between = interpolated_histogram({query_.annotations, span_, metric, is_counter},
                                                  h[next - 1], t[next - 1], h[next], t[next], at);
    if (between) out.set(w, std::move(between));
  }

  Query& query_;
  const MatrixPtr samples_;
  const SourceSpan span_;
};

/// A subquery that has no step in its range.
class EmptyMatrix final : public MatrixSource {
 public:
  explicit EmptyMatrix(WindowSpec spec) : MatrixSource({}, spec) {}
  Result<> read(size_t, const WindowSpec&, SampleColumns&) const override { return {}; }
};

// Multiples of `step` in (after, last].
Result<Steps> aligned_steps(TimestampMs after, TimestampMs last, int64_t step, size_t max_steps) {
  TimestampMs first = after / step * step;
  if (first <= after) first += step;
  if (first > last) return Steps{first, step, 0};
  const auto count = static_cast<size_t>((last - first) / step) + 1;
  if (count > max_steps) {
    return fail(ErrorCode::kLimit, fmt::format("a subquery has {} steps, the limit is {}: use a "
                                               "longer step or a shorter range",
                                               count, max_steps));
  }
  return Steps{first, step, count};
}

}  // namespace

Result<VectorPtr> Evaluator::select(const VectorSelector& selector, Sampled what) {
  if (selector.smoothed && what == Sampled::kValue) return select_smoothed(selector);
  const WindowSpec spec = window_spec(steps_, selector.shift, query_.lookback);
  Selection selection = TRY(select_series(query_, selector, spec.time_range()));
  return std::make_unique<SelectedVector>(query_, std::move(selection), steps_, spec, what,
                                          selector.histogram_stats);
}

Result<VectorPtr> Evaluator::select_smoothed(const VectorSelector& selector) {
  WindowSpec spec = window_spec(steps_, selector.shift, Millis(0));
  spec.before = spec.after = query_.lookback.count();
  Selection selection = TRY(select_series(query_, selector, spec.time_range()));
  auto samples = std::make_unique<SelectedMatrix>(query_, std::move(selection), spec, false);
  return std::make_unique<SmoothedVector>(query_, std::move(samples), selector.span);
}

Result<MatrixPtr> Evaluator::matrix_of(const MatrixSelector& matrix) {
  const VectorSelector& selector = *matrix.vector;
  WindowSpec spec = window_spec(steps_, selector.shift, matrix.range);
  if (selector.anchored || selector.smoothed) spec.before = query_.lookback.count();
  if (selector.smoothed) spec.after = query_.lookback.count();
  Selection selection = TRY(select_series(query_, selector, spec.time_range()));
  return std::make_unique<SelectedMatrix>(query_, std::move(selection), spec,
                                          selector.histogram_stats);
}

Result<MatrixPtr> Evaluator::matrix_of(const SubqueryExpr& subquery) {
  const WindowSpec spec = window_spec(steps_, subquery.shift, subquery.range);
  const Millis step = subquery.step.count() > 0 ? subquery.step : query_.subquery_step;
  const Steps inner_steps = TRY(aligned_steps(spec.start_at(0), spec.end_at(spec.count - 1),
                                              step.count(), query_.options.max_steps));
  if (inner_steps.count == 0) return std::make_unique<EmptyMatrix>(spec);
  Evaluator inner(query_, inner_steps);
  VectorPtr rows = TRY(inner.vector(*subquery.inner));
  rows = TRY(merge_same_labels(query_, std::move(rows), inner_steps.count));
  return std::make_unique<SubqueryMatrix>(std::move(rows), inner_steps, spec);
}

Result<MatrixPtr> Evaluator::matrix(const Expr& expr) {
  if (query_.profile == nullptr) return matrix_unprofiled(expr);
  Profile::Part part(*query_.profile, unwrap(expr));
  return part.watched(TRY(matrix_unprofiled(expr)));
}

Result<MatrixPtr> Evaluator::matrix_unprofiled(const Expr& expr) {
  const Expr& inner = unwrap(expr);
  return inner.kind == ExprKind::kSubquery ? matrix_of(as<SubqueryExpr>(inner))
                                           : matrix_of(as<MatrixSelector>(inner));
}

}  // namespace strata::promql
