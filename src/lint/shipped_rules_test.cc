// The rules that come with Strata are what its own linter would have people write.
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace strata::lint
