#include "config/price_config.h"

#include <chrono>
#include <cmath>
#include <cstdio>

#include "config/fields.h"
#include "config/validate.h"

namespace strata::config {
namespace {

constexpr double kNanoPerDollar = 1e9;
constexpr double kMostDollars = 1e6;  // a million tokens for a million dollars: a slip of the keys

/// A rule as the file has it.
struct PriceEntry {
  PriceRule rule;
  std::string from;
  std::string until;
  std::optional<double> input, output, cached_input, cache_write, reasoning;
};

struct PriceFile {
  std::vector<PriceEntry> models;
};

template <class V>
void fields(V& v, PriceEntry& c) {
  v.field("model", c.rule.model);
  v.field("from", c.from);
  v.field("until", c.until);
  v.field("input", c.input);
  v.field("output", c.output);
  v.field("cached_input", c.cached_input);
  v.field("cache_write", c.cache_write);
  v.field("reasoning", c.reasoning);
}

template <class V>
void fields(V& v, PriceFile& c) {
  v.field("models", c.models);
}

/// Midnight UTC of "2026-11-01".
std::optional<int64_t> day_ms(const std::string& text) {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  char rest = 0;
  if (std::sscanf(text.c_str(), "%4d-%2u-%2u%c", &year, &month, &day, &rest) != 3) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  if (!date.ok()) return std::nullopt;
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::sys_days(date).time_since_epoch())
      .count();
}

void check(Decoder& d, const YamlNode& node, PriceEntry& c) {
  if (c.rule.model.empty()) return d.fail(node.mark, "model is missing");
  if (!c.input) return d.fail(node.mark, "input is missing: dollars per million tokens");
  const auto money = [&](const char* key, std::optional<double> given, NanoUsd otherwise) {
    if (!given) return otherwise;
    if (!(*given >= 0) || *given > kMostDollars) {
      d.fail(mark_of(node, key), fmt::format("{}: dollars per million tokens, 0 or more", key));
      return NanoUsd{0};
    }
    return static_cast<NanoUsd>(std::llround(*given * kNanoPerDollar));
  };
  const auto date = [&](const char* key, const std::string& text, int64_t otherwise) {
    if (text.empty()) return otherwise;
    const auto ms = day_ms(text);
    if (!ms) d.fail(mark_of(node, key), fmt::format("{}: a day such as 2026-11-01", key));
    return ms.value_or(otherwise);
  };
  PriceRule& rule = c.rule;
  rule.input = money("input", c.input, 0);
  rule.output = money("output", c.output, 0);
  rule.cached_input = money("cached_input", c.cached_input, rule.input);
  rule.cache_write = money("cache_write", c.cache_write, rule.input);
  rule.reasoning = money("reasoning", c.reasoning, rule.output);
  rule.valid_from_ms = date("from", c.from, rule.valid_from_ms);
  rule.valid_until_ms = date("until", c.until, rule.valid_until_ms);
  if (rule.valid_until_ms <= rule.valid_from_ms) d.fail(node.mark, "until is not after from");
}

}  // namespace

Result<std::vector<PriceRule>> parse_prices(std::string_view text, std::string_view file_name) {
  YamlLimits limits;
  const YamlNode root = TRY(parse_yaml(text, file_name, limits));
  std::vector<PriceRule> out;
  if (is_null(root)) return out;
  Decoder d{std::string(file_name)};
  PriceFile file;
  decode(d, "", root, file);
  TRY(d.result());
  for (PriceEntry& entry : file.models) out.push_back(std::move(entry.rule));
  return out;
}

}  // namespace strata::config
