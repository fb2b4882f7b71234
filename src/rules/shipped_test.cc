#include "rules/shipped.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/fs.h"
#include "rules/unit_test_file.h"

namespace strata::rules {
namespace {

std::string value_of(const StringPairs& pairs, std::string_view name) {
  for (const auto& [key, value] : pairs) {
    if (key == name) return value;
  }
  return "";
}

/// Calls `each` with every alerting rule.
template <class F>
void for_each_alert(F each) {
  const auto files = load_shipped_rules();
  ASSERT_TRUE(files.has_value()) << files.error().message;
  for (const RuleFile& file : *files) {
    for (const GroupSpec& group : file.groups) {
      for (const RuleSpec& rule : group.rules) {
        if (rule.is_alert()) each(rule);
      }
    }
  }
}

std::string test_file_of(const ShippedFile& file) {
  return fmt::format("rules/tests/{}_test.yaml", file.name());
}

TEST(ShippedRules, LoadAndAreNotTwiceThere) {
  const auto files = load_shipped_rules();
  ASSERT_TRUE(files.has_value()) << files.error().message;
  EXPECT_EQ(files->size(), shipped_rule_files().size());
  EXPECT_TRUE(duplicate_rules(*files).empty());
}

TEST(ShippedRules, HaveASeverityWithAReasonTextsAndAPage) {
  const std::set<std::string> kSeverities = {"P0", "P1", "P2", "P3", "none"};
  for_each_alert([&](const RuleSpec& rule) {
    SCOPED_TRACE(rule.alert);
    const std::string severity = value_of(rule.labels, "severity");
    EXPECT_TRUE(kSeverities.contains(severity)) << severity;
    EXPECT_NE(value_of(rule.annotations, "summary"), "");
    EXPECT_NE(value_of(rule.annotations, "description"), "");
    EXPECT_EQ(value_of(rule.annotations, "runbook_url"),
              "{{ externalURL }}/runbooks/" + rule.alert);
    const auto page = runbook(rule.alert);
    ASSERT_TRUE(page.has_value());
    EXPECT_TRUE(page->starts_with("# " + rule.alert + "\n"));
    EXPECT_NE(page->find(fmt::format("**{}**: ", severity)), std::string_view::npos) << severity;
    for (const std::string_view part : {"## Look", "## Do"}) {
      EXPECT_NE(page->find(part), std::string_view::npos) << part;
    }
  });
}

TEST(ShippedRules, APageIsOnARule) {
  std::set<std::string, std::less<>> alerts;
  for_each_alert([&](const RuleSpec& rule) { alerts.insert(rule.alert); });
  for (const ShippedFile& page : shipped_runbooks()) {
    if (page.name() != "README") EXPECT_TRUE(alerts.contains(page.name())) << page.path;
  }
  EXPECT_FALSE(runbook("NoSuchAlert").has_value());
}

TEST(ShippedRules, PassTheirUnitTests) {
  for (const ShippedFile& file : shipped_rule_files()) {
    const auto report = run_unit_tests(test_file_of(file), real_fs(), {});
    ASSERT_TRUE(report.has_value()) << report.error().message;
    EXPECT_GT(report->tests, 0u) << file.path;
    for (const std::string& failure : report->failures) {
      ADD_FAILURE() << file.path << ": " << failure;
    }
  }
}

TEST(ShippedRules, EveryAlertHasATestInWhichItFiresAndOneInWhichItMustNot) {
  std::map<std::string, std::pair<int, int>> cases;  // by alert: fires, stays quiet
  for (const ShippedFile& file : shipped_rule_files()) {
    const auto text = real_fs().read_file(test_file_of(file));
    ASSERT_TRUE(text.has_value()) << text.error().message;
    constexpr std::string_view kName = "  - name: '";
    for (size_t at = 0; (at = text->find(kName, at)) != std::string::npos;) {
      at += kName.size();
      const std::string alert = text->substr(at, text->find(':', at) - at);
      const std::string body = text->substr(at, text->find(kName, at) - at);
      const bool fires = body.find("{labels: '{severity=") != std::string::npos;
      ++(fires ? cases[alert].first : cases[alert].second);
    }
  }
  for_each_alert([&](const RuleSpec& rule) {
    EXPECT_GT(cases[rule.alert].first, 0) << rule.alert << " never fires";
    if (rule.alert != "Watchdog") {
      EXPECT_GT(cases[rule.alert].second, 0) << rule.alert << " is never quiet";
    }
  });
}

}  // namespace
}  // namespace strata::rules
