// The rules and dashboards that come with Strata are what its own linter would have people write.
#include <gtest/gtest.h>

#include "base/fs.h"
#include "lint/lint.h"
#include "rules/shipped.h"

namespace strata::lint {
namespace {

TEST(ShippedRules, LintHasNothingToSayOfThem) {
  Options options;
  options.scrape_interval = Millis(5'000);  // of engines, unless configured otherwise
  for (const rules::ShippedFile& file : rules::shipped_rule_files()) {
    const auto findings = lint_rules(std::string(file.text), std::string(file.path),
                                     catalog::Catalog::builtin(), options);
    ASSERT_TRUE(findings.has_value()) << findings.error().message;
    for (const Finding& finding : *findings) ADD_FAILURE() << finding.to_string();
  }
}

TEST(ShippedDashboards, LintHasNothingToSayOfThem) {
  const auto files = real_fs().list("dashboards");
  ASSERT_TRUE(files.has_value()) << files.error().message << "; run it in the repository's root";
  size_t checked = 0;
  for (const DirEntry& entry : *files) {
    const std::string& name = entry.name;
    if (!name.ends_with(".json")) continue;
    ++checked;
    const auto text = real_fs().read_file("dashboards/" + name);
    ASSERT_TRUE(text.has_value()) << text.error().message;
    const auto findings = lint_dashboard(*text, name, catalog::Catalog::builtin());
    ASSERT_TRUE(findings.has_value()) << findings.error().message;
    for (const Finding& finding : *findings) ADD_FAILURE() << finding.to_string();
  }
  EXPECT_GE(checked, 3u);
}

}  // namespace
}  // namespace strata::lint
