#include "gateway/json_cursor.h"

#include <charconv>

#include "base/number.h"
#include "gateway/json_bytes.h"

namespace strata::gateway {
namespace {

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

void append_utf8(std::string& out, uint32_t code) {
  const auto put = [&](uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) return put(code);
  if (code < 0x800) {
    put(0xC0 | (code >> 6));
  } else if (code < 0x10000) {
    put(0xE0 | (code >> 12));
    put(0x80 | ((code >> 6) & 0x3F));
  } else {
    put(0xF0 | (code >> 18));
    put(0x80 | ((code >> 12) & 0x3F));
    put(0x80 | ((code >> 6) & 0x3F));
  }
  put(0x80 | (code & 0x3F));
}

std::optional<uint32_t> hex4(std::string_view text) {
  if (text.size() < 4) return std::nullopt;
  uint32_t code = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + 4, code, 16);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + 4) return std::nullopt;
  return code;
}

/// Appends what the escape at the start of `rest` (after its backslash) means; how long it was, or
/// 0 when it is none.
size_t append_escape(std::string& out, std::string_view rest) {
  static constexpr std::string_view kNames = "\"\\/bfnrt";
  static constexpr std::string_view kBytes = "\"\\/\b\f\n\r\t";
  if (rest.empty()) return 0;
  if (const size_t i = kNames.find(rest[0]); i != std::string_view::npos) {
    out += kBytes[i];
    return 1;
  }
  if (rest[0] != 'u') return 0;
  const auto first = hex4(rest.substr(1));
  if (!first) return 0;
  if (*first < 0xD800 || *first > 0xDFFF) return append_utf8(out, *first), 5;
  if (*first < 0xDC00 && rest.substr(5).starts_with("\\u")) {
    const auto second = hex4(rest.substr(7));
    if (second && *second >= 0xDC00 && *second <= 0xDFFF) {
      append_utf8(out, 0x10000 + ((*first - 0xD800) << 10) + (*second - 0xDC00));
      return 11;
    }
  }
  return append_utf8(out, 0xFFFD), 5;
}

}  // namespace

void JsonCursor::skip_space() {
  while (at_ != end_ && is_space(*at_)) ++at_;
}

char JsonCursor::peek() {
  skip_space();
  return at_ == end_ || failed_ ? '\0' : *at_;
}

bool JsonCursor::enter(char opening) {
  if (peek() != opening) return false;
  ++at_;
  first_ = true;
  return true;
}

std::optional<std::string_view> JsonCursor::next_member() {
  char next = peek();
  if (next == '}') {
    ++at_;
    first_ = false;
    return std::nullopt;
  }
  if (!std::exchange(first_, false)) {
    if (next != ',') return fail();
    ++at_;
    next = peek();
  }
  if (next != '"') return fail();
  const char* begin = at_ + 1;
  if (!skip_string()) return fail();
  const std::string_view key(begin, static_cast<size_t>(at_ - begin) - 1);
  if (peek() != ':') return fail();
  ++at_;
  return key;
}

bool JsonCursor::next_item() {
  const char next = peek();
  if (next == ']') {
    ++at_;
    first_ = false;
    return false;
  }
  if (std::exchange(first_, false)) return next != '\0';
  if (next != ',') return failed_ = true, false;
  ++at_;
  return true;
}

std::string_view JsonCursor::skip_value() {
  const char first = peek();
  const char* begin = at_;
  bool whole = true;
  if (first == '"') {
    whole = skip_string();
  } else if (first == '{' || first == '[') {
    whole = skip_container();
  } else {
    while (at_ != end_ && *at_ != ',' && *at_ != '}' && *at_ != ']' && !is_space(*at_)) ++at_;
    whole = at_ != begin;
  }
  first_ = false;
  if (!whole) {
    failed_ = true;
    return {};
  }
  return {begin, static_cast<size_t>(at_ - begin)};
}

bool JsonCursor::skip_string() {
  ++at_;
  while (true) {
    at_ = find_string_special(at_, end_);
    if (at_ == end_) return false;
    if (*at_++ == '"') return true;
    if (at_ == end_) return false;
    ++at_;  // what was escaped
  }
}

bool JsonCursor::skip_container() {
  size_t depth = 0;
  while (true) {
    at_ = find_structure(at_, end_);
    if (at_ == end_) return false;
    if (*at_ == '"') {
      if (!skip_string()) return false;
      continue;
    }
    const bool opens = *at_ == '{' || *at_ == '[';
    ++at_;
    if (opens) {
      ++depth;
    } else if (--depth == 0) {
      return true;
    }
  }
}

std::optional<uint64_t> json_uint(std::string_view raw) {
  const size_t dot = raw.find('.');
  if (dot != std::string_view::npos) {
    if (raw.find_first_not_of('0', dot + 1) != std::string_view::npos) return std::nullopt;
    raw = raw.substr(0, dot);
  }
  return parse_uint(raw);
}

std::optional<bool> json_bool(std::string_view raw) {
  if (raw == "true") return true;
  if (raw == "false") return false;
  return std::nullopt;
}

std::optional<std::string> json_string(std::string_view raw) {
  if (raw.size() < 2 || raw.front() != '"' || raw.back() != '"') return std::nullopt;
  raw = raw.substr(1, raw.size() - 2);
  std::string out;
  while (true) {
    const size_t slash = raw.find('\\');
    out.append(raw.substr(0, slash));
    if (slash == std::string_view::npos) return out;
    raw.remove_prefix(slash + 1);
    const size_t used = append_escape(out, raw);
    if (used == 0) return std::nullopt;
    raw.remove_prefix(used);
  }
}

}  // namespace strata::gateway
