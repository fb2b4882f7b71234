#include "discover/json_reader.h"

#include "base/number.h"
#include "base/utf8.h"

namespace strata::discover {
namespace {

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

void append_utf8(std::string& out, uint32_t code) {
  const auto put = [&](uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6);
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3f));
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  }
}

}  // namespace

Result<> JsonReader::finish() {
  if (ok() && peek() != 0) fail("more after the end");
  if (ok() && at_ < text_.size()) fail("a NUL byte");
  if (ok()) return {};
  return bad_data(fmt::format("JSON, byte {}: {}", at_, what_));
}

void JsonReader::fail(const char* what) {
  if (what_ == nullptr) what_ = what;
}

char JsonReader::peek() {
  if (!ok()) return 0;
  while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  return at_ < text_.size() ? text_[at_] : '\0';
}

bool JsonReader::take(char c) {
  if (peek() != c || c == 0) return false;
  ++at_;
  return true;
}

bool JsonReader::take_word(std::string_view word) {
  if (peek() != word[0] || !text_.substr(at_).starts_with(word)) return false;
  at_ += word.size();
  return true;
}

bool JsonReader::null() { return take_word("null"); }

bool JsonReader::enter(char open) {
  if (!take(open)) {
    fail(open == '{' ? "expected an object" : "expected an array");
    return false;
  }
  if (++depth_ > kMaxDepth) fail("nested too deeply");
  return ok();
}

/// Whether there is another member or item; reads the comma before it, or the end.
bool JsonReader::next(char close, bool first) {
  if (!ok()) return false;
  if (take(close)) {
    --depth_;
    return false;
  }
  if (!first && !take(',')) fail("expected a comma or the end");
  return ok();
}

void JsonReader::string(std::string& out) {
  if (null()) return;
  if (!take('"')) return fail("expected a string");
  out.clear();
  while (true) {
    const size_t end = text_.find_first_of("\"\\", at_);
    if (end == std::string_view::npos) return fail("a string that does not end");
    const std::string_view piece = text_.substr(at_, end - at_);
    for (const char c : piece) {
      if (static_cast<unsigned char>(c) < ' ') return fail("a control character in a string");
    }
    out.append(piece);
    at_ = end + 1;
    if (text_[end] == '"') break;
    if (!escape(out)) return fail("an escape that is none");
  }
  if (!is_utf8(out)) fail("a string that is not UTF-8");
}

bool JsonReader::escape(std::string& out) {
  if (at_ >= text_.size()) return false;
  switch (text_[at_++]) {
    case '"': out.push_back('"'); return true;
    case '\\': out.push_back('\\'); return true;
    case '/': out.push_back('/'); return true;
    case 'b': out.push_back('\b'); return true;
    case 'f': out.push_back('\f'); return true;
    case 'n': out.push_back('\n'); return true;
    case 'r': out.push_back('\r'); return true;
    case 't': out.push_back('\t'); return true;
    case 'u': break;
    default: return false;
  }
  uint32_t code = 0;
  if (!hex4(code)) return false;
  constexpr uint32_t kReplacement = 0xfffd;  // for half a pair, as Go's decoder has it
  if (code >= 0xdc00 && code < 0xe000) code = kReplacement;
  if (code >= 0xd800 && code < 0xdc00) {
    const size_t before = at_;
    uint32_t low = 0;
    const bool has_low = text_.substr(at_).starts_with("\\u") && (at_ += 2, hex4(low)) &&
                         low >= 0xdc00 && low < 0xe000;
    if (!has_low) at_ = before;
    code = has_low ? 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00) : kReplacement;
  }
  append_utf8(out, code);
  return true;
}

bool JsonReader::hex4(uint32_t& out) {
  if (text_.size() - at_ < 4) return false;
  out = 0;
  for (int i = 0; i < 4; ++i) {
    const char c = text_[at_++];
    const char lower = static_cast<char>(c | 0x20);
    if (is_digit(c)) {
      out = out << 4 | static_cast<uint32_t>(c - '0');
    } else if (lower >= 'a' && lower <= 'f') {
      out = out << 4 | static_cast<uint32_t>(lower - 'a' + 10);
    } else {
      return false;
    }
  }
  return true;
}

void JsonReader::boolean(bool& out) {
  if (null()) return;
  if (take_word("true")) {
    out = true;
  } else if (take_word("false")) {
    out = false;
  } else {
    fail("expected true or false");
  }
}

void JsonReader::integer(int64_t& out) {
  if (null()) return;
  peek();
  const size_t start = at_;
  skip_number();
  if (!ok()) return;
  const auto value = parse_int(text_.substr(start, at_ - start));
  if (!value) return fail("expected a whole number");
  out = *value;
}

std::string_view JsonReader::skip() {
  const char first = peek();
  const size_t start = at_;
  if (first == '{') {
    object([&](std::string_view) { skip(); });
  } else if (first == '[') {
    array([&] { skip(); });
  } else if (first == '"') {
    skip_string();
  } else if (first == '-' || is_digit(first)) {
    skip_number();
  } else if (!take_word("null") && !take_word("true") && !take_word("false")) {
    fail("expected a value");
  }
  return ok() ? text_.substr(start, at_ - start) : std::string_view();
}

/// Its escapes are not looked into: nobody reads it.
void JsonReader::skip_string() {
  for (++at_; at_ < text_.size(); ++at_) {
    if (text_[at_] == '"') {
      ++at_;
      return;
    }
    if (text_[at_] == '\\') ++at_;
  }
  at_ = text_.size();
  fail("a string that does not end");
}

void JsonReader::skip_number() {
  const auto digits = [&] {
    const size_t start = at_;
    while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
    return at_ - start;
  };
  const auto one_of = [&](std::string_view set) {
    if (at_ >= text_.size() || !set.contains(text_[at_])) return false;
    ++at_;
    return true;
  };
  one_of("-");
  const bool leading_zero = at_ < text_.size() && text_[at_] == '0';
  const size_t whole = digits();
  if (whole == 0 || (leading_zero && whole > 1)) return fail("expected a number");
  if (one_of(".") && digits() == 0) return fail("a number without its fraction");
  if (one_of("eE")) {
    one_of("+-");
    if (digits() == 0) return fail("a number without its exponent");
  }
}

}  // namespace strata::discover
