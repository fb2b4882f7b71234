#include "rules/recording_rule.h"

#include <unordered_set>

namespace strata::rules {

Result<Recorded> evaluate_recording(const RuleSpec& spec, const EvaluationContext& context,
                                    RuleOutput& output) {
  const Vector result = TRY(context.query(*spec.parsed, spec.expr, context.query_at));
  if (context.limit > 0 && result.size() > context.limit) {
    return fail(ErrorCode::kLimit,
                fmt::format("exceeded limit of {} with {} series", context.limit, result.size()));
  }
  std::vector<Labels> names;
  std::unordered_set<std::string_view> seen;
  names.reserve(result.size());
  LabelsBuilder builder;
  for (const VectorSample& sample : result) {
    builder.reset(sample.metric);
    builder.set(kMetricName, spec.record);
    for (const auto& [name, value] : spec.labels) builder.set(name, value);
    names.push_back(builder.build());
    if (!seen.insert(names.back().bytes()).second) {
      return fail(ErrorCode::kExecution,
                  "vector contains metrics with the same labelset after applying rule labels");
    }
  }
  Recorded recorded;
  for (size_t i = 0; i < result.size(); ++i) {
    if (result[i].point.h) {
      ++recorded.histograms_dropped;
      continue;
    }
    output.add(std::move(names[i]), result[i].point.v);
    ++recorded.series;
  }
  return recorded;
}

}  // namespace strata::rules
