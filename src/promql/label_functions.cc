#include "base/regex.h"
#include "base/utf8.h"
#include "promql/function_bodies.h"

namespace strata::promql {
namespace {

bool is_valid_label_name(std::string_view name) { return !name.empty() && is_utf8(name); }

Result<Value> relabelled(Evaluator& evaluator, VectorPtr vector, std::vector<SeriesRef> series) {
  VectorPtr renamed = edit_rows(std::move(vector), std::move(series),
                                [](const SeriesRef&, RowView) -> Result<> { return {}; });
  return Value(
      TRY(merge_same_labels(evaluator.query(), std::move(renamed), evaluator.steps().count)));
}

SeriesRef with_label(Query& query, const SeriesRef& series, std::string_view name,
                     std::string_view value) {
  LabelsBuilder builder(*series.labels);
  builder.set(name, value);
  // A name that was set by hand stays.
  return {query.keep(builder.build()), name == kMetricName ? false : series.drop_name};
}

}  // namespace

Result<Value> call_label_replace(Evaluator& evaluator, const Call& call) {
  const std::string& destination = Evaluator::string(*call.args[1]);
  const std::string& replacement = Evaluator::string(*call.args[2]);
  const std::string& source = Evaluator::string(*call.args[3]);
  const std::string& pattern = Evaluator::string(*call.args[4]);
  const auto regex = Regex::compile(pattern);
  if (!regex) {
    return execution_error(
        fmt::format("invalid regular expression in label_replace(): {}", pattern));
  }
  if (!is_valid_label_name(destination)) {
    return execution_error(
        fmt::format("invalid destination label name in label_replace(): {}", destination));
  }
  VectorPtr vector = TRY(evaluator.vector(*call.args[0]));
  std::vector<SeriesRef> series = vector->all_series();
  std::vector<std::string_view> groups;
  for (SeriesRef& s : series) {
    if (!regex->full_match(s.labels->get(source), &groups)) continue;
    s = with_label(evaluator.query(), s, destination, regex->expand(replacement, groups));
  }
  return relabelled(evaluator, std::move(vector), std::move(series));
}

Result<Value> call_label_join(Evaluator& evaluator, const Call& call) {
  const std::string& destination = Evaluator::string(*call.args[1]);
  const std::string& separator = Evaluator::string(*call.args[2]);
  for (size_t i = 3; i < call.args.size(); ++i) {
    const std::string& source = Evaluator::string(*call.args[i]);
    if (is_valid_label_name(source)) continue;
    return execution_error(fmt::format("invalid source label name in label_join(): {}", source));
  }
  if (!is_valid_label_name(destination)) {
    return execution_error(
        fmt::format("invalid destination label name in label_join(): {}", destination));
  }
  VectorPtr vector = TRY(evaluator.vector(*call.args[0]));
  std::vector<SeriesRef> series = vector->all_series();
  for (SeriesRef& s : series) {
    std::string joined;
    for (size_t i = 3; i < call.args.size(); ++i) {
      if (i > 3) joined += separator;
      joined += s.labels->get(Evaluator::string(*call.args[i]));
    }
    s = with_label(evaluator.query(), s, destination, joined);
  }
  return relabelled(evaluator, std::move(vector), std::move(series));
}

}  // namespace strata::promql
