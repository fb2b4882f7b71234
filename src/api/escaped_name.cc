#include "api/escaped_name.h"

#include <charconv>
#include <optional>

#include "base/utf8.h"

namespace strata::api {
namespace {

constexpr size_t kMaxDigits = 6;  // of U+10FFFF

// Empty for what is no code point.
std::string utf8_of(uint32_t code) {
  const auto byte = [](uint32_t bits) { return static_cast<char>(bits); };
  std::string out;
  if (code < 0x80) {
    out = {byte(code)};
  } else if (code < 0x800) {
    out = {byte(0xc0 | code >> 6), byte(0x80 | (code & 0x3f))};
  } else if (code < 0x10000) {
    out = {byte(0xe0 | code >> 12), byte(0x80 | (code >> 6 & 0x3f)), byte(0x80 | (code & 0x3f))};
  } else {
    out = {byte(0xf0 | code >> 18), byte(0x80 | (code >> 12 & 0x3f)),
           byte(0x80 | (code >> 6 & 0x3f)), byte(0x80 | (code & 0x3f))};
  }
  return is_utf8(out) ? out : "";
}

}  // namespace

std::string unescape_name(std::string_view name) {
  constexpr std::string_view kPrefix = "U__";
  const std::string as_it_is(name);
  if (!name.starts_with(kPrefix)) return as_it_is;
  name.remove_prefix(kPrefix.size());
  std::string out;
  while (!name.empty()) {
    const size_t plain = std::min(name.find('_'), name.size());
    out += name.substr(0, plain);
    name.remove_prefix(plain);
    if (name.empty()) break;
    const size_t end = name.find('_', 1);
    if (end == std::string_view::npos) return as_it_is;
    const auto digits = name.substr(1, end - 1);
    name.remove_prefix(end + 1);
    if (digits.empty()) {
      out += '_';
      continue;
    }
    uint32_t code = 0;
    const auto [stop, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
    if (digits.size() > kMaxDigits || error != std::errc{} || stop != digits.end()) return as_it_is;
    const auto bytes = utf8_of(code);
    if (bytes.empty()) return as_it_is;
    out += bytes;
  }
  return out;
}

}  // namespace strata::api
