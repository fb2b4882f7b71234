// histogram_quantile, histogram_quantiles and histogram_fraction: over native histograms, and over
// classic ones, whose buckets are series with an `le` label.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_map>

#include "base/number.h"
#include "promql/classic_histogram.h"
#include "promql/function_bodies.h"
#include "promql/histogram_ops.h"
#include "promql/quote.h"

namespace strata::promql {
namespace {

constexpr std::string_view kBucketLabel = "le";

// One histogram of the argument: bucket series that differ in `le` alone, or a native one (or both,
// when a metric is being moved from the one to the other).
struct Family {
  SeriesRef series;            // without le
  std::vector<double> bounds;  // ascending
  std::vector<size_t> rows;    // of the bounds
  std::optional<size_t> native;
  bool has_clean_bounds = false;
};

// What to say of the family `f` at a step, given its histogram or its clean buckets.
struct Estimators {
  std::function<double(size_t step, const FloatHistogram& h, std::string_view metric)> native;
  std::function<double(size_t step, ClassicBuckets buckets)> classic;
};

class HistogramFamilies {
 public:
  HistogramFamilies(Evaluator& evaluator, FramePtr frame, SourceSpan span)
      : evaluator_(evaluator), query_(evaluator.query()), frame_(std::move(frame)), span_(span) {
    std::unordered_map<std::string, size_t> by_labels;
    for (size_t i = 0; i < frame_->size(); ++i) add_series(i, by_labels);
    for (Family& family : families_) sort_buckets(family);
  }

  const std::vector<Family>& families() const { return families_; }

  /// Series of the result: with the families' labels.
  std::vector<SeriesRef> series() const {
    std::vector<SeriesRef> out;
    for (const Family& family : families_) out.push_back(family.series);
    return out;
  }

  void estimate(size_t f, const Estimators& estimators, RowView out) const {
    const Family& family = families_[f];
    std::vector<RowView> rows;
    bool plain = !family.native && family.has_clean_bounds;
    for (const size_t row : family.rows) {
      rows.push_back(frame_->view(row));
      plain = plain && !rows.back().has_histograms();
    }
    std::vector<double> counts(rows.size());
    for (size_t step = 0; step < out.size(); ++step) {
      // The usual case: all buckets are there, and in order.
      if (plain) {
        bool all_present = true;
        for (size_t b = 0; b < counts.size(); ++b) {
          counts[b] = rows[b].v[step];
          all_present &= !is_absent(counts[b]);
        }
        if (all_present && has_clean_counts(counts)) {
          out.v[step] = estimators.classic(step, {family.bounds, counts});
          continue;
        }
      }
      estimate_step(family, rows, step, estimators, out);
    }
    out.h->clear();
  }

  SourceSpan span() const { return span_; }

