// Evaluates whole PromQL expressions somewhere else, next to the samples: what a SeriesSource says
// that is better asked for results than for samples.
#pragma once
#include <optional>
#include <stop_token>
#include <string_view>

#include "base/result.h"
#include "model/duration.h"
#include "model/query_value.h"

namespace strata {

/// Of one evaluation.
struct EvaluationTerms {
  std::stop_token stop;            // kCanceled when requested
  Millis timeout{0};               // kTimeout beyond
  std::optional<Millis> lookback;  // instead of the evaluator's own
};

/// Thread-safe. Errors: kBadData and kExecution as the evaluator gives them, kTimeout, kCanceled,
/// kLimit, kUnavailable when it cannot be reached.
class QueryEvaluator {
 public:
  virtual ~QueryEvaluator() = default;
  virtual Result<QueryResult> instant(std::string_view expr, TimestampMs at,
                                      const EvaluationTerms& terms) const = 0;
  /// A Matrix, at start, start + step, … <= end.
  virtual Result<QueryResult> range(std::string_view expr, TimestampMs start, TimestampMs end,
                                    Millis step, const EvaluationTerms& terms) const = 0;
};

}  // namespace strata
