#include "model/duration.h"

#include <algorithm>
#include <limits>

namespace strata {
namespace {

struct Unit {
  std::string_view name;
  int64_t millis;
  bool exact;  // formatting uses the unit only when it divides the rest, as Prometheus does
};
constexpr Unit kUnits[] = {
    {"y", 365LL * 24 * 3600 * 1000, true},
    {"w", 7LL * 24 * 3600 * 1000, true},
    {"d", 24LL * 3600 * 1000, true},
    {"h", 3600LL * 1000, false},
    {"m", 60LL * 1000, false},
    {"s", 1000, false},
    {"ms", 1, false},
};

std::unexpected<Error> not_a_duration(std::string_view text) {
  return bad_data(fmt::format("not a valid duration string: \"{}\"", text));
}

}  // namespace

Result<Millis> parse_duration(std::string_view text) {
  if (text == "0") return Millis(0);
  if (text.empty()) return bad_data("empty duration string");
  int64_t total = 0;
  size_t next_unit = 0;
  std::string_view rest = text;
  while (!rest.empty()) {
    int64_t count = 0;
    size_t digits = 0;
    while (digits < rest.size() && rest[digits] >= '0' && rest[digits] <= '9') {
      if (__builtin_mul_overflow(count, 10, &count) ||
          __builtin_add_overflow(count, rest[digits] - '0', &count)) {
        return bad_data("duration out of range");
      }
      ++digits;
    }
    if (digits == 0) return not_a_duration(text);
    rest.remove_prefix(digits);
    size_t letters = 0;
    while (letters < rest.size() && rest[letters] >= 'a' && rest[letters] <= 'z') ++letters;
    const std::string_view name = rest.substr(0, letters);
    rest.remove_prefix(letters);
    while (next_unit < std::size(kUnits) && kUnits[next_unit].name != name) ++next_unit;
    if (next_unit == std::size(kUnits)) {
      const bool known = std::ranges::find(kUnits, name, &Unit::name) != std::end(kUnits);
      if (name.empty() || known) return not_a_duration(text);
      return bad_data(fmt::format("unknown unit \"{}\" in duration \"{}\"", name, text));
    }
    int64_t part = 0;
    // Go counts nanoseconds in 64 bits: 292 years.
    if (__builtin_mul_overflow(count, kUnits[next_unit].millis, &part) ||
        __builtin_add_overflow(total, part, &total) ||
        total > std::numeric_limits<int64_t>::max() / 1'000'000) {
      return bad_data("duration out of range");
    }
    ++next_unit;
  }
  return Millis(total);
}

std::string format_duration(Millis duration) {
  int64_t rest = duration.count();
  if (rest == 0) return "0s";
  std::string out;
  for (const auto& unit : kUnits) {
    if (unit.exact && rest % unit.millis != 0) continue;
    if (const int64_t n = rest / unit.millis; n > 0) {
      out += std::to_string(n);
      out.append(unit.name);
      rest -= n * unit.millis;
    }
  }
  return out;
}

}  // namespace strata
