// From the texts of flags to values, for the server's and the agent's. Private to app/.
#pragma once
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "app/flags.h"
#include "base/number.h"
#include "model/duration.h"

namespace strata::app {

// Reads typed values out of texts; the first that is wrong is remembered.
class FlagReader {
 public:
  explicit FlagReader(const FlagValues& values) : values_(values) {}

  const std::string& text(std::string_view name) const { return values_.find(name)->second; }
  bool on(std::string_view name) {
    const auto& value = text(name);
    if (value != "true" && value != "false") wrong(name, "true or false");
    return value == "true";
  }
  Millis duration(std::string_view name) {
    auto value = parse_duration(text(name));
    if (!value) wrong(name, "a duration such as 15s, 1h30m or 15d");
    return value.value_or(Millis(0));
  }
  Millis positive_duration(std::string_view name) {
    const auto value = parse_duration(text(name));
    if (!value || *value <= Millis(0)) wrong(name, "a duration such as 3s");
    return value.value_or(Millis(1));
  }
  size_t number(std::string_view name) {
    const auto value = parse_uint(text(name));
    if (!value) wrong(name, "a number of at least 0");
    return value.value_or(0);
  }
  size_t at_least_one(std::string_view name) {
    const size_t value = number(name);
    if (value == 0) wrong(name, "a number of at least 1");
    return value;
  }
  uint64_t bytes(std::string_view name) {
    const auto& value = text(name);
    static constexpr std::pair<std::string_view, int> kUnits[] = {
        {"KB", 10}, {"MB", 20}, {"GB", 30}, {"TB", 40}, {"PB", 50}, {"EB", 60}, {"B", 0}};
    std::string_view digits = value;
    int shift = 0;
    for (const auto& [unit, bits] : kUnits) {
      if (!digits.ends_with(unit)) continue;
      digits.remove_suffix(unit.size());
      shift = bits;
      break;
    }
    const auto count = parse_uint(digits);
    if (!count || (shift > 0 && *count >> (63 - shift) != 0)) {
      wrong(name, "a size such as 512MB or 100GB");
      return 0;
    }
    return *count << shift;
  }
  std::optional<uint64_t> bytes_or_auto(std::string_view name) {
    if (text(name) == "auto") return std::nullopt;
    return bytes(name);
  }
  template <class T>
  T choice(std::string_view name, std::initializer_list<std::pair<std::string_view, T>> choices) {
    std::string words;
    for (const auto& [word, value] : choices) {
      if (word == text(name)) return value;
      words += (words.empty() ? "" : ", ") + std::string(word);
    }
    wrong(name, "one of " + words);
    return choices.begin()->second;
  }
  const std::optional<Error>& error() const { return error_; }

 private:
  void wrong(std::string_view name, std::string_view wanted) {
    if (error_) return;
    error_ = Error{ErrorCode::kBadData, fmt::format("--{}={}: not {}", name, text(name), wanted)};
  }
  const FlagValues& values_;
  std::optional<Error> error_;
};

}  // namespace strata::app
