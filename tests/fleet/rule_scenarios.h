// docs/rule-scenarios.md, read: which faults the shipped rules are tried with, which alert has to
// fire in which of them and how soon, and in which it must not. The page is the test's table.
#pragma once
#include <iosfwd>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "fleet/fleet_history.h"

namespace strata {

struct RuleScenario {
  std::string name;
  FleetHistoryOptions history;
  double onset = 0;                // seconds from the history's beginning
  std::set<std::string> may_fire;  // "HighTTFT P1": besides those that have to
};

/// For gtest, which would print the bytes.
void PrintTo(const RuleScenario& scenario, std::ostream* out);

/// A row of the table of rules.
struct RulePair {
  std::string rule;  // "HighTTFT P1"
  std::string fires_in;
  double within = 0;  // seconds of the onset
  std::vector<std::string> quiet_in;
};

struct RuleScenarios {
  std::vector<RuleScenario> scenarios;
  std::vector<RulePair> rules;
  std::vector<std::string> mistakes;  // of the page

  const RuleScenario* find(std::string_view name) const;
};

/// Read once, from the repository's root.
const RuleScenarios& rule_scenarios();

}  // namespace strata
