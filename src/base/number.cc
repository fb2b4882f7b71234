#include "base/number.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <system_error>

namespace strata {
namespace {

bool append_special(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
    return true;
  }
  if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
    return true;
  }
  return false;
}

// Integers below 2^53 are most of what is printed, and five times faster this way.
bool append_small_integer(std::string& out, double value) {
  constexpr double kLimit = 1e15;
  if (!(value > -kLimit && value < kLimit) || value != std::trunc(value)) return false;
  if (value == 0 && std::signbit(value)) return false;
  char text[24];
  const auto end = std::to_chars(text, text + sizeof text, static_cast<int64_t>(value)).ptr;
  out.append(text, end);
  return true;
}

// From here on a double's digits end before its decimal point. Go fills up with zeros; to_chars
// would print the digits that the double happens to have.
constexpr double kFirstPadded = 9007199254740992;  // 2^53

char* write_fixed(char* out, char* end, double value) {
  if (std::fabs(value) < kFirstPadded) {
    return std::to_chars(out, end, value, std::chars_format::fixed).ptr;
  }
  char text[32];  // [-]d[.ddd]e+dd
  const char* const text_end =
      std::to_chars(text, text + sizeof text, value, std::chars_format::scientific).ptr;
  const char* p = text;
  if (*p == '-') *out++ = *p++;
  const char* const e = std::find(p, text_end, 'e');
  int exponent = 0;
  std::from_chars(e + 2, text_end, exponent);
  char* const last = out + exponent + 1;
  for (; p != e; ++p) {
    if (*p != '.') *out++ = *p;
  }
  std::fill(out, last, '0');
  return last;
}

bool equals_ignoring_case(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if ((text[i] | 0x20) != lower[i]) return false;
  }
  return true;
}

template <class T>
std::optional<T> parse_integer(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

void append_double(std::string& out, double value) {
  if (append_special(out, value) || append_small_integer(out, value)) return;
  char text[400];  // 1.8e308 has 309 digits, 5e-324 has 326
  out.append(text, write_fixed(text, text + sizeof text, value));
}

std::string format_double(double value) {
  std::string out;
  append_double(out, value);
  return out;
}

void append_double_g(std::string& out, double value) {
  if (append_special(out, value) || append_small_integer(out, value)) return;
  char text[400];
  const double magnitude = std::fabs(value);
  const bool exponent = value != 0 && (magnitude < 1e-4 || magnitude >= 1e21);
  char* const end = text + sizeof text;
  out.append(text, exponent ? std::to_chars(text, end, value, std::chars_format::scientific).ptr
                            : write_fixed(text, end, value));
}

std::optional<double> parse_double(std::string_view text) {
  std::string_view digits = text;
  const bool negative = !digits.empty() && digits[0] == '-';
  if (!digits.empty() && (digits[0] == '-' || digits[0] == '+')) digits.remove_prefix(1);
  if (digits.empty() || digits[0] == '-' || digits[0] == '+') return std::nullopt;

  const auto with_sign = [&](double magnitude) { return negative ? -magnitude : magnitude; };
  if (equals_ignoring_case(digits, "inf") || equals_ignoring_case(digits, "infinity")) {
    return with_sign(std::numeric_limits<double>::infinity());
  }
  if (equals_ignoring_case(digits, "nan")) return std::numeric_limits<double>::quiet_NaN();
  if ((digits[0] < '0' || digits[0] > '9') && digits[0] != '.') return std::nullopt;

  auto format = std::chars_format::general;
  if (digits.size() > 2 && digits[0] == '0' && (digits[1] | 0x20) == 'x') {
    // Go wants the binary exponent; without it the text is not a float.
    if (digits.find_first_of("pP") == std::string_view::npos) return std::nullopt;
    digits.remove_prefix(2);
    format = std::chars_format::hex;
  }
  double value = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, format);
  if (end != digits.data() + digits.size() || error == std::errc::invalid_argument) {
    return std::nullopt;
  }
  if (error == std::errc::result_out_of_range) {
    // from_chars leaves the value alone; strtod says which way it went (overflow or underflow).
    const std::string copy((format == std::chars_format::hex ? "0x" : "") + std::string(digits));
    value = std::strtod(copy.c_str(), nullptr);
  }
  return with_sign(value);
}

std::optional<int64_t> parse_int(std::string_view text) { return parse_integer<int64_t>(text); }
std::optional<uint64_t> parse_uint(std::string_view text) { return parse_integer<uint64_t>(text); }

}  // namespace strata
