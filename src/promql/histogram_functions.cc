// What single native histograms say: count, sum, average, spread. Floats have no result.
#include <cmath>

#include "promql/function_bodies.h"
#include "promql/histogram_ops.h"

namespace strata::promql {
namespace {

using Statistic = double (*)(const FloatHistogram&);

Result<Value> statistic(Evaluator& evaluator, const Call& call, Statistic of) {
  VectorPtr inner = TRY(evaluator.vector(*call.args[0]));
  std::vector<SeriesRef> series = inner->all_series();
  VectorPtr mapped = edit_rows(
      std::move(inner), std::move(series), [of](const SeriesRef&, RowView row) -> Result<> {
        for (size_t i = 0; i < row.size(); ++i) {
          row.v[i] = row.is_histogram(i) ? of(*row.histogram(i)) : absent();
        }
        row.h->clear();
        return {};
      });
  return Value(
      TRY(drop_names(evaluator.query(), std::move(mapped), evaluator.steps().count, false)));
}

}  // namespace

Result<Value> call_histogram_avg(Evaluator& evaluator, const Call& call) {
  return statistic(evaluator, call, [](const FloatHistogram& h) { return h.sum / h.count; });
}
Result<Value> call_histogram_count(Evaluator& evaluator, const Call& call) {
  return statistic(evaluator, call, [](const FloatHistogram& h) { return h.count; });
}
Result<Value> call_histogram_sum(Evaluator& evaluator, const Call& call) {
  return statistic(evaluator, call, [](const FloatHistogram& h) { return h.sum; });
}
Result<Value> call_histogram_stddev(Evaluator& evaluator, const Call& call) {
  return statistic(evaluator, call,
                   [](const FloatHistogram& h) { return std::sqrt(histogram_variance(h)); });
}
Result<Value> call_histogram_stdvar(Evaluator& evaluator, const Call& call) {
  return statistic(evaluator, call, histogram_variance);
}

}  // namespace strata::promql
