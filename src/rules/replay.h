// What rules would have done over history that is stored: every iteration that would have been, one
// after the other, as fast as it goes. Recording rules write into memory, where rules behind them
// read; the store is not touched, and series of the names that the rules record are not read from
// it.
#pragma once
#include <string>
#include <vector>

#include "promql/engine.h"
#include "rules/evaluation.h"
#include "rules/rule_file.h"

namespace strata::rules {

/// One alert from when its expression began to hold.
struct Episode {
  std::string alert;
  Labels labels;
  StringPairs annotations;  // as of when it fired
  TimestampMs active_at = 0;
  TimestampMs fired_at = 0;
  TimestampMs ended_at = 0;  // 0: it still fired at the end
  bool without_data = false;
};

struct ReplayReport {
  std::vector<Episode> episodes;  // those that fired, by time
  size_t pending_only = 0;        // that ended before `for` was over
  size_t iterations = 0;
  size_t failures = 0;  // of rules
  std::string first_failure;
};

/// Error: kLimit when more than `max_episodes` alerts fire.
Result<ReplayReport> replay(const std::vector<RuleFile>& files, const RuleSettings& settings,
                            const SeriesSource& history, const promql::Engine& engine,
                            TimeRange range, size_t max_episodes = 1'000'000);

}  // namespace strata::rules
