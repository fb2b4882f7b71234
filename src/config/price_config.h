// Files of prices (prices/*.yaml, gateway.prices): what a model's tokens cost, and since when.
// Plain values; gateway/prices.h looks them up. docs/cost.md has an example.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace strata::config {

/// Nano-dollars per million tokens: whole numbers, so that money adds up.
using NanoUsd = int64_t;

struct PriceRule {
  std::string model;  // a name, or a pattern with * and ?
  int64_t valid_from_ms = INT64_MIN;
  int64_t valid_until_ms = INT64_MAX;  // not included
  NanoUsd input = 0;
  NanoUsd output = 0;
  // As `input` or `output` when the file does not say.
  NanoUsd cached_input = 0;
  NanoUsd cache_write = 0;
  NanoUsd reasoning = 0;
};

/// In the file's order. Prices are dollars per million tokens, dates are days of UTC (2026-11-01).
/// Error: kBadData with file:line:column.
Result<std::vector<PriceRule>> parse_prices(std::string_view text, std::string_view file_name);

}  // namespace strata::config
