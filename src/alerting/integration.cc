#include "alerting/integration.h"

#include <array>

#include "base/number.h"
#include "config/secret.h"

namespace strata::alerting {

bool Settings::has(std::string_view key) const {
  const auto* value = node(key);
  if (value == nullptr || config::is_null(*value)) return false;
  return value->kind != config::YamlNode::Kind::kScalar || !value->text.empty();
}

const std::string& Settings::text(std::string_view key) const {
  static const std::string kNone;
  const auto* value = node(key);
  return value == nullptr || config::is_null(*value) ? kNone : value->text;
}

bool Settings::flag(std::string_view key) const {
  const auto* value = node(key);
  return value != nullptr && config::as_bool(*value).value_or(false);
}

int64_t Settings::integer(std::string_view key) const {
  const auto* value = node(key);
  return value == nullptr ? 0 : config::as_int(*value).value_or(0);
}

Millis Settings::duration(std::string_view key) const {
  const auto& value = text(key);
  if (const auto go = parse_go_duration(value)) return *go;
  return parse_duration(value).value_or(Millis(0));
}

const config::YamlNode* Settings::node(std::string_view key) const {
  const auto at = values_.find(key);
  return at == values_.end() ? nullptr : &at->second;
}

void Settings::set(std::string_view key, config::YamlNode value) {
  values_.insert_or_assign(std::string(key), std::move(value));
}

void Settings::set_text(std::string_view key, std::string value) {
  config::YamlNode node;
  node.text = std::move(value);
  set(key, std::move(node));
}

std::optional<Millis> parse_go_duration(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, double>, 8> kUnits = {{{"ns", 1e-6},
                                                                                 {"us", 1e-3},
                                                                                 {"µs", 1e-3},
                                                                                 {"μs", 1e-3},
                                                                                 {"ms", 1},
                                                                                 {"s", 1e3},
                                                                                 {"m", 60e3},
                                                                                 {"h", 3600e3}}};
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (const auto nanoseconds = parse_uint(text)) {
    return Millis(static_cast<int64_t>(*nanoseconds / 1'000'000) * (negative ? -1 : 1));
  }
  if (text.empty()) return std::nullopt;
  double total = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find_first_not_of("0123456789."), text.size());
    const auto value = parse_double(text.substr(0, end));
    if (!value) return std::nullopt;
    text.remove_prefix(end);
    double unit = 0;
    size_t length = 0;
    for (const auto& [name, millis] : kUnits) {
      if (!text.starts_with(name) || name.size() <= length) continue;
      unit = millis;
      length = name.size();
    }
    if (length == 0) return std::nullopt;
    text.remove_prefix(length);
    total += *value * unit;
  }
  if (total > 9e15) return std::nullopt;
  return Millis(static_cast<int64_t>(negative ? -total : total));
}

}  // namespace strata::alerting
