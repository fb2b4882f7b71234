#include "wire/exposition_number.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/number.h"

namespace strata::wire {
namespace {

// Powers of ten that a double holds exactly.
constexpr std::array<double, 23> kPowersOfTen = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                 1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                                 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
constexpr uint64_t kMaxExactInteger = uint64_t{1} << 53;
constexpr int kMaxDigits = 19;  // that fit uint64_t whatever they are

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// An exponent, letter and all, small enough to matter to scan_short_decimal.
const char* scan_exponent(const char* p, const char* end, int* exponent) {
  ++p;
  const bool negative = p != end && *p == '-';
  if (p != end && (*p == '-' || *p == '+')) ++p;
  const char* digits = p;
  int value = 0;
  for (; p != end && is_digit(*p); ++p) {
    if (p - digits >= 4) return nullptr;
    value = value * 10 + (*p - '0');
  }
  if (p == digits) return nullptr;
  *exponent += negative ? -value : value;
  return p;
}

// A decimal, cut to the digits that can matter to a timestamp: 0.HEAD * 10^point, where HEAD is
// `kept` digits of which the first is not 0.
struct Decimal {
  bool negative = false;
  uint64_t head = 0;
  int kept = 0;
  int64_t point = 0;
};

std::optional<Decimal> parse_decimal(std::string_view word) {
  // Beyond this a timestamp is far out of range either way; the sum must not overflow.
  constexpr int64_t kExponentLimit = 1'000'000;
  Decimal decimal;
  size_t i = 0;
  if (i < word.size() && (word[i] == '-' || word[i] == '+')) decimal.negative = word[i++] == '-';
  bool any = false;
  bool fraction = false;
  for (; i < word.size() && (is_digit(word[i]) || (word[i] == '.' && !fraction)); ++i) {
    if (word[i] == '.') {
      fraction = true;
      continue;
    }
    any = true;
    const bool leading_zero = decimal.kept == 0 && word[i] == '0';
    if (!leading_zero && decimal.kept < kMaxDigits) {
      decimal.head = decimal.head * 10 + static_cast<uint64_t>(word[i] - '0');
      ++decimal.kept;
    }
    if (!fraction && !leading_zero) ++decimal.point;
    if (fraction && leading_zero) --decimal.point;
  }
  if (!any) return std::nullopt;
  if (i == word.size()) return decimal;
  if ((word[i] | 0x20) != 'e') return std::nullopt;
  ++i;
  if (i == word.size()) return std::nullopt;
  const bool negative = word[i] == '-';
  if (word[i] == '-' || word[i] == '+') ++i;
  if (i == word.size()) return std::nullopt;
  int64_t exponent = 0;
  for (; i < word.size(); ++i) {
    if (!is_digit(word[i])) return std::nullopt;
    exponent = std::min(exponent * 10 + (word[i] - '0'), kExponentLimit);
  }
  decimal.point += negative ? -exponent : exponent;
  return decimal;
}

}  // namespace

const char* scan_short_decimal(const char* p, const char* end, double* value) {
  const bool negative = p != end && *p == '-';
  if (negative) ++p;
  const char* first = p;
  uint64_t mantissa = 0;
  for (; p != end && is_digit(*p); ++p) mantissa = mantissa * 10 + static_cast<uint64_t>(*p - '0');
  auto digits = p - first;
  int exponent = 0;
  if (p != end && *p == '.') {
    const char* fraction = ++p;
    for (; p != end && is_digit(*p); ++p) {
      mantissa = mantissa * 10 + static_cast<uint64_t>(*p - '0');
    }
    digits += p - fraction;
    exponent = -static_cast<int>(std::min<ptrdiff_t>(p - fraction, kMaxDigits + 1));
  }
  // More digits may have overflowed the mantissa.
  if (digits == 0 || digits > kMaxDigits || mantissa > kMaxExactInteger) return nullptr;
  if (p != end && (*p | 0x20) == 'e') {
    p = scan_exponent(p, end, &exponent);
    if (p == nullptr) return nullptr;
  }
  if (exponent < -22 || exponent > 22) return nullptr;
  double magnitude = static_cast<double>(mantissa);
  if (exponent < 0) {
    magnitude /= kPowersOfTen[static_cast<size_t>(-exponent)];
  } else if (exponent > 0) {
    magnitude *= kPowersOfTen[static_cast<size_t>(exponent)];
  }
  *value = negative ? -magnitude : magnitude;
  return p;
}

std::optional<double> parse_value(std::string_view word) {
  if (word.find_first_of("pPxX") != std::string_view::npos) return std::nullopt;
  const auto value = parse_double(word);
  if (value && std::isnan(*value)) return std::bit_cast<double>(kNormalNanBits);
  return value;
}

std::optional<TimestampMs> parse_seconds(std::string_view word) {
  constexpr TimestampMs kMax = std::numeric_limits<TimestampMs>::max();
  constexpr TimestampMs kMin = std::numeric_limits<TimestampMs>::min();
  const auto decimal = parse_decimal(word);
  if (!decimal) return std::nullopt;
  const int64_t whole = decimal->point + 3;  // digits before the point, in milliseconds
  if (whole <= 0 || decimal->kept == 0) return 0;
  if (whole > kMaxDigits) return decimal->negative ? kMin : kMax;
  uint64_t magnitude = decimal->head;
  for (auto digits = whole; digits < decimal->kept; ++digits) magnitude /= 10;
  for (auto digits = whole; digits > decimal->kept; --digits) magnitude *= 10;
  if (magnitude > static_cast<uint64_t>(kMax)) return decimal->negative ? kMin : kMax;
  const auto value = static_cast<TimestampMs>(magnitude);
  return decimal->negative ? -value : value;
}

void append_go_float(std::string& out, double value) {
  const double magnitude = std::fabs(value);
  // The same text up to here, and base has a quick way for integers.
  if (!(magnitude >= 1e6) || std::isinf(value)) return append_double_g(out, value);
  char text[32];
  const auto end =
      std::to_chars(text, text + sizeof text, value, std::chars_format::scientific).ptr;
  out.append(text, end);
}

void append_open_metrics_float(std::string& out, double value) {
  const size_t start = out.size();
  append_go_float(out, value);
  if (std::isfinite(value) && out.find_first_of(".e", start) == std::string::npos) out += ".0";
}

}  // namespace strata::wire
