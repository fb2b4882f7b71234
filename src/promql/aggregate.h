// How aggregations find their groups; shared by aggregate.cc and aggregate_select.cc.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "promql/evaluator.h"

namespace strata::promql {

struct Grouping {
  std::vector<SeriesRef> groups;   // labels of each; drop_name when any of its series has it
  std::vector<uint32_t> group_of;  // by series
};
/// by (names), or without (names). No names and no `without`: one group, if there is a series.
Grouping group_series(Query& query, const std::vector<SeriesRef>& series, bool without,
                      const std::vector<std::string>& names);

/// The labels of the group that `labels` falls into. REQUIRES: `sorted_names` is sorted.
Labels group_labels(const Labels& labels, bool without,
                    const std::vector<std::string_view>& sorted_names);

/// Aggregations whose results are not one value a group (aggregate_select.cc).
Result<Value> count_values(Evaluator& evaluator, const AggregateExpr& expr);
/// topk, bottomk, limitk, limit_ratio: some of the input's series.
Result<Value> select_series_of_groups(Evaluator& evaluator, const AggregateExpr& expr);

}  // namespace strata::promql
