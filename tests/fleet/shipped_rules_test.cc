// The rules that come with Strata over the simulated fleet: each fires in a scenario of its own,
// soon enough and not before the fault, and stays quiet in one that it could be taken for; and a
// scenario calls for nothing that its row does not name. The table is docs/rule-scenarios.md.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "fleet/rule_scenarios.h"
#include "rules/shipped.h"

namespace strata {
namespace {

std::string key_of(std::string_view alert, const Labels& labels) {
  return fmt::format("{} {}", alert, labels.get("severity"));
}

/// By "ALERT SEVERITY": seconds from the onset to the first that fired.
std::map<std::string, double> fired(const RuleScenario& scenario) {
  std::map<std::string, double> out;
  const FleetHistory history(scenario.history);
  for (const rules::Episode& episode : history.replay_shipped_rules().episodes) {
    const double since = FleetHistory::seconds_of(episode.fired_at) - scenario.onset;
    const auto [at, is_new] = out.emplace(key_of(episode.alert, episode.labels), since);
    at->second = std::min(at->second, since);
  }
  return out;
}

class ShippedRulesScenario : public ::testing::TestWithParam<RuleScenario> {};

TEST_P(ShippedRulesScenario, CallsForWhatItsRowNamesInTimeAndForNothingElse) {
  const RuleScenario& scenario = GetParam();
  const auto alerts = fired(scenario);
  std::set<std::string> allowed = scenario.may_fire;
  allowed.insert("Watchdog none");
  for (const RulePair& pair : rule_scenarios().rules) {
    if (pair.fires_in == scenario.name) {
      allowed.insert(pair.rule);
      const auto found = alerts.find(pair.rule);
      if (found == alerts.end()) {
        ADD_FAILURE() << pair.rule << " did not fire";
        continue;
      }
      EXPECT_LE(found->second, pair.within) << pair.rule;
      RecordProperty(pair.rule, std::to_string(found->second));
    }
    const bool is_quiet = std::ranges::count(pair.quiet_in, scenario.name) > 0;
    EXPECT_FALSE(is_quiet && alerts.contains(pair.rule)) << pair.rule << " must not fire here";
  }
  for (const auto& [alert, since] : alerts) {
    EXPECT_TRUE(allowed.contains(alert)) << alert << " fired " << since << " s after the onset";
    EXPECT_TRUE(since > 0 || alert == "Watchdog none") << alert << " fired before the fault";
  }
}

INSTANTIATE_TEST_SUITE_P(Fleet, ShippedRulesScenario,
                         ::testing::ValuesIn(rule_scenarios().scenarios), [](const auto& param) {
                           std::string name = param.param.name;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

TEST(ShippedRulesScenarios, EveryShippedRuleHasAPair) {
  const RuleScenarios& page = rule_scenarios();
  for (const std::string& mistake : page.mistakes) ADD_FAILURE() << mistake;
  std::map<std::string, const RulePair*> rows;
  for (const RulePair& pair : page.rules) {
    EXPECT_TRUE(rows.emplace(pair.rule, &pair).second) << pair.rule << " stands there twice";
    EXPECT_NE(page.find(pair.fires_in), nullptr) << pair.rule << ": no scenario " << pair.fires_in;
    for (const std::string& quiet : pair.quiet_in) {
      EXPECT_NE(page.find(quiet), nullptr) << pair.rule << ": no scenario " << quiet;
      EXPECT_NE(quiet, pair.fires_in) << pair.rule;
    }
    // Its silence is what it is for: nothing in a store can show that.
    EXPECT_TRUE(!pair.quiet_in.empty() || pair.rule == "Watchdog none")
        << pair.rule << " has no scenario in which it must not fire";
  }
  const auto files = rules::load_shipped_rules();
  ASSERT_TRUE(files) << files.error().message;
  for (const rules::RuleFile& file : *files) {
    for (const rules::GroupSpec& group : file.groups) {
      for (const rules::RuleSpec& rule : group.rules) {
        if (!rule.is_alert()) continue;
        const auto severity =
            std::ranges::find(rule.labels, "severity", &config::StringPairs::value_type::first);
        ASSERT_NE(severity, rule.labels.end()) << rule.alert;
        const std::string key = rule.alert + " " + severity->second;
        EXPECT_EQ(rows.erase(key), 1u) << key << " has no pair of scenarios";
      }
    }
  }
  for (const auto& [rule, pair] : rows) ADD_FAILURE() << "there is no rule " << rule;
}

}  // namespace
}  // namespace strata
