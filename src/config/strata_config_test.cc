#include "config/strata_config.h"

#include <gtest/gtest.h>

namespace strata::config {
namespace {

std::string error_of(std::string_view text) {
  const auto parsed = parse_strata_config(text, "strata.yml");
  return parsed ? "" : parsed.error().message;
}

TEST(StrataConfig, SectionsThatAreMissingHaveTheirDefaults) {
  for (const std::string_view text : {"", "{}", "guard:\n"}) {
    const auto c = parse_strata_config(text, "strata.yml");
    ASSERT_TRUE(c) << c.error().message;
    EXPECT_EQ(c->guard.rules.mode, GuardMode::kReport);
    EXPECT_EQ(c->guard.rules.max_series, 0u);
    EXPECT_EQ(c->guard.window, Millis(600'000));
  }
  EXPECT_TRUE(load_strata_config("", real_fs()));
}

TEST(StrataConfig, AJobTakesOverWhatItDoesNotSay) {
  const auto c = parse_strata_config(R"(
guard:
  mode: drop
  new_values: 50
  max_total_series: 1000000
  window: 5m
  exempt_labels: [pod]
  jobs:
    - job_name: vllm
      mode: fold
      max_series: 20000
    - {job_name: node, mode: "off"}
)",
                                     "strata.yml");
  ASSERT_TRUE(c) << c.error().message;
  const auto& guard = c->guard;
  EXPECT_EQ(guard.max_total_series, 1'000'000u);
  EXPECT_EQ(guard.window, Millis(300'000));
  EXPECT_EQ(guard.of("vllm").mode, GuardMode::kFold);
  EXPECT_EQ(guard.of("vllm").max_series, 20'000u);
  EXPECT_EQ(guard.of("vllm").new_values, 50u);
  EXPECT_EQ(guard.of("vllm").exempt_labels, std::vector<std::string>{"pod"});
  EXPECT_EQ(guard.of("node").mode, GuardMode::kOff);
  EXPECT_EQ(guard.of("other").mode, GuardMode::kDrop);
}

TEST(StrataConfig, ErrorsNameThePlace) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"guards: {}\n", "strata.yml:1:1: unknown key \"guards\" (did you mean guard?)"},
      {"guard: {mode: loud}\n",
       "strata.yml:1:15: mode: expected one of off, report, drop, fold, found \"loud\""},
      {"guard: {window: 1ms}\n", "strata.yml:1:17: window: at least 1s"},
      {"guard: {new_values: 0}\n", "strata.yml:1:21: new_values: at least 1"},
      {"guard: {jobs: [{mode: drop}]}\n", "strata.yml:1:16: job_name is missing"},
      {"guard:\n  jobs:\n    - job_name: a\n    - job_name: a\n",
       "strata.yml:4:17: jobs names a twice"},
      {"guard: {jobs: [{job_name: a, max_serie: 1}]}\n",
       "strata.yml:1:30: unknown key \"max_serie\" (did you mean max_series?)"},
  };
  for (const auto& [text, error] : cases) EXPECT_EQ(error_of(text), error) << text;
}

TEST(StrataConfig, RulesOfRetention) {
  const auto c = parse_strata_config(R"(
storage:
  retention:
    - match: '{__name__=~"app_.*"}'
      keep: 2y
    - {match: '{job="debug"}', keep: 2d}
)",
                                     "strata.yml");
  ASSERT_TRUE(c) << c.error().message;
  ASSERT_EQ(c->storage.retention.size(), 2u);
  EXPECT_EQ(c->storage.retention[0].match, R"({__name__=~"app_.*"})");
  EXPECT_EQ(c->storage.retention[0].keep, std::chrono::days(2 * 365));
  EXPECT_EQ(c->storage.retention[0].place, "strata.yml:4:14");
  EXPECT_EQ(c->storage.retention[1].keep, std::chrono::days(2));

  EXPECT_EQ(error_of("storage:\n  retention:\n    - keep: 2d\n"),
            "strata.yml:3:7: match is missing: a selector of series");
  EXPECT_EQ(error_of("storage:\n  retention:\n    - match: up\n"),
            "strata.yml:3:7: keep is missing: a duration, 0 for ever");
}

}  // namespace
}  // namespace strata::config
