#include "gateway/prices.h"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>

#include "base/hash.h"
#include "base/json.h"
#include "base/number.h"
#include "config/glob.h"
#include "gateway/json_cursor.h"

namespace strata::gateway {
namespace {

bool is_pattern(std::string_view model) {
  return model.find_first_of("*?") != std::string_view::npos;
}

uint32_t version_of(const config::PriceRule& rule) {
  const std::string text =
      fmt::format("{} {} {} {} {} {} {} {}", rule.model, rule.valid_from_ms, rule.valid_until_ms,
                  rule.input, rule.output, rule.cached_input, rule.cache_write, rule.reasoning);
  return std::max(1u, crc32c(text));
}

bool glob_matches(std::string_view pattern, std::string_view name) {
  // A model's name may have slashes, which file patterns stop at.
  std::string flat_pattern(pattern);
  std::string flat_name(name);
  std::ranges::replace(flat_pattern, '/', '\x01');
  std::ranges::replace(flat_name, '/', '\x01');
  return config::glob_match(flat_pattern, flat_name);
}

/// A price of LiteLLM, dollars per token.
struct LitellmPrice {
  std::string_view key;
  std::string_view ours;
};
constexpr LitellmPrice kLitellm[] = {
    {"input_cost_per_token", "input"},
    {"output_cost_per_token", "output"},
    {"cache_read_input_token_cost", "cached_input"},
    {"cache_creation_input_token_cost", "cache_write"},
    {"output_cost_per_reasoning_token", "reasoning"},
};

/// The line of a model, or "" when it has no price of input tokens.
std::string litellm_line(std::string_view name, JsonCursor& json) {
  constexpr double kMillion = 1e6;
  std::string line = "  - {model: ";
  append_json_string(line, name);
  bool priced = false;
  while (const auto key = json.next_member()) {
    const auto value = parse_double(json.skip_value());
    const auto* const price = std::ranges::find(kLitellm, *key, &LitellmPrice::key);
    if (price == std::end(kLitellm) || !value || !(*value >= 0)) continue;
    priced = priced || price->ours == "input";
    // Twelve digits: 1.1e-06 * 1e6 is not 1.1 in binary.
    line += fmt::format(", {}: {}", price->ours,
                        format_double(*parse_double(fmt::format("{:.12g}", *value * kMillion))));
  }
  return priced ? line + "}\n" : "";
}

}  // namespace

PriceTable::PriceTable(std::vector<config::PriceRule> rules) : rules_(std::move(rules)) {
  for (size_t i = 0; i < rules_.size(); ++i) {
    if (is_pattern(rules_[i].model)) {
      patterns_.push_back(i);
    } else {
      by_name_[rules_[i].model].push_back(i);
    }
  }
}

Result<std::shared_ptr<const PriceTable>> PriceTable::load(const std::vector<std::string>& files,
                                                           Fs& fs) {
  std::vector<config::PriceRule> rules;
  for (const std::string& file : files) {
    const std::string text = TRY(fs.read_file(file));
    auto more = TRY(config::parse_prices(text, file));
    std::ranges::move(more, std::back_inserter(rules));
  }
  return std::make_shared<const PriceTable>(std::move(rules));
}

const config::PriceRule* PriceTable::find(std::string_view model, TimestampMs at_ms) const {
  const auto holds = [&](size_t i) {
    return rules_[i].valid_from_ms <= at_ms && at_ms < rules_[i].valid_until_ms;
  };
  if (const auto named = by_name_.find(model); named != by_name_.end()) {
    for (const size_t i : named->second | std::views::reverse) {
      if (holds(i)) return &rules_[i];
    }
  }
  for (const size_t i : patterns_ | std::views::reverse) {
    if (holds(i) && glob_matches(rules_[i].model, model)) return &rules_[i];
  }
  return nullptr;
}

std::optional<Cost> PriceTable::cost(std::string_view model, TimestampMs at_ms,
                                     const Usage& usage) const {
  const config::PriceRule* const rule = find(model, at_ms);
  if (rule == nullptr) return std::nullopt;
  __extension__ using Wide = __int128;  // tokens times nano-dollars a million
  constexpr Wide kMillion = 1'000'000;
  const auto times = [](uint64_t tokens, config::NanoUsd price) {
    return static_cast<Wide>(tokens) * static_cast<Wide>(price);
  };
  const uint64_t reasoning = std::min(usage.reasoning, usage.output);
  const Wide sum = times(usage.input, rule->input) + times(usage.cached, rule->cached_input) +
                   times(usage.cache_write, rule->cache_write) +
                   times(usage.output - reasoning, rule->output) +
                   times(reasoning, rule->reasoning);
  const Wide nano = (sum + kMillion / 2) / kMillion;
  return Cost{static_cast<int64_t>(std::min<Wide>(nano, INT64_MAX)), version_of(*rule)};
}

Result<std::string> prices_from_litellm(std::string_view text, size_t& skipped) {
  JsonCursor json(text);
  if (!json.enter_object()) return bad_data("not LiteLLM's prices: no JSON object");
  std::string out = "# Dollars per million tokens, imported from LiteLLM's price list.\nmodels:\n";
  while (const auto key = json.next_member()) {
    const auto name = json_string(std::string("\"").append(*key).append("\""));
    if (!json.enter_object()) {
      json.skip_value();
      continue;
    }
    const std::string line = litellm_line(name.value_or(""), json);
    if (line.empty() || *key == "sample_spec") {
      ++skipped;
    } else {
      out += line;
    }
  }
  if (json.failed()) return bad_data("not LiteLLM's prices: broken JSON");
  return out;
}

}  // namespace strata::gateway
