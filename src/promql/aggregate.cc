// Aggregations that give one series a group. Groups are found once a query; then each input row is
// folded into the accumulator of its group, so the input is never stored.
#include "promql/aggregate.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "promql/histogram_ops.h"
#include "promql/kahan.h"
#include "promql/quote.h"
#include "promql/range_functions.h"
#include "promql/row_kernels.h"

namespace strata::promql {

Labels group_labels(const Labels& labels, bool without,
                    const std::vector<std::string_view>& sorted_names) {
  std::vector<Label> kept;
  for (const Label& label : labels) {
    const bool named = std::ranges::binary_search(sorted_names, label.name);
    const bool keep = without ? !named && label.name != kMetricName : named;
    if (keep) kept.push_back(label);
  }
  return Labels::from_sorted(kept);
}

namespace {

// What tells group_labels() apart, without making them.
void write_group_key(const Labels& labels, bool without,
                     const std::vector<std::string_view>& sorted_names, std::string& key) {
  key.clear();
  const auto add = [&](std::string_view text) {
    const auto size = static_cast<uint32_t>(text.size());
    key.append(reinterpret_cast<const char*>(&size), sizeof size).append(text);
  };
  for (const Label& label : labels) {
    const bool named = std::ranges::binary_search(sorted_names, label.name);
    if (without ? named || label.name == kMetricName : !named) continue;
    add(label.name);
    add(label.value);
  }
}

}  // namespace

Grouping group_series(Query& query, const std::vector<SeriesRef>& series, bool without,
                      const std::vector<std::string>& names) {
  Grouping out;
  out.group_of.resize(series.size());
  if (!without && names.empty()) {
    out.groups.push_back({query.keep(Labels()), false});
    for (const SeriesRef& s : series) {
      out.groups[0].drop_name = out.groups[0].drop_name || s.drop_name;
    }
    if (series.empty()) out.groups.clear();
    return out;
  }
  std::vector<std::string_view> sorted(names.begin(), names.end());
  std::ranges::sort(sorted);
  std::unordered_map<std::string, uint32_t> ids;
  std::string key;
  for (size_t i = 0; i < series.size(); ++i) {
    write_group_key(*series[i].labels, without, sorted, key);
    const auto [it, added] = ids.try_emplace(key, static_cast<uint32_t>(out.groups.size()));
    if (added) {
      out.groups.push_back({query.keep(group_labels(*series[i].labels, without, sorted)), false});
    }
    out.group_of[i] = it->second;
    SeriesRef& group = out.groups[it->second];
    group.drop_name = group.drop_name || series[i].drop_name;
  }
  return out;
}

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

/// What one group knows while rows are folded into it: columns, one place a step.
class GroupFold {
 public:
  GroupFold(const AggregateExpr& expr, Query& query, size_t steps)
      : expr_(expr), query_(query), steps_(steps), charge_(query) {}
  virtual ~GroupFold() = default;
  Result<> charge(size_t values) { return charge_.add({0, values * sizeof(double)}); }
  virtual void add(const SeriesRef& series, RowView row) = 0;
  virtual void finish(RowView out) = 0;

 protected:
  void info_ignored() const {
    query_.annotations.info(
        unwrap(*expr_.inner).span,
        fmt::format("ignored histogram in {} aggregation", to_string(expr_.op)));
  }

  const AggregateExpr& expr_;
  Query& query_;
  const size_t steps_;

 private:
  Charge charge_;
};

class GroupCount final : public GroupFold {
 public:
  GroupCount(const AggregateExpr& expr, Query& query, size_t steps)
      : GroupFold(expr, query, steps), count_(steps) {}
  void add(const SeriesRef&, RowView row) override {
    for (size_t i = 0; i < steps_; ++i) count_[i] += row.has(i) ? 1 : 0;
  }
  void finish(RowView out) override {
    const bool group = expr_.op == Aggregation::kGroup;
    for (size_t i = 0; i < steps_; ++i) {
      if (count_[i] > 0) out.set(i, group ? 1 : count_[i]);
    }
  }

