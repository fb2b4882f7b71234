#include "discover/letter_case.h"

#include <clocale>
#include <cstdint>
#include <cwctype>

#include "base/utf8.h"

namespace strata::discover {
namespace {

/// glibc's own table, independent of the process' locale. Null where C.UTF-8 is not installed: then
/// only ASCII changes.
locale_t unicode_locale() {
  static const locale_t locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  return locale;
}

/// REQUIRES: `sequence` is one valid UTF-8 sequence.
uint32_t decode(std::string_view sequence) {
  const auto byte = [&](size_t i) {
    return static_cast<uint32_t>(static_cast<uint8_t>(sequence[i]));
  };
  if (sequence.size() == 1) return byte(0);
  uint32_t code = byte(0) & (0xffU >> (sequence.size() + 1));
  for (size_t i = 1; i < sequence.size(); ++i) code = (code << 6) | (byte(i) & 0x3f);
  return code;
}

void append_utf8(std::string& out, uint32_t code) {
  const auto put = [&](uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | (code >> 6)), put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | (code >> 12)), put(0x80 | ((code >> 6) & 0x3f)), put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | (code >> 18)), put(0x80 | ((code >> 12) & 0x3f));
    put(0x80 | ((code >> 6) & 0x3f)), put(0x80 | (code & 0x3f));
  }
}

template <class Map>
std::string mapped(std::string_view text, Map map) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const size_t length = utf8_sequence_length(text);
    append_utf8(out, length == 0 ? 0xfffd : map(decode(text.substr(0, length))));
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

}  // namespace

std::string to_upper(std::string_view text) {
  return mapped(text, [](uint32_t code) {
    if (code >= 'a' && code <= 'z') return code - 0x20;
    const locale_t locale = code < 0x80 ? nullptr : unicode_locale();
    return locale == nullptr ? code : static_cast<uint32_t>(towupper_l(code, locale));
  });
}

std::string to_lower(std::string_view text) {
  return mapped(text, [](uint32_t code) {
    if (code >= 'A' && code <= 'Z') return code + 0x20;
    const locale_t locale = code < 0x80 ? nullptr : unicode_locale();
    return locale == nullptr ? code : static_cast<uint32_t>(towlower_l(code, locale));
  });
}

}  // namespace strata::discover
