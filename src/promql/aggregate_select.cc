// Aggregations that pick series of each group, or count their values.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <unordered_map>

#include "base/hash.h"
#include "base/number.h"
#include "base/utf8.h"
#include "promql/aggregate.h"
#include "promql/histogram_ops.h"
#include "promql/quote.h"

namespace strata::promql {
namespace {

// Series of each group in their input's order.
std::vector<std::vector<uint32_t>> members_of(const Grouping& grouping) {
  std::vector<std::vector<uint32_t>> members(grouping.groups.size());
  for (uint32_t i = 0; i < grouping.group_of.size(); ++i) {
    members[grouping.group_of[i]].push_back(i);
  }
  return members;
}

// The hash by which Prometheus samples: XXH64 of names and values, each behind its length, which is
// one byte, or 0xff and three little-endian ones.
uint64_t prometheus_hash(const Labels& labels) {
  std::string bytes;
  const auto append = [&](std::string_view text) {
    const size_t size = text.size();
    if (size < 0xff) {
      bytes += static_cast<char>(size);
    } else {
      bytes += '\xff';
      for (int shift = 0; shift < 24; shift += 8) bytes += static_cast<char>(size >> shift);
    }
    bytes += text;
  };
  for (const Label& label : labels) append(label.name), append(label.value);
  return xxh64(bytes);
}

Result<> check_k(const std::vector<double>& k) {
  for (const double v : k) {
    if (std::isnan(v)) return execution_error("Parameter value is NaN");
  }
  constexpr double kLimit = 9223372036854775807.0;
  const auto [least, most] = std::ranges::minmax(k);
  if (least <= -kLimit) {
    return execution_error(fmt::format("Scalar value {} underflows int64", number_text(least)));
  }
  if (most >= kLimit) {
    return execution_error(fmt::format("Scalar value {} overflows int64", number_text(most)));
  }
  return {};
}

Result<> check_ratio(Query& query, const std::vector<double>& ratios, SourceSpan span) {
  for (const double v : ratios) {
    if (std::isnan(v)) return execution_error("Ratio value is NaN");
  }
  const auto [least, most] = std::ranges::minmax(ratios);
  const auto warn = [&](double v, int cap) {
    query.annotations.warn(span, fmt::format("ratio value should be between -1 and 1, got {}, "
                                             "capping to {}",
                                             number_text(v), cap));
  };
  if (most > 1) warn(most, 1);
  if (least < -1) warn(least, -1);
  return {};
}

/// Chooses among the series of one group at one step.
class Chooser {
 public:
  Chooser(const AggregateExpr& expr, Query& query, const Frame& input)
      : expr_(expr), query_(query), input_(input) {}

  /// The chosen, in the order in which an instant query lists them.
  const std::vector<uint32_t>& choose(const std::vector<uint32_t>& members, size_t step,
                                      double parameter) {
    chosen_.clear();
    switch (expr_.op) {
      case Aggregation::kLimitRatio: choose_ratio(members, step, parameter); break;
      case Aggregation::kLimitk: choose_first(members, step, parameter); break;
      default: choose_extremes(members, step, parameter);
    }
    return chosen_;
  }

 private:
  size_t count_of(double k) const {
    return k < 1 ? 0 : static_cast<size_t>(std::min(k, static_cast<double>(input_.size())));
  }

  void choose_first(const std::vector<uint32_t>& members, size_t step, double parameter) {
    const size_t k = count_of(parameter);
    for (const uint32_t i : members) {
      if (chosen_.size() == k) return;
      if (input_.view(i).has(step)) chosen_.push_back(i);
    }
  }

  // The labels' hash says where in [0, 1) a series stands; r takes those below r, r - 1 the rest.
  void choose_ratio(const std::vector<uint32_t>& members, size_t step, double parameter) {
    const double r = std::clamp(parameter, -1.0, 1.0);
    for (const uint32_t i : members) {
      if (!input_.view(i).has(step)) continue;
      constexpr double kMax = 18446744073709551615.0;
      const double place = static_cast<double>(prometheus_hash(*input_.series(i).labels)) / kMax;
      if (r >= 0 ? place < r : place >= 1 + r) chosen_.push_back(i);
    }
  }

  void choose_extremes(const std::vector<uint32_t>& members, size_t step, double parameter) {
    const size_t k = count_of(parameter);
    if (k == 0) return;
    const bool top = expr_.op == Aggregation::kTopk;
    for (const uint32_t i : members) {
      const RowView row = input_.view(i);
      if (!row.has(step)) continue;
      if (row.is_histogram(step)) {
        query_.annotations.info(
            expr_.span, fmt::format("ignored histogram in {} aggregation", to_string(expr_.op)));
      } else {
        chosen_.push_back(i);
      }
    }
    // NaN is the last choice of both.
    const auto before = [&](uint32_t a, uint32_t b) {
      const double x = input_.view(a).v[step];
      const double y = input_.view(b).v[step];
      if (std::isnan(x) || std::isnan(y)) return !std::isnan(x) && std::isnan(y);
      return top ? x > y : x < y;
    };
    std::ranges::stable_sort(chosen_, before);
    if (chosen_.size() > k) chosen_.resize(k);
  }