 private:
  std::vector<double> count_;
};

class GroupExtreme final : public GroupFold {
 public:
  GroupExtreme(const AggregateExpr& expr, Query& query, size_t steps)
      : GroupFold(expr, query, steps), best_(steps, absent()) {}
  void add(const SeriesRef&, RowView row) override {
    const bool max = expr_.op == Aggregation::kMax;
    for (size_t i = 0; i < steps_; ++i) {
      if (!row.has(i)) continue;
      if (row.is_histogram(i)) {
        info_ignored();
        continue;
      }
      const double v = row.v[i];
      const bool better = max ? best_[i] < v : best_[i] > v;
      if (better || std::isnan(best_[i])) best_[i] = v;
    }
  }
  void finish(RowView out) override { std::ranges::copy(best_, out.v.begin()); }

 private:
  std::vector<double> best_;  // absent is a NaN too, so the first value replaces it
};

class GroupSpread final : public GroupFold {
 public:
  GroupSpread(const AggregateExpr& expr, Query& query, size_t steps)
      : GroupFold(expr, query, steps), count_(steps), mean_(steps), squares_(steps) {}
  void add(const SeriesRef&, RowView row) override {
    for (size_t i = 0; i < steps_; ++i) {
      if (!row.has(i)) continue;
      if (row.is_histogram(i)) {
        info_ignored();
        continue;
      }
      const double v = row.v[i];
      count_[i] += 1;
      if (count_[i] == 1) {
        mean_[i] = v;
        squares_[i] = std::isfinite(v) ? 0 : kNan;
        continue;
      }
      const double delta = v - mean_[i];
      mean_[i] += delta / count_[i];
      squares_[i] += delta * (v - mean_[i]);
    }
  }
  void finish(RowView out) override {
    const bool root = expr_.op == Aggregation::kStddev;
    for (size_t i = 0; i < steps_; ++i) {
      if (count_[i] == 0) continue;
      const double variance = squares_[i] / count_[i];
      out.set(i, root ? std::sqrt(variance) : variance);
    }
  }

 private:
  std::vector<double> count_, mean_, squares_;
};

class GroupQuantile final : public GroupFold {
 public:
  GroupQuantile(const AggregateExpr& expr, Query& query, size_t steps,
                std::span<const double> quantiles)
      : GroupFold(expr, query, steps), quantiles_(quantiles), values_(steps) {}
  void add(const SeriesRef&, RowView row) override {
    for (size_t i = 0; i < steps_; ++i) {
      if (!row.has(i)) continue;
      if (row.is_histogram(i)) {
        info_ignored();
      } else {
        values_[i].push_back(row.v[i]);
      }
    }
  }
  void finish(RowView out) override {
    for (size_t i = 0; i < steps_; ++i) {
      if (!values_[i].empty()) out.set(i, quantile(quantiles_[i], values_[i]));
    }
  }

 private:
  const std::span<const double> quantiles_;
  std::vector<std::vector<double>> values_;
};

/// sum and avg.
class GroupSum final : public GroupFold {
 public:
  GroupSum(const AggregateExpr& expr, Query& query, size_t steps)
      : GroupFold(expr, query, steps),
        average_(expr.op == Aggregation::kAvg),
        sum_(steps, -0.0),
        compensation_(steps) {}

  void add(const SeriesRef& series, RowView row) override {
    if (row.has_histograms()) return add_mixed(series, row);
    if (average_ && (!incremental_.empty() || would_overflow(row))) return add_one_by_one(row);
    if (!has_absent(row.v)) {
      kahan_add_rows(row.v, sum_.data(), compensation_.data());
      full_rows_ += 1;
    } else {
      add_what_is_there(row);
    }
  }

  void add_what_is_there(RowView row) {
    count_by_step();
    // In vectors: what is absent adds -0, which changes no sum.
    for (size_t i = 0; i < steps_; ++i) {
      const bool here = !is_absent(row.v[i]);
      const double x = here ? row.v[i] : -0.0;
      const double sum = sum_[i];
      const double next = sum + x;
      const double lost = std::abs(sum) >= std::abs(x) ? (sum - next) + x : (x - next) + sum;
      compensation_[i] = std::abs(next) == kInf ? 0 : compensation_[i] + lost;
      sum_[i] = next;
      count_[i] += here ? 1 : 0;
    }
  }

