#include "alerting/inhibitor.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "model/fingerprint.h"

namespace strata::alerting {
namespace {

constexpr TimestampMs kNow = 1'000'000;

InhibitRule rule(std::string_view source, std::string_view target, std::vector<std::string> equal) {
  return {.name = "",
          .source = parse_matchers(source)->matchers,
          .target = parse_matchers(target)->matchers,
          .equal = std::move(equal)};
}

// What the rules say, by looking at every alert.
bool inhibited_plainly(const std::vector<InhibitRule>& rules, const std::map<uint64_t, Alert>& all,
                       const Labels& labels) {
  for (const auto& one : rules) {
    if (!matches_all(one.target, labels)) continue;
    for (const auto& [fingerprint, alert] : all) {
      if (alert.resolved_at(kNow) || !matches_all(one.source, alert.labels)) continue;
      const bool same_place = std::ranges::all_of(one.equal, [&](const std::string& name) {
        return alert.labels.get(name) == labels.get(name);
      });
      const bool both = matches_all(one.source, labels) && matches_all(one.target, alert.labels);
      if (same_place && !both) return true;
    }
  }
  return false;
}

TEST(Inhibitor, SaysWhatLookingAtEveryAlertSays) {
  const std::vector<InhibitRule> rules = {rule("severity=P0", "severity=~\"P1|P2\"", {"node"}),
                                          rule("name=down", "node!=\"\"", {"node"}),
                                          rule("name=~\"down|slow\"", "severity=P2", {})};
  std::mt19937 random(1);
  const auto pick = [&](std::initializer_list<std::string> of) {
    return *(of.begin() + random() % of.size());
  };
  const auto labels = [&] {
    return Labels{{"name", pick({"down", "slow", "full"})},
                  {"node", pick({"a", "b", ""})},
                  {"severity", pick({"P0", "P1", "P2"})}};
  };
  Inhibitor inhibitor(rules);
  std::map<uint64_t, Alert> all;
  int inhibited = 0;
  for (int i = 0; i < 3000; ++i) {
    Alert alert;
    alert.labels = labels();
    alert.ends_at = kNow + (random() % 3 == 0 ? 1 + static_cast<TimestampMs>(random() % 9) : 0);
    if (random() % 4 == 0) {
      inhibitor.forget(alert);
      all.erase(fingerprint(alert.labels));
    } else {
      inhibitor.update(alert);
      all.insert_or_assign(fingerprint(alert.labels), alert);
    }
    const Labels asked = labels();
    const bool want = inhibited_plainly(rules, all, asked);
    inhibited += want ? 1 : 0;
    ASSERT_EQ(inhibitor.inhibiting(asked, kNow).has_value(), want) << i;
  }
  EXPECT_GT(inhibited, 300);
  EXPECT_LT(inhibited, 2700);
}

}  // namespace
}  // namespace strata::alerting
