// What a request costs: the prices of models, found by name and day.
//
// Immutable once made; any thread. Money is whole nano-dollars. A model without a price has no
// cost: it is never guessed and never 0. A rule's version is a checksum of what it says, so that a
// row of the ledger tells for good which prices it was made with.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/fs.h"
#include "base/result.h"
#include "config/price_config.h"
#include "gateway/usage.h"

namespace strata::gateway {

struct Cost {
  int64_t nano_usd = 0;
  uint32_t price_version = 0;  // never 0
};

class PriceTable {
 public:
  /// Of files in order: where two rules fit, the one that comes later counts, a name before a
  /// pattern.
  static Result<std::shared_ptr<const PriceTable>> load(const std::vector<std::string>& files,
                                                        Fs& fs);
  explicit PriceTable(std::vector<config::PriceRule> rules);

  /// Rounded to the nearest nano-dollar, once.
  std::optional<Cost> cost(std::string_view model, TimestampMs at_ms, const Usage& usage) const;

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  const config::PriceRule* find(std::string_view model, TimestampMs at_ms) const;

  std::vector<config::PriceRule> rules_;
  std::unordered_map<std::string, std::vector<size_t>, Hash, std::equal_to<>> by_name_;
  std::vector<size_t> patterns_;
};

/// LiteLLM's model_prices_and_context_window.json as a file of prices; models without a price for
/// input tokens are left out and counted in `skipped`. Error: kBadData.
Result<std::string> prices_from_litellm(std::string_view json, size_t& skipped);

}  // namespace strata::gateway