  void finish(RowView out) override {
    // The usual case, in vectors: no step without a value.
    if (full_rows_ > 0 && !average_ && histograms_.empty()) {
      for (size_t i = 0; i < steps_; ++i) out.v[i] = sum_[i] + compensation_[i];
      return;
    }
    for (size_t i = 0; i < steps_; ++i) {
      const bool floats = count(i) > 0;
      const bool histograms = !histograms_.empty() && histograms_[i] != nullptr;
      if (floats && histograms) {
        query_.annotations.warn(span(),
                                "encountered a mix of histograms and floats for aggregation");
      } else if (histograms) {
        finish_histogram(i, out);
      } else if (floats) {
        out.set(i, float_result(i));
      }
    }
  }

 private:
  struct HistogramCell {
    explicit HistogramCell(bool average) : fold(average) {}
    HistogramFold fold;
    bool incompatible = false;
  };

  SourceSpan span() const { return unwrap(*expr_.inner).span; }

  bool would_overflow(RowView row) const {
    bool any = false;
    for (size_t i = 0; i < steps_; ++i) any |= std::abs(sum_[i] + row.v[i]) == kInf;
    return any;
  }

  // Rows without gaps count for all steps at once.
  double count(size_t i) const { return full_rows_ + (count_.empty() ? 0 : count_[i]); }
  void count_by_step() {
    if (count_.empty()) count_.resize(steps_);
    if (full_rows_ == 0) return;
    for (double& count : count_) count += full_rows_;
    full_rows_ = 0;
  }

  void add_one_by_one(RowView row) {
    count_by_step();
    for (size_t i = 0; i < steps_; ++i) {
      if (row.has(i)) add_float(i, row.v[i]);
    }
  }

  void add_float(size_t i, double v) {
    if (count_[i]++ == 0) {
      sum_[i] = v;
      return;
    }
    if (!average_ || !incremental(i)) {
      double sum = sum_[i];
      double compensation = compensation_[i];
      kahan_add(v, sum, compensation);
      if (!average_ || !std::isinf(sum)) {
        sum_[i] = sum;
        compensation_[i] = compensation;
        return;
      }
      // The sum overflows where the mean may not: carry the mean from here on.
      if (incremental_.empty()) incremental_.resize(steps_);
      incremental_[i] = true;
      sum_[i] /= count_[i] - 1;
      compensation_[i] /= count_[i] - 1;
    }
    const double keep = (count_[i] - 1) / count_[i];
    sum_[i] *= keep;
    compensation_[i] *= keep;
    kahan_add(v / count_[i], sum_[i], compensation_[i]);
  }

  bool incremental(size_t i) const { return !incremental_.empty() && incremental_[i]; }

  double float_result(size_t i) const {
    if (!average_ || incremental(i)) return sum_[i] + compensation_[i];
    return sum_[i] / count(i) + compensation_[i] / count(i);
  }

  void add_mixed(const SeriesRef& series, RowView row) {
    count_by_step();
    if (histograms_.empty()) histograms_.resize(steps_);
    for (size_t i = 0; i < steps_; ++i) {
      if (!row.has(i)) continue;
      if (!row.is_histogram(i)) {
        add_float(i, row.v[i]);
        continue;
      }
      auto& cell = histograms_[i];
      if (!cell) cell = std::make_unique<HistogramCell>(average_);
      if (cell->incompatible || cell->fold.add(*row.histogram(i))) continue;
      cell->incompatible = true;
      const bool nameless = series.drop_name && !query_.options.delayed_name_removal;
      query_.annotations.warn(span(),
                              mixed_schemas_text(nameless ? "" : series.labels->metric_name()));
    }
  }

  void finish_histogram(size_t i, RowView out) const {
    const HistogramCell& cell = *histograms_[i];
    if (cell.fold.bounds_reconciled()) {
      query_.annotations.info(span(),
                              "mismatched custom buckets were reconciled during aggregation");
    }
    if (cell.incompatible) return;
    if (cell.fold.counter_reset_collision()) {
      query_.annotations.warn(span(), "conflicting counter resets during histogram aggregation");
    }
    out.set(i, std::make_shared<FloatHistogram>(cell.fold.result()));
  }

