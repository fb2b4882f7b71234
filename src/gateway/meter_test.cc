#include "gateway/meter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

namespace strata::gateway {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(TopTenants, TheFirstAreLabelsUntilOthersAskMore) {
  TopTenants top(2);
  TimestampMs now = 1'000'000'000;
  EXPECT_EQ(top.note("a", now), "a");
  EXPECT_EQ(top.note("b", now), "b");
  for (int i = 0; i < 10; ++i) top.note("a", now);
  EXPECT_EQ(top.note("big", now), "other");
  for (int i = 0; i < 10; ++i) top.note("big", now += 1000);
  EXPECT_EQ(top.note("big", now), "big");
  EXPECT_THAT(top.take_dropped(), testing::ElementsAre("b"));
  EXPECT_EQ(top.note("b", now), "other");
  EXPECT_EQ(top.note("a", now), "a");
  EXPECT_TRUE(top.take_dropped().empty());
}

TEST(TopTenants, FindsThoseThatAskMostAmongManyThatAskOnce) {
  constexpr size_t kLabels = 10;
  TopTenants top(kLabels);
  std::mt19937 random(1);
  std::set<std::string> labelled;
  TimestampMs now = 1'000'000'000;
  // A hundred strangers before anyone who stays.
  for (int i = 0; i < 100; ++i) top.note("early" + std::to_string(i), now += 10);
  for (int i = 0; i < 50'000; ++i) {
    now += 10;
    const bool heavy = random() % 2 == 0;
    const std::string tenant = heavy ? "heavy" + std::to_string(random() % 8)
                                     : "stranger" + std::to_string(random() % 100'000);
    const std::string& label = top.note(tenant, now);
    if (label != "other") labelled.insert(label);
    for (const std::string& gone : top.take_dropped()) labelled.erase(gone);
    ASSERT_LE(labelled.size(), kLabels);
  }
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(labelled.contains("heavy" + std::to_string(i))) << i;
}

TEST(TopTenants, ForgetsWhoNoLongerAsks) {
  TopTenants top(1);
  TimestampMs now = 1'000'000'000;
  for (int i = 0; i < 1000; ++i) top.note("old", now);
  for (int hour = 0; hour < 12; ++hour) top.note("new", now += TopTenants::kHalveMs);
  EXPECT_EQ(top.note("new", now), "new");
}

std::chrono::steady_clock::time_point steady_now{std::chrono::hours(1)};

RequestRecord record_of(const std::string& tenant) {
  RequestRecord record;
  record.tenant = tenant;
  record.endpoint = "/v1/chat/completions";
  record.upstream = "u";
  record.outcome = Outcome::kOk;
  record.status = 200;
  record.usage_source = UsageSource::kFinal;
  record.usage = {.input = 5, .cached = 2, .output = 3, .has_input = true, .has_output = true};
  record.duration = std::chrono::milliseconds(300);
  record.ttfb = record.ttft = std::chrono::milliseconds(100);
  record.last = std::chrono::milliseconds(200);
  return record;
}

TEST(Meter, TheSeriesOfATenantThatLostItsLabelGoAway) {
  metrics::Registry registry({.labels = {}, .now = [] { return steady_now; }});
  Meter meter(1, registry);
  TimestampMs now = 1'000'000'000;
  const auto ask = [&](const std::string& tenant) {
    const std::string label = meter.tenant_label(tenant, now += 1000);
    RequestRecord record = record_of(tenant);
    record.cost_nano_usd = 1'500'000'000;
    meter.record(record, "m", label);
  };
  ask("small");
  EXPECT_THAT(registry.text(), HasSubstr("tenant_id=\"small\""));
  for (int i = 0; i < 20; ++i) ask("large");
  EXPECT_THAT(registry.text(), HasSubstr("tenant_id=\"small\""));
  steady_now += Meter::kIdle + std::chrono::seconds(1);
  ask("large");
  const std::string text = registry.text();
  EXPECT_THAT(text, Not(HasSubstr("tenant_id=\"small\"")));
  EXPECT_THAT(text, HasSubstr("app_input_tokens_total{model_name=\"m\",tenant_id=\"large\"}"));
  EXPECT_THAT(text,
              HasSubstr("app_cached_input_tokens_total{model_name=\"m\",tenant_id=\"large\"}"));
  EXPECT_THAT(text, HasSubstr("app_cost_usd_total{model_name=\"m\",tenant_id=\"large\"}"));
  EXPECT_THAT(text, HasSubstr("app_time_per_output_token_seconds_sum{model_name=\"m\","
                              "endpoint=\"/v1/chat/completions\",tenant_id=\"large\"}"));
  EXPECT_THAT(text, Not(HasSubstr("app_unpriced_requests_total{")));
}

TEST(Meter, AModelWithoutAPriceIsCountedAndHasNoCost) {
  metrics::Registry registry;
  Meter meter(5, registry);
  meter.record(record_of("t"), "m", meter.tenant_label("t", 1));
  EXPECT_THAT(registry.text(), HasSubstr("app_unpriced_requests_total{model_name=\"m\"} 1\n"));
  EXPECT_THAT(registry.text(), Not(HasSubstr("app_cost_usd_total{")));
}

TEST(Meter, OnlyModelsThatAreKnownAreLabels) {
  metrics::Registry registry;
  Meter meter(5, registry);
  EXPECT_EQ(meter.model_label("typo", false), "other");
  EXPECT_EQ(meter.model_label("m", true), "m");
  EXPECT_EQ(meter.model_label("m", false), "m");
  for (int i = 0; i < 300; ++i) meter.model_label("m" + std::to_string(i), true);
  EXPECT_EQ(meter.model_label("m299", true), "other");
}

}  // namespace
}  // namespace strata::gateway
