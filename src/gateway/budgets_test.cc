#include "gateway/budgets.h"

#include <gtest/gtest.h>

namespace strata::gateway {
namespace {

constexpr TimestampMs kNoon = 1'763'942'400'000 + 43'200'000;

RequestRecord spent(std::string tenant, uint64_t tokens, int64_t nano_usd, TimestampMs at = kNoon) {
  RequestRecord row;
  row.tenant = std::move(tenant);
  row.at_ms = at;
  row.usage.output = tokens;
  row.cost_nano_usd = nano_usd;
  return row;
}

TEST(Budgets, RefuseUntilMidnightWhenTokensOrMoneyAreSpent) {
  Budgets budgets;
  budgets.configure({{.tenant = "a", .tokens_per_day = 100}, {.tenant = "b", .usd_per_day = 0.5}});
  budgets.charge(spent("a", 99, 0));
  budgets.charge(spent("b", 5000, 499'999'999));
  EXPECT_EQ(budgets.exhausted("a", kNoon), std::nullopt);
  EXPECT_EQ(budgets.exhausted("b", kNoon), std::nullopt);
  budgets.charge(spent("a", 1, 0));
  budgets.charge(spent("b", 0, 1));
  EXPECT_EQ(budgets.exhausted("a", kNoon), 43'200);
  EXPECT_EQ(budgets.exhausted("b", kNoon + 1), 43'200);
  EXPECT_EQ(budgets.exhausted("c", kNoon), std::nullopt);
  EXPECT_EQ(budgets.exhausted("a", kNoon + 43'200'000), std::nullopt);
}

TEST(Budgets, RememberWhatWasSpentAcrossAReload) {
  Budgets budgets;
  budgets.configure({{.tenant = "a", .tokens_per_day = 100}});
  budgets.charge(spent("a", 100, 0));
  budgets.configure({{.tenant = "a", .tokens_per_day = 50}});
  EXPECT_TRUE(budgets.exhausted("a", kNoon));
  budgets.configure({{.tenant = "a", .tokens_per_day = 500}});
  EXPECT_FALSE(budgets.exhausted("a", kNoon));
}

}  // namespace
}  // namespace strata::gateway