 private:
  void sort_buckets(Family& family) const {
    std::vector<size_t> order(family.bounds.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::ranges::stable_sort(order, {}, [&](size_t i) { return family.bounds[i]; });
    std::vector<double> bounds;
    std::vector<size_t> rows;
    for (const size_t i : order) {
      bounds.push_back(family.bounds[i]);
      rows.push_back(family.rows[i]);
    }
    family.bounds = std::move(bounds);
    family.rows = std::move(rows);
    family.has_clean_bounds = has_clean_bounds(family.bounds);
  }

  void estimate_step(const Family& family, const std::vector<RowView>& rows, size_t step,
                     const Estimators& estimators, RowView out) const {
    std::vector<double> bounds;
    std::vector<double> counts;
    for (size_t b = 0; b < rows.size(); ++b) {
      if (!rows[b].has(step) || rows[b].is_histogram(step)) continue;
      bounds.push_back(family.bounds[b]);
      counts.push_back(rows[b].v[step]);
    }
    out.v[step] = absent();
    const FloatHistogram* native = native_at(family, step);
    if (native != nullptr && !bounds.empty()) {
      warn_mixed_families(family);
    } else if (native != nullptr) {
      out.v[step] = estimators.native(step, *native, metric_name(family));
    } else if (!bounds.empty()) {
      note(family, step, clean_up(bounds, counts));
      out.v[step] = estimators.classic(step, {bounds, counts});
    }
  }

  void add_series(size_t i, std::unordered_map<std::string, size_t>& by_labels) {
    const SeriesRef& series = frame_->series(i);
    const RowView row = frame_->view(i);
    if (row.empty()) return;
    const std::string_view le = series.labels->get(kBucketLabel);
    const auto bound = parse_double(le);
    bool has_floats = !row.has_histograms();
    const bool has_histograms = row.has_histograms();
    for (size_t s = 0; s < row.size() && !has_floats; ++s) {
      has_floats = row.has(s) && !row.is_histogram(s);
    }
    if (has_floats && !bound) warn_bad_bucket(series, le);
    if (has_floats && bound) {
      LabelsBuilder builder(*series.labels);
      builder.remove(kBucketLabel);
      Family& family = family_of(builder.build(), series.drop_name, by_labels);
      family.bounds.push_back(*bound);
      family.rows.push_back(i);
    }
    if (has_histograms) family_of(*series.labels, series.drop_name, by_labels).native = i;
  }

  Family& family_of(Labels labels, bool drop_name,
                    std::unordered_map<std::string, size_t>& by_labels) {
    const auto [it, added] = by_labels.try_emplace(labels.bytes(), families_.size());
    if (added) families_.emplace_back().series = {query_.keep(std::move(labels)), drop_name};
    return families_[it->second];
  }

  const FloatHistogram* native_at(const Family& family, size_t step) const {
    if (!family.native) return nullptr;
    const RowView row = frame_->view(*family.native);
    return row.is_histogram(step) ? row.histogram(step).get() : nullptr;
  }

  // With names removed at once, messages do not have them either.
  std::string_view metric_name(const Family& family) const {
    return query_.options.delayed_name_removal ? family.series.labels->metric_name() : "";
  }
  std::string for_metric(std::string_view metric) const {
    return metric.empty() ? "" : fmt::format(" for metric name {}", quoted(metric));
  }

  void warn_bad_bucket(const SeriesRef& series, std::string_view le) const {
    const std::string_view metric =
        query_.options.delayed_name_removal ? series.labels->metric_name() : "";
    query_.annotations.warn(
        span_, fmt::format("bucket label \"le\" is missing or has a malformed value of {}{}",
                           quoted(le), for_metric(metric)));
  }
  void warn_mixed_families(const Family& family) const {
    query_.annotations.warn(span_, "vector contains a mix of classic and native histograms" +
                                       for_metric(metric_name(family)));
  }
  void note(const Family& family, size_t step, const Monotonicity& what) const {
    if (!what.forced || !notes_monotonicity) return;
    const TimestampMs t = evaluator_.steps().at(step);
    query_.annotations.forced_monotonicity(
        span_, metric_name(family), {t, t, what.min_bucket, what.max_bucket, what.max_diff, 1});
  }

  Evaluator& evaluator_;
  Query& query_;
  const FramePtr frame_;
  const SourceSpan span_;
  std::vector<Family> families_;

 public:
  bool notes_monotonicity = true;
};

void note_nan(Query& query, SourceSpan span, std::string_view metric, NanObservations nan) {
  std::string text;
  switch (nan) {
    case NanObservations::kNone: return;
    case NanObservations::kResultIsNan:
      text = "input to histogram_quantile has NaN observations, result is NaN";
      break;
    case NanObservations::kSkewed:
      text = "input to histogram_quantile has NaN observations, result is skewed higher";
      break;
    case NanObservations::kExcluded:
      text =
          "input to histogram_fraction has NaN observations, which are excluded from all "
          "fractions";
      break;
  }
  if (!metric.empty()) text += fmt::format(" for metric name {}", quoted(metric));
  query.annotations.info(span, std::move(text));
}

void check_quantiles(Query& query, const std::vector<double>& quantiles, SourceSpan span) {
  for (const double q : quantiles) {
    if (!std::isnan(q) && q >= 0 && q <= 1) continue;
    query.annotations.warn(
        span, fmt::format("quantile value should be between 0 and 1, got {}", number_text(q)));
  }
}

Estimators quantile_estimators(Query& query, SourceSpan span,
                               const std::vector<double>& quantiles) {
  return {
      [&query, span, &quantiles](size_t step, const FloatHistogram& h, std::string_view metric) {
        const HistogramStatistic found = histogram_quantile(quantiles[step], h);
        note_nan(query, span, metric, found.nan);
        return found.value;
      },
      [&quantiles](size_t step, ClassicBuckets buckets) {
        return classic_quantile(quantiles[step], buckets);
      }};
}

Result<FramePtr> estimate_all(Evaluator& evaluator, const HistogramFamilies& families,
                              const Estimators& estimators) {
  Query& query = evaluator.query();
  FramePtr frame = TRY(Frame::make(query, families.series(), evaluator.steps().count));
  TRY(query.parallel(frame->size(), [&](size_t f) -> Result<> {
    TRY(query.check());
    families.estimate(f, estimators, frame->view(f));
    return {};
  }));
  return frame;
}

Result<Value> finish(Evaluator& evaluator, FramePtr frame) {
  return Value(
      TRY(drop_names(evaluator.query(), std::move(frame), evaluator.steps().count, false)));
}

}  // namespace

Result<Value> call_histogram_quantile(Evaluator& evaluator, const Call& call) {
  Query& query = evaluator.query();
  const std::vector<double> quantiles = TRY(evaluator.scalar(*call.args[0]));
  check_quantiles(query, quantiles, call.args[0]->span);
  const SourceSpan span = unwrap(*call.args[1]).span;
  const HistogramFamilies families(evaluator, TRY(evaluator.frame(*call.args[1])), span);
  FramePtr frame =
      TRY(estimate_all(evaluator, families, quantile_estimators(query, span, quantiles)));
  return finish(evaluator, std::move(frame));
}

Result<Value> call_histogram_fraction(Evaluator& evaluator, const Call& call) {
  Query& query = evaluator.query();
  const std::vector<double> lower = TRY(evaluator.scalar(*call.args[0]));
  const std::vector<double> upper = TRY(evaluator.scalar(*call.args[1]));
  const SourceSpan span = unwrap(*call.args[2]).span;
  HistogramFamilies families(evaluator, TRY(evaluator.frame(*call.args[2])), span);
  families.notes_monotonicity = false;
  const Estimators estimators{[&](size_t step, const FloatHistogram& h, std::string_view metric) {
                                const HistogramStatistic found =
                                    histogram_fraction(lower[step], upper[step], h);
                                note_nan(query, span, metric, found.nan);
                                return found.value;
                              },
                              [&](size_t step, ClassicBuckets buckets) {
                                return classic_fraction(lower[step], upper[step], buckets);
                              }};
  FramePtr frame = TRY(estimate_all(evaluator, families, estimators));
  return finish(evaluator, std::move(frame));
}

Result<Value> call_histogram_quantiles(Evaluator& evaluator, const Call& call) {
  Query& query = evaluator.query();
  const size_t steps = evaluator.steps().count;
  const std::string& label = Evaluator::string(*call.args[1]);
  std::vector<std::vector<double>> quantiles;
  for (size_t i = 2; i < call.args.size(); ++i) {
    quantiles.push_back(TRY(evaluator.scalar(*call.args[i])));
    check_quantiles(query, quantiles.back(), call.args[i]->span);
  }
  const SourceSpan span = unwrap(*call.args[0]).span;
  const HistogramFamilies families(evaluator, TRY(evaluator.frame(*call.args[0])), span);
  std::vector<SeriesRef> series;
  std::vector<FramePtr> frames;
  for (const auto& q : quantiles) {
    frames.push_back(TRY(estimate_all(evaluator, families, quantile_estimators(query, span, q))));
    std::string text = std::isnan(q[0]) ? "NaN" : number_text(q[0]);
    if (std::isfinite(q[0]) && text.find_first_of(".e") == std::string::npos) text += ".0";
    for (const SeriesRef& s : frames.back()->all_series()) {
      LabelsBuilder builder(*s.labels);
      builder.set(label, text);
      series.push_back({query.keep(builder.build()), s.drop_name});
    }
  }
  FramePtr all = TRY(Frame::make(query, std::move(series), steps));
  size_t at = 0;
  for (const FramePtr& frame : frames) {
    for (size_t i = 0; i < frame->size(); ++i) all->view(at++).copy_from(frame->view(i));
  }
  return finish(evaluator, std::move(all));
}

}  // namespace strata::promql
