#include "gateway/prices.h"

#include <gtest/gtest.h>

#include "base/temp_dir.h"
#include "gateway/cost_report.h"

namespace strata::gateway {
namespace {

constexpr TimestampMs kNow = 1'764'000'000'000;  // 2025-11-24

std::optional<int64_t> nano(const PriceTable& table, std::string_view model, Usage usage,
                            TimestampMs at = kNow) {
  const auto cost = table.cost(model, at, usage);
  return cost ? std::optional(cost->nano_usd) : std::nullopt;
}

PriceTable table_of(std::string_view yaml) {
  auto rules = config::parse_prices(yaml, "prices.yaml");
  EXPECT_TRUE(rules) << rules.error().message;
  return PriceTable(rules.value_or(std::vector<config::PriceRule>()));
}

// What was billed, where another program said $0.0913 and $0.860 (BerriAI/litellm 9812, 35127).
TEST(Prices, TheBillsOfTwoCachedConversationsComeOutRight) {
  const auto table = table_of(
      "models:\n"
      "- {model: sonnet, input: 3, cached_input: 0.3, cache_write: 3.75, output: 15}\n"
      "- {model: opus, input: 5, cached_input: 0.5, cache_write: 6.25, output: 25}\n");
  EXPECT_EQ(nano(table, "sonnet", {.input = 3, .cache_write = 12'304, .output = 550}), 54'399'000);
  Usage usage;
  read_usage(R"({"prompt_tokens":172000,"completion_tokens":0,
      "prompt_tokens_details":{"cached_tokens":155000}})",
             false, usage);
  usage.input -= 3000;
  usage.cache_write = 3000;
  EXPECT_EQ(nano(table, "opus", usage), 166'250'000);
}

TEST(Prices, AModelWithoutAPriceHasNoCost) {
  EXPECT_EQ(nano(table_of("models:\n- {model: a, input: 1}\n"), "b", {.input = 5}), std::nullopt);
  EXPECT_EQ(nano(table_of("models:\n- {model: a, input: 0}\n"), "a", {.input = 5}), 0);
}

TEST(Prices, TheLaterRuleCountsAndANameBeforeAPattern) {
  const auto table = table_of(
      "models:\n- {model: 'llama-3*', input: 7}\n- {model: org/llama, input: 1}\n"
      "- {model: org/llama, input: 2}\n- {model: 'org/*', input: 9}\n");
  EXPECT_EQ(nano(table, "org/llama", {.input = 1'000'000}), 2'000'000'000);
  EXPECT_EQ(nano(table, "org/other", {.input = 1'000'000}), 9'000'000'000);
  EXPECT_EQ(nano(table, "llama-3.3", {.input = 1'000'000}), 7'000'000'000);
}

TEST(Prices, HoldOnTheirDays) {
  const auto table = table_of(
      "models:\n- {model: a, input: 1, until: 2025-11-24}\n"
      "- {model: a, input: 2, from: 2025-11-24, until: 2025-11-25}\n");
  constexpr TimestampMs kMidnight = 1'763'942'400'000;
  EXPECT_EQ(nano(table, "a", {.input = 1'000'000}, kMidnight - 1), 1'000'000'000);
  EXPECT_EQ(nano(table, "a", {.input = 1'000'000}, kMidnight), 2'000'000'000);
  EXPECT_EQ(nano(table, "a", {.input = 1}, kMidnight + 86'400'000), std::nullopt);
}

TEST(Prices, ReasoningIsPricedOnceAndRoundedOnce) {
  const auto table = table_of("models:\n- {model: a, input: 0.0375, output: 2, reasoning: 3}\n");
  EXPECT_EQ(nano(table, "a", {.output = 10, .reasoning = 4}), 6 * 2000 + 4 * 3000);
  EXPECT_EQ(nano(table, "a", {.input = 1}), 38);  // 37.5 nano-dollars
}

TEST(Prices, SayWhereAFileIsWrong) {
  const auto error_of = [](std::string_view text) {
    const auto rules = config::parse_prices(text, "p.yaml");
    return rules ? "" : rules.error().message;
  };
  EXPECT_EQ(error_of("models:\n- {model: a}\n").substr(0, 11), "p.yaml:2:3:");
  EXPECT_NE(error_of("models:\n- {model: a, input: -1}\n"), "");
  EXPECT_NE(error_of("models:\n- {model: a, input: 1, from: 2025-02-30}\n"), "");
  EXPECT_NE(error_of("models:\n- {model: a, imput: 1}\n"), "");
}

TEST(Prices, AreMadeOfLitellmsList) {
  size_t skipped = 0;
  const auto yaml = prices_from_litellm(
      R"({"sample_spec":{"input_cost_per_token":0},"a/b":{"input_cost_per_token":1.1e-06,)"
      R"("output_cost_per_token":4.4e-06,"cache_read_input_token_cost":2.75e-07,"mode":"chat"},)"
      R"("image":{"output_cost_per_image":0.1}})",
      skipped);
  ASSERT_TRUE(yaml);
  EXPECT_EQ(skipped, 2u);
  EXPECT_NE(yaml->find("- {model: \"a/b\", input: 1.1, output: 4.4, cached_input: 0.275}"),
            std::string::npos)
      << *yaml;
  EXPECT_EQ(nano(table_of(*yaml), "a/b", {.input = 10, .cached = 4, .output = 1}),
            11'000 + 1'100 + 4'400);
  EXPECT_FALSE(prices_from_litellm("[1]", skipped));
}

TEST(CostReport, SumsByWhatIsChosen) {
  CostReport report(*parse_cost_keys("tenant,day"), nullptr);
  RequestRecord row;
  row.at_ms = kNow;
  row.usage_source = UsageSource::kFinal;
  row.outcome = Outcome::kOk;
  for (const char* tenant : {"a", "b", "a"}) {
    row.tenant = tenant;
    row.usage.output += 1;
    row.cost_nano_usd = row.tenant == "b" ? std::nullopt : std::optional<int64_t>(1'500'000'000);
    report.add(row);
  }
  ASSERT_EQ(report.groups().size(), 2u);
  const CostSum& a = report.groups().at({"a", "2025-11-24"});
  EXPECT_EQ(a.requests, 2u);
  EXPECT_EQ(a.usage.output, 4u);
  EXPECT_EQ(dollars(a.nano_usd), "3.000000000");
  EXPECT_EQ(report.total().unpriced, 1u);
  EXPECT_FALSE(parse_cost_keys("tenant,colour"));
}

}  // namespace
}  // namespace strata::gateway
