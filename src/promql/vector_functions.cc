// absent, scalar, vector, and sorting.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include "promql/function_bodies.h"

namespace strata::promql {
namespace {

const std::vector<Matcher>* matchers_of(const Expr& argument) {
  const Expr& expr = unwrap(argument);
  if (expr.kind == ExprKind::kVectorSelector) return &as<VectorSelector>(expr).matchers;
  if (expr.kind == ExprKind::kMatrixSelector) return &as<MatrixSelector>(expr).vector->matchers;
  return nullptr;
}

// What the selector says about the series that is not there: its equality matchers, but none for a
// label that has several matchers.
Labels labels_of_absent(const Expr& argument) {
  const std::vector<Matcher>* matchers = matchers_of(argument);
  if (matchers == nullptr) return {};
  LabelsBuilder labels;
  std::map<std::string_view, bool> seen;
  for (const Matcher& matcher : *matchers) {
    if (matcher.name() == kMetricName) continue;
    if (matcher.op() == Matcher::Op::kEqual && !seen[matcher.name()]) {
      labels.set(matcher.name(), matcher.value());
      seen[matcher.name()] = true;
    } else {
      labels.remove(matcher.name());
    }
  }
  return labels.build();
}

Result<Value> one_where_absent(Evaluator& evaluator, const Expr& argument,
                               const std::vector<bool>& present) {
  const SeriesRef series{evaluator.query().keep(labels_of_absent(argument))};
  FramePtr frame = TRY(Frame::make(evaluator.query(), {series}, present.size()));
  for (size_t i = 0; i < present.size(); ++i) frame->view(0).v[i] = present[i] ? absent() : 1;
  return Value(std::move(frame));
}

void warn_in_range_query(Evaluator& evaluator, const Call& call) {
  if (evaluator.steps().count == 1) return;
  evaluator.query().annotations.warn(
      call.span,
      "sort is ineffective for range queries since results are always ordered by labels");
}

// The same rows in another order. A range query's result is ordered by labels anyway.
template <class Before>
Result<Value> reordered(Evaluator& evaluator, FramePtr frame, Before before) {
  if (frame->steps() > 1) return Value(std::move(frame));
  std::vector<size_t> order(frame->size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, [&](size_t a, size_t b) { return before(*frame, a, b); });
  std::vector<SeriesRef> series;
  for (const size_t i : order) series.push_back(frame->series(i));
  FramePtr sorted = TRY(Frame::make(evaluator.query(), std::move(series), 1));
  for (size_t i = 0; i < order.size(); ++i) sorted->view(i).copy_from(frame->view(order[i]));
  return Value(std::move(sorted));
}

Result<Value> sort_by_value(Evaluator& evaluator, const Call& call, bool descending) {
  warn_in_range_query(evaluator, call);
  FramePtr frame = TRY(evaluator.frame(*call.args[0]));
  for (size_t i = 0; i < frame->size(); ++i) frame->view(i).drop_histograms();
  return reordered(evaluator, std::move(frame), [=](const Frame& f, size_t a, size_t b) {
    const double x = f.view(a).v[0];
    const double y = f.view(b).v[0];
    if (std::isnan(x) || std::isnan(y)) return !std::isnan(x) && std::isnan(y);
    return descending ? x > y : x < y;
  });
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

size_t run_length(std::string_view text, bool digits) {
  size_t n = 0;
  while (n < text.size() && is_digit(text[n]) == digits) ++n;
  return n;
}

// Digits compare as numbers: node-2 is before node-10.
std::strong_ordering natural_order(std::string_view a, std::string_view b) {
  while (!a.empty() && !b.empty()) {
    const bool digits = is_digit(a[0]);
    if (digits != is_digit(b[0])) return a <=> b;
    std::string_view x = a.substr(0, run_length(a, digits));
    std::string_view y = b.substr(0, run_length(b, digits));
    a.remove_prefix(x.size());
    b.remove_prefix(y.size());
    if (digits) {
      while (x.size() > 1 && x[0] == '0') x.remove_prefix(1);
      while (y.size() > 1 && y[0] == '0') y.remove_prefix(1);
      if (const auto order = x.size() <=> y.size(); order != 0) return order;
    }
    if (const auto order = x <=> y; order != 0) return order;
  }
  return a.size() <=> b.size();
}

Result<Value> sort_by_labels(Evaluator& evaluator, const Call& call, bool descending) {
  warn_in_range_query(evaluator, call);
  FramePtr frame = TRY(evaluator.frame(*call.args[0]));
  std::vector<std::string> names;
  for (size_t i = 1; i < call.args.size(); ++i) names.push_back(Evaluator::string(*call.args[i]));
  return reordered(evaluator, std::move(frame), [&](const Frame& f, size_t a, size_t b) {
    const Labels& x = *f.series(a).labels;
    const Labels& y = *f.series(b).labels;
    for (const auto& name : names) {
      const auto order = natural_order(x.get(name), y.get(name));
      if (order != 0) return (order < 0) != descending;
    }
    return descending ? y < x : x < y;
  });
}

}  // namespace

Result<Value> call_absent(Evaluator& evaluator, const Call& call) {
  const size_t steps = evaluator.steps().count;
  VectorPtr argument = TRY(evaluator.vector(*call.args[0]));
  std::vector<bool> present(steps);
  TRY(for_each_row(evaluator.query(), *argument, steps, [&](size_t, RowView row) -> Result<> {
    for (size_t i = 0; i < steps; ++i) {
      if (row.has(i)) present[i] = true;
    }
    return {};
  }));
  return one_where_absent(evaluator, *call.args[0], present);
}

Result<Value> call_absent_over_time(Evaluator& evaluator, const Call& call) {
  MatrixPtr matrix = TRY(evaluator.matrix(*call.args[0]));
  std::vector<bool> present(evaluator.steps().count);
  const BorrowedReader reader;
  for (size_t i = 0; i < matrix->size(); ++i) {
    TRY(evaluator.query().check());
    const RangeWindows* windows = TRY(reader->read(*matrix, i));
    for (size_t w = 0; w < present.size(); ++w) {
      if (windows->floats.count(w) + windows->histograms.count(w) > 0) present[w] = true;
    }
  }
  return one_where_absent(evaluator, *call.args[0], present);
}

Result<Value> call_scalar(Evaluator& evaluator, const Call& call) {
  const size_t steps = evaluator.steps().count;
  VectorPtr argument = TRY(evaluator.vector(*call.args[0]));
  std::vector<size_t> found(steps);
  std::vector<double> values(steps, std::numeric_limits<double>::quiet_NaN());
  TRY(for_each_row(evaluator.query(), *argument, steps, [&](size_t, RowView row) -> Result<> {
    for (size_t i = 0; i < steps; ++i) {
      if (row.has(i) && !row.is_histogram(i) && ++found[i] == 1) values[i] = row.v[i];
    }
    return {};
  }));
  for (size_t i = 0; i < steps; ++i) {
    if (found[i] > 1) values[i] = std::numeric_limits<double>::quiet_NaN();
  }
  return Value(std::move(values));
}

Result<Value> call_vector(Evaluator& evaluator, const Call& call) {
  const std::vector<double> values = TRY(evaluator.scalar(*call.args[0]));
  const SeriesRef no_labels{evaluator.query().keep(Labels())};
  FramePtr frame = TRY(Frame::make(evaluator.query(), {no_labels}, values.size()));
  std::ranges::copy(values, frame->view(0).v.begin());
  return Value(std::move(frame));
}

Result<Value> call_sort(Evaluator& evaluator, const Call& call) {
  return sort_by_value(evaluator, call, false);
}
Result<Value> call_sort_desc(Evaluator& evaluator, const Call& call) {
  return sort_by_value(evaluator, call, true);
}
Result<Value> call_sort_by_label(Evaluator& evaluator, const Call& call) {
  return sort_by_labels(evaluator, call, false);
}
Result<Value> call_sort_by_label_desc(Evaluator& evaluator, const Call& call) {
  return sort_by_labels(evaluator, call, true);
}

}  // namespace strata::promql