  const bool average_;
  double full_rows_ = 0;
  std::vector<double> count_;  // of the other rows; empty: there are none
  std::vector<double> sum_, compensation_;
  std::vector<bool> incremental_;
  std::vector<std::unique_ptr<HistogramCell>> histograms_;
};

void check_quantiles(Query& query, const std::vector<double>& quantiles, SourceSpan span) {
  for (const double q : quantiles) {
    if (!std::isnan(q) && q >= 0 && q <= 1) continue;
    query.annotations.warn(
        span, fmt::format("quantile value should be between 0 and 1, got {}", number_text(q)));
  }
}

std::unique_ptr<GroupFold> make_fold(const AggregateExpr& expr, Query& query, size_t steps,
                                     std::span<const double> parameter) {
  switch (expr.op) {
    case Aggregation::kSum:
    case Aggregation::kAvg: return std::make_unique<GroupSum>(expr, query, steps);
    case Aggregation::kMin:
    case Aggregation::kMax: return std::make_unique<GroupExtreme>(expr, query, steps);
    case Aggregation::kStddev:
    case Aggregation::kStdvar: return std::make_unique<GroupSpread>(expr, query, steps);
    case Aggregation::kQuantile:
      return std::make_unique<GroupQuantile>(expr, query, steps, parameter);
    default: return std::make_unique<GroupCount>(expr, query, steps);
  }
}

// Whether a value alone in its group is the group's.
bool keeps_single_value(Aggregation op) {
  return op == Aggregation::kSum || op == Aggregation::kAvg || op == Aggregation::kMin ||
         op == Aggregation::kMax;
}

/// Folds rows into their groups. A group has an accumulator from its first row to its last.
class GroupFolds {
 public:
  GroupFolds(Query& query, const AggregateExpr& expr, const Grouping& grouping, Frame& out,
             std::span<const double> parameter)
      : query_(query),
        expr_(expr),
        grouping_(grouping),
        out_(out),
        parameter_(parameter),
        folds_(grouping.groups.size()),
        missing_(grouping.groups.size()) {
    for (const uint32_t group : grouping.group_of) ++missing_[group];
  }

  Result<> add(size_t i, const SeriesRef& series, RowView row) {
    const uint32_t group = grouping_.group_of[i];
    auto& fold = folds_[group];
    const bool alone = !fold && missing_[group] == 1;
    if (alone && keeps_single_value(expr_.op) && !row.has_histograms()) {
      out_.view(group).copy_from(row);
      return {};
    }
    if (!fold) {
      fold = make_fold(expr_, query_, out_.steps(), parameter_);
      TRY(fold->charge(kColumnsOfFold * out_.steps()));
    }
    if (expr_.op == Aggregation::kQuantile) TRY(fold->charge(out_.steps()));
    fold->add(series, row);
    if (--missing_[group] > 0) return {};
    const RowView result = out_.view(group);
    result.clear();
    fold->finish(result);
    fold.reset();
    return out_.charge_histograms(group);
  }

 private:
  static constexpr size_t kColumnsOfFold = 3;  // at most

  Query& query_;
  const AggregateExpr& expr_;
  const Grouping& grouping_;
  Frame& out_;
  const std::span<const double> parameter_;
  std::vector<std::unique_ptr<GroupFold>> folds_;
  std::vector<uint32_t> missing_;  // rows of the group that are still to come
};

// How many steps are folded at a time: few enough that the accumulators of a histogram's buckets
// stay in the processor's cache, and at least one slice for each thread.
size_t slice_steps(const Query& query, const VectorSource& input, size_t steps) {
  if (!input.has_slices()) return steps;
  constexpr size_t kLongest = 1440;
  constexpr size_t kShortest = 128;
  const size_t threads = query.pool != nullptr ? query.pool->threads() : 1;
  const size_t slices =
      std::max((steps + kLongest - 1) / kLongest, std::min(threads, steps / kShortest));
  return slices < 2 ? steps : (steps + slices - 1) / slices;
}

/// Folds slices of all rows, each slice by one thread, so that rows need not be stored for anybody.
class SlicedFold {
 public:
  SlicedFold(Query& query, const AggregateExpr& expr, const VectorSource& input,
             const Grouping& grouping, std::span<const double> parameter, Frame& out)
      : query_(query),
        expr_(expr),
        input_(input),
        grouping_(grouping),
        parameter_(parameter),
        out_(out) {}

