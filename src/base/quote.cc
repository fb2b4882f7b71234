#include "base/quote.h"

#include <cstdint>

#include "base/utf8.h"

namespace strata {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

void append_utf8(std::string& out, uint32_t rune) {
  if (rune < 0x80) {
    out += static_cast<char>(rune);
  } else if (rune < 0x800) {
    out += static_cast<char>(0xc0 | (rune >> 6));
    out += static_cast<char>(0x80 | (rune & 0x3f));
  } else if (rune < 0x10000) {
    out += static_cast<char>(0xe0 | (rune >> 12));
    out += static_cast<char>(0x80 | ((rune >> 6) & 0x3f));
    out += static_cast<char>(0x80 | (rune & 0x3f));
  } else {
    out += static_cast<char>(0xf0 | (rune >> 18));
    out += static_cast<char>(0x80 | ((rune >> 12) & 0x3f));
    out += static_cast<char>(0x80 | ((rune >> 6) & 0x3f));
    out += static_cast<char>(0x80 | (rune & 0x3f));
  }
}

constexpr std::string_view kEscapes = "abfnrtv\\'\"";
constexpr std::string_view kEscaped = "\a\b\f\n\r\t\v\\'\"";

// Reads `digits` digits of `base` at text[at]; -1 when they are not there.
int64_t read_digits(std::string_view text, size_t at, size_t digits, int base) {
  if (at + digits > text.size()) return -1;
  int64_t value = 0;
  for (size_t i = at; i < at + digits; ++i) {
    const int digit = hex_digit(text[i]);
    if (digit < 0 || digit >= base) return -1;
    value = value * base + digit;
  }
  return value;
}

// One escape sequence; `at` stands behind the backslash and is moved past it.
bool unescape(std::string_view text, size_t& at, std::string& out) {
  const char c = text[at];
  if (const size_t simple = kEscapes.find(c); simple != std::string_view::npos) {
    out += kEscaped[simple];
    ++at;
    return true;
  }
  int64_t value = 0;
  size_t digits = 0;
  if (c >= '0' && c <= '7') {
    value = read_digits(text, at, 3, 8);
    digits = 3;
    if (value < 0 || value > 255) return false;
    out += static_cast<char>(value);
    at += digits;
    return true;
  }
  if (c == 'x') digits = 2;
  if (c == 'u') digits = 4;
  if (c == 'U') digits = 8;
  if (digits == 0) return false;
  value = read_digits(text, at + 1, digits, 16);
  if (value < 0) return false;
  at += 1 + digits;
  if (c == 'x') {
    out += static_cast<char>(value);
    return true;
  }
  if (value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) return false;
  append_utf8(out, static_cast<uint32_t>(value));
  return true;
}

}  // namespace

void append_quoted(std::string& out, std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  for (size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte >= 0x80) {
      const size_t length = utf8_sequence_length(text.substr(i));
      if (length == 0) {
        out += "\\x";
        out += kHex[byte >> 4];
        out += kHex[byte & 15];
        ++i;
      } else {
        out.append(text.substr(i, length));
        i += length;
      }
      continue;
    }
    const size_t simple = kEscaped.find(text[i]);
    if (simple != std::string_view::npos && text[i] != '\'') {
      out += '\\';
      out += kEscapes[simple];
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\x";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += text[i];
    }
    ++i;
  }
  out += '"';
}

std::string quoted(std::string_view text) {
  std::string out;
  append_quoted(out, text);
  return out;
}

Result<std::string> unquote(std::string_view literal) {
  if (literal.size() < 2 || literal.front() != literal.back()) return bad_data("invalid syntax");
  const char quote = literal.front();
  const std::string_view body = literal.substr(1, literal.size() - 2);
  if (quote == '`') {
    if (body.find('`') != std::string_view::npos) return bad_data("invalid syntax");
    return std::string(body);
  }
  if (quote != '"' && quote != '\'') return bad_data("invalid syntax");
  std::string out;
  for (size_t i = 0; i < body.size();) {
    if (body[i] == quote || body[i] == '\n') return bad_data("invalid syntax");
    if (body[i] != '\\') {
      out += body[i++];
      continue;
    }
    if (++i == body.size() || !unescape(body, i, out)) return bad_data("invalid syntax");
  }
  return out;
}

}  // namespace strata
