// What tenants may spend in a day (UTC): tokens, money. A request is charged when it ends, so that
// a budget is overshot by what was under way at most.
//
// Used on the loop's thread only. Bounds: the configuration's number of budgets.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "config/gateway_config.h"
#include "gateway/record.h"

namespace strata::gateway {

class Budgets {
 public:
  /// What was spent stays, for tenants that keep a budget.
  void configure(const std::vector<config::GatewayBudget>& budgets);
  bool any() const { return !by_tenant_.empty(); }

  void charge(const RequestRecord& row);
  /// Seconds until the tenant may ask again; none while it has something left.
  std::optional<int64_t> exhausted(const std::string& tenant, TimestampMs now_ms);

 private:
  struct Spent {
    config::GatewayBudget budget;
    int64_t day = 0;
    uint64_t tokens = 0;
    int64_t nano_usd = 0;
    void turn_to(int64_t today);
  };
  std::unordered_map<std::string, Spent> by_tenant_;
};

/// The UTC day's first millisecond.
TimestampMs day_of(TimestampMs now_ms);

}  // namespace strata::gateway
