#include "gateway/budgets.h"

#include <cmath>

namespace strata::gateway {
namespace {

constexpr TimestampMs kDayMs = 86'400'000;
constexpr double kNanoPerDollar = 1e9;

}  // namespace

TimestampMs day_of(TimestampMs now_ms) { return now_ms - now_ms % kDayMs; }

void Budgets::Spent::turn_to(int64_t today) {
  if (day == today) return;
  day = today;
  tokens = 0;
  nano_usd = 0;
}

void Budgets::configure(const std::vector<config::GatewayBudget>& budgets) {
  std::unordered_map<std::string, Spent> next;
  for (const config::GatewayBudget& budget : budgets) {
    Spent& spent = next[budget.tenant];
    if (const auto old = by_tenant_.find(budget.tenant); old != by_tenant_.end()) {
      spent = old->second;
    }
    spent.budget = budget;
  }
  by_tenant_ = std::move(next);
}

void Budgets::charge(const RequestRecord& row) {
  const auto found = by_tenant_.find(row.tenant);
  if (found == by_tenant_.end()) return;
  Spent& spent = found->second;
  spent.turn_to(day_of(row.at_ms));
  spent.tokens += row.usage.all_input() + row.usage.output;
  spent.nano_usd += row.cost_nano_usd.value_or(0);
}

std::optional<int64_t> Budgets::exhausted(const std::string& tenant, TimestampMs now_ms) {
  const auto found = by_tenant_.find(tenant);
  if (found == by_tenant_.end()) return std::nullopt;
  Spent& spent = found->second;
  spent.turn_to(day_of(now_ms));
  const auto& [name, tokens, usd] = spent.budget;
  const bool over =
      (tokens > 0 && spent.tokens >= tokens) ||
      (usd > 0 && static_cast<double>(spent.nano_usd) >= std::round(usd * kNanoPerDollar));
  if (!over) return std::nullopt;
  return (day_of(now_ms) + kDayMs - now_ms + 999) / 1000;
}

}  // namespace strata::gateway