  Result<> run(size_t slice) {
    const size_t slices = (out_.steps() + slice - 1) / slice;
    return query_.parallel(slices, [&](size_t s) {
      return fold(s * slice, std::min(slice, out_.steps() - s * slice));
    });
  }

 private:
  Result<> fold(size_t first, size_t steps) {
    FramePtr part = TRY(Frame::make(query_, grouping_.groups, steps));
    GroupFolds folds(query_, expr_, grouping_, *part,
                     parameter_.empty() ? parameter_ : parameter_.subspan(first, steps));
    RowBuffer row(steps);
    constexpr size_t kCheckEvery = 64;
    for (size_t i = 0; i < input_.size(); ++i) {
      if (i % kCheckEvery == 0) TRY(query_.check());
      TRY(input_.slice(i, first, row.view()));
      TRY(folds.add(i, input_.series(i), row.view()));
    }
    MutexLock lock(mutex_);
    for (size_t g = 0; g < part->size(); ++g) copy(part->view(g), out_.view(g), first);
    return {};
  }

  static void copy(RowView from, RowView to, size_t first) {
    std::ranges::copy(from.v, to.v.begin() + static_cast<std::ptrdiff_t>(first));
    if (!from.has_histograms()) return;
    if (!to.has_histograms()) to.h->resize(to.size());
    std::ranges::copy(*from.h, to.h->begin() + static_cast<std::ptrdiff_t>(first));
  }

  Query& query_;
  const AggregateExpr& expr_;
  const VectorSource& input_;
  const Grouping& grouping_;
  const std::span<const double> parameter_;
  Frame& out_;
  Mutex mutex_;  // of out_'s histograms
};

Result<Value> fold_groups(Evaluator& evaluator, const AggregateExpr& expr,
                          const std::vector<double>& parameter) {
  Query& query = evaluator.query();
  const size_t steps = evaluator.steps().count;
  const bool sees_names = expr.without || std::ranges::any_of(expr.grouping, is_metadata_label);
  const VectorPtr input = sees_names ? TRY(evaluator.vector(*expr.inner))
                                     : TRY(evaluator.vector_of_any_name(*expr.inner));
                                     const Grouping grouping = group_series(
                                         query, input->all_series(), expr.without, expr.grouping);
                                     FramePtr out = TRY(Frame::make(query, grouping.groups, steps));
                                     const size_t slice = slice_steps(query, *input, steps);
                                     if (slice < steps) {
                                       TRY(SlicedFold(query, expr, *input, grouping, parameter,
                                                      *out)
                                               .run(slice));
                                       return Value(std::move(out));
                                     }
                                     GroupFolds folds(query, expr, grouping, *out, parameter);
                                     TRY(for_each_row(query, *input, steps,
                                                      [&](size_t i, RowView row) -> Result<> {
                                                        return folds.add(i, input->series(i), row);
                                                      }));
                                     return Value(std::move(out));
}

}  // namespace

Result<Value> eval_aggregate(Evaluator& evaluator, const AggregateExpr& expr) {
  switch (expr.op) {
    case Aggregation::kCountValues: return count_values(evaluator, expr);
    case Aggregation::kTopk:
    case Aggregation::kBottomk:
    case Aggregation::kLimitk:
    case Aggregation::kLimitRatio: return select_series_of_groups(evaluator, expr);
    default: break;
  }
  std::vector<double> parameter;
  if (expr.parameter) {
    parameter = TRY(evaluator.scalar(*expr.parameter));
    check_quantiles(evaluator.query(), parameter, unwrap(*expr.parameter).span);
  }
  return fold_groups(evaluator, expr, parameter);
}

}  // namespace strata::promql
