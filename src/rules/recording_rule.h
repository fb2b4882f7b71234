// A recording rule: its expression's results under a name of their own. Stateless but for what
// RuleOutput remembers; any thread.
#pragma once
#include "rules/evaluation.h"
#include "rules/rule_output.h"

namespace strata::rules {

struct Recorded {
  size_t series = 0;
  size_t histograms_dropped = 0;  // native histograms, which the store does not take yet
};
/// Adds what `spec` records to `output`. Error: what the rule's health shows; nothing was added.
Result<Recorded> evaluate_recording(const RuleSpec& spec, const EvaluationContext& context,
                                    RuleOutput& output);

}  // namespace strata::rules