  const AggregateExpr& expr_;
  Query& query_;
  const Frame& input_;
  std::vector<uint32_t> chosen_;
};

// Prometheus sees series in the order of their labels, which decides whom limitk takes.
Result<FramePtr> sorted_by_labels(Query& query, FramePtr frame) {
  std::vector<size_t> order(frame->size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, [&](size_t a, size_t b) {
    return *frame->series(a).labels < *frame->series(b).labels;
  });
  std::vector<SeriesRef> series;
  for (const size_t i : order) series.push_back(frame->series(i));
  FramePtr sorted = TRY(Frame::make(query, std::move(series), frame->steps()));
  for (size_t i = 0; i < order.size(); ++i) sorted->view(i).copy_from(frame->view(order[i]));
  return sorted;
}

// Rows of the chosen series only, those of an instant query in the order of choice.
Result<Value> chosen_series(Evaluator& evaluator, const AggregateExpr& expr, FramePtr input,
                            const std::vector<double>& parameter) {
  Query& query = evaluator.query();
  const size_t steps = evaluator.steps().count;
  const auto members =
      members_of(group_series(query, input->all_series(), expr.without, expr.grouping));
  Chooser chooser(expr, query, *input);
  std::vector<uint32_t> rank(input->size(), std::numeric_limits<uint32_t>::max());
  std::vector<uint32_t> used;
  std::vector<std::vector<bool>> at_step(steps == 1 ? 0 : input->size());
  for (const auto& group : members) {
    TRY(query.check());
    for (size_t step = 0; step < steps; ++step) {
      for (const uint32_t i : chooser.choose(group, step, parameter[step])) {
        if (rank[i] == std::numeric_limits<uint32_t>::max()) {
          rank[i] = static_cast<uint32_t>(used.size());
          used.push_back(i);
          if (steps > 1) at_step[i].resize(steps);
        }
        if (steps > 1) at_step[i][step] = true;
      }
    }
  }
  std::vector<SeriesRef> series;
  for (const uint32_t i : used) series.push_back(input->series(i));
  FramePtr out = TRY(Frame::make(query, std::move(series), steps));
  for (size_t k = 0; k < used.size(); ++k) {
    const RowView row = out->view(k);
    row.copy_from(input->view(used[k]));
    for (size_t step = 0; steps > 1 && step < steps; ++step) {
      if (!at_step[used[k]][step]) row.erase(step);
    }
  }
  return Value(std::move(out));
}

}  // namespace

Result<Value> select_series_of_groups(Evaluator& evaluator, const AggregateExpr& expr) {
  Query& query = evaluator.query();
  const std::vector<double> parameter = TRY(evaluator.scalar(*expr.parameter));
  FramePtr input = TRY(evaluator.frame(*expr.inner));
  if (expr.op == Aggregation::kLimitRatio) {
    TRY(check_ratio(query, parameter, unwrap(*expr.parameter).span));
  } else {
    if (std::ranges::all_of(parameter, [](double k) { return k < 1; })) {
      return Value(TRY(Frame::make(query, {}, evaluator.steps().count)));
    }
    TRY(check_k(parameter));
    input = TRY(sorted_by_labels(query, std::move(input)));
  }
  return chosen_series(evaluator, expr, std::move(input), parameter);
}

Result<Value> count_values(Evaluator& evaluator, const AggregateExpr& expr) {
  Query& query = evaluator.query();
  const size_t steps = evaluator.steps().count;
  const std::string& label = Evaluator::string(*expr.parameter);
  if (label.empty() || !is_utf8(label)) {
    return execution_error("invalid label name " + quoted(label));
  }
  std::vector<std::string_view> grouping(expr.grouping.begin(), expr.grouping.end());
  if (!expr.without) grouping.push_back(label);
  std::ranges::sort(grouping);

  const VectorPtr input = TRY(evaluator.vector(*expr.inner));
  std::unordered_map<std::string, size_t> ids;
  std::vector<SeriesRef> series;
  std::vector<std::vector<double>> counts;
  TRY(for_each_row(query, *input, steps, [&](size_t i, RowView row) -> Result<> {
    for (size_t step = 0; step < steps; ++step) {
      if (!row.has(step)) continue;
      LabelsBuilder builder(*input->series(i).labels);
      builder.set(label, row.is_histogram(step) ? to_string(*row.histogram(step))
                                                : format_double(row.v[step]));
      Labels labels = group_labels(builder.build(), expr.without, grouping);
      const auto [it, added] = ids.try_emplace(labels.bytes(), series.size());
      if (added) {
        TRY(query.charge(held_rows(1, steps)));  // returned when the query ends
        series.push_back({query.keep(std::move(labels))});
        counts.emplace_back(steps);
      }
      counts[it->second][step] += 1;
    }
    return {};
  }));
  FramePtr out = TRY(Frame::make(query, std::move(series), steps));
  for (size_t i = 0; i < out->size(); ++i) {
    for (size_t step = 0; step < steps; ++step) {
      out->view(i).v[step] = counts[i][step] > 0 ? counts[i][step] : absent();
    }
  }
  return Value(std::move(out));
}

}  // namespace strata::promql
