#include "alerting/matchers.h"

#include <algorithm>
#include <tuple>

#include "base/utf8.h"

namespace strata::alerting {
namespace {

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// What stands for itself only between quotes.
bool is_reserved(char c) { return is_space(c) || std::string_view("{}!=~,\\\"'`").contains(c); }

std::string_view text_of(Matcher::Op op) {
  switch (op) {
    case Matcher::Op::kEqual: return "=";
    case Matcher::Op::kNotEqual: return "!=";
    case Matcher::Op::kRegex: return "=~";
    case Matcher::Op::kNotRegex: return "!~";
  }
  return "";
}

std::optional<Matcher::Op> take_operator(std::string_view& text) {
  for (const auto op :
       {Matcher::Op::kRegex, Matcher::Op::kNotRegex, Matcher::Op::kNotEqual, Matcher::Op::kEqual}) {
    if (!text.starts_with(text_of(op))) continue;
    text.remove_prefix(text_of(op).size());
    return op;
  }
  return std::nullopt;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

void append_utf8(std::string& out, uint32_t c) {
  const auto add = [&](uint32_t byte) { out += static_cast<char>(byte); };
  if (c < 0x80) return add(c);
  if (c < 0x800) {
    add(0xc0 | c >> 6);
  } else if (c < 0x10000) {
    add(0xe0 | c >> 12);
    add(0x80 | (c >> 6 & 0x3f));
  } else {
    add(0xf0 | c >> 18);
    add(0x80 | (c >> 12 & 0x3f));
    add(0x80 | (c >> 6 & 0x3f));
  }
  add(0x80 | (c & 0x3f));
}

// One escape of Go's string literals, after its backslash; false when it is none.
bool take_escape(std::string_view& text, std::string& out) {
  if (text.empty()) return false;
  const char kind = text[0];
  text.remove_prefix(1);
  static constexpr std::string_view kNames = "abfnrtv\\\"";
  static constexpr std::string_view kMeant = "\a\b\f\n\r\t\v\\\"";
  if (const size_t at = kNames.find(kind); at != std::string_view::npos) {
    out += kMeant[at];
    return true;
  }
  const bool octal = kind >= '0' && kind <= '7';
  const size_t digits = kind == 'x' ? 2 : kind == 'u' ? 4 : kind == 'U' ? 8 : octal ? 2 : 0;
  if (digits == 0 || text.size() < digits) return false;
  uint32_t value = octal ? static_cast<uint32_t>(kind - '0') : 0;
  for (size_t i = 0; i < digits; ++i) {
    const int digit = hex_digit(text[i]);
    if (digit < 0 || (octal && digit > 7)) return false;
    value = value * (octal ? 8 : 16) + static_cast<uint32_t>(digit);
  }
  text.remove_prefix(digits);
  if (kind == 'x' || octal) {
    if (value > 0xff) return false;
    out += static_cast<char>(value);
    return true;
  }
  if (value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) return false;
  append_utf8(out, value);
  return true;
}

class Utf8Parser {
 public:
  explicit Utf8Parser(std::string_view text) : text_(text), rest_(text) {}

  Result<Matchers> parse() {
    Matchers out;
    skip_spaces();
    const bool braces = take('{');
    skip_spaces();
    while (!rest_.empty() && rest_[0] != '}') {
      out.push_back(TRY(matcher()));
      skip_spaces();
      if (!take(',')) break;
      skip_spaces();
    }
    const bool closed = take('}');
    if (braces && !closed) return wrong("expected a closing brace");
    if (closed && !braces) return wrong("expected an opening brace");
    skip_spaces();
    if (!rest_.empty()) return wrong("expected end of input");
    return out;
  }

 private:
  std::unexpected<Error> wrong(std::string_view what) const {
    return bad_data(fmt::format("{}: {}", text_.size() - rest_.size() + 1, what));
  }
  void skip_spaces() {
    while (!rest_.empty() && is_space(rest_[0])) rest_.remove_prefix(1);
  }
  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  // A name or a value: quoted with Go's escapes, or a run without reserved characters.
  Result<std::string> word(std::string_view expected) {
    if (!take('"')) {
      const size_t end =
          static_cast<size_t>(std::ranges::find_if(rest_, is_reserved) - rest_.begin());
      if (end == 0) return wrong(fmt::format("expected {}", expected));
      std::string out(rest_.substr(0, end));
      rest_.remove_prefix(end);
      return out;
    }
    std::string out;
    while (!rest_.empty() && rest_[0] != '"') {
      if (rest_[0] == '\n') return wrong("a line break between quotes");
      if (take('\\')) {
        if (!take_escape(rest_, out)) return wrong("an escape that is none");
      } else {
        out += rest_[0];
        rest_.remove_prefix(1);
      }
    }
    if (!take('"')) return wrong("a quote is missing at the end");
    return out;
  }

  Result<Matcher> matcher() {
    std::string name = TRY(word("a label name"));
    skip_spaces();
    const auto op = take_operator(rest_);
    if (!op) return wrong("expected one of = != =~ !~");
    skip_spaces();
    std::string value = TRY(word("a label value"));
    return Matcher::make(*op, std::move(name), std::move(value));
  }

  const std::string_view text_;
  std::string_view rest_;
};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// The classic syntax's value: perhaps in quotes; \n, \" and \\ are escapes, other backslashes stand
// for themselves.
Result<std::string> classic_value(std::string_view raw) {
  const auto unescaped = [&] {
    return bad_data(fmt::format("matcher value contains unescaped double quote: {}", raw));
  };
  std::string_view rest = raw;
  bool quoted = rest.starts_with('"');
  if (quoted) rest.remove_prefix(1);
  if (!is_utf8(rest)) return bad_data(fmt::format("matcher value is not UTF-8: {}", raw));
  std::string out;
  for (size_t i = 0; i < rest.size(); ++i) {
    if (rest[i] == '\\' && i + 1 < rest.size()) {
      const char next = rest[++i];
      if (next != 'n' && next != '"' && next != '\\') out += '\\';
      out += next == 'n' ? '\n' : next;
    } else if (rest[i] == '"') {
      if (!quoted || i + 1 < rest.size()) return unescaped();
      quoted = false;
    } else {
      out += rest[i];
    }
  }
  if (quoted) return unescaped();
  return out;
}

Result<Matcher> classic_matcher(std::string_view text) {
  const auto bad = [&] { return bad_data(fmt::format("bad matcher format: {}", text)); };
  std::string_view rest = trimmed(text);
  const size_t end = static_cast<size_t>(
      std::ranges::find_if(rest,
                           [](char c) {
                             return !(c == '_' || c == ':' || (c >= '0' && c <= '9') ||
                                      (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'));
                           }) -
      rest.begin());
  if (end == 0 || (rest[0] >= '0' && rest[0] <= '9')) return bad();
  std::string name(rest.substr(0, end));
  rest = trimmed(rest.substr(end));
  const auto op = take_operator(rest);
  if (!op) return bad();
  return Matcher::make(*op, std::move(name), TRY(classic_value(trimmed(rest))));
}

}  // namespace

Result<Matchers> parse_utf8_matchers(std::string_view text) {
  if (text.size() > kMaxMatcherText) return fail(ErrorCode::kLimit, "a matcher is too long");
  if (!is_utf8(text)) return bad_data("not UTF-8");
  return Utf8Parser(text).parse();
}

Result<Matchers> parse_classic_matchers(std::string_view text) {
  if (text.size() > kMaxMatcherText) return fail(ErrorCode::kLimit, "a matcher is too long");
  if (text.starts_with('{')) text.remove_prefix(1);
  if (text.ends_with('}')) text.remove_suffix(1);
  Matchers out;
  size_t begin = 0;
  bool quoted = false;
  bool escaped = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == ',' && !quoted) {
      out.push_back(TRY(classic_matcher(text.substr(begin, i - begin))));
      begin = i + 1;
    } else if (c == '"' && !escaped) {
      quoted = !quoted;
    }
    escaped = c == '\\' && !escaped;
  }
  const std::string_view last = trimmed(text.substr(begin));
  if (!last.empty()) out.push_back(TRY(classic_matcher(last)));
  return out;
}

Result<ParsedMatchers> parse_matchers(std::string_view text) {
  auto utf8 = parse_utf8_matchers(text);
  auto classic = parse_classic_matchers(text);
  if (!utf8 && !classic) return std::unexpected(classic.error());
  if (!classic) return ParsedMatchers{.matchers = *std::move(utf8), .warning = {}};
  if (!utf8) {
    auto warning = fmt::format("matchers {} are read in the old syntax ({}); write them as {}",
                               text, utf8.error().message, to_text(*classic));
    return ParsedMatchers{.matchers = *std::move(classic), .warning = std::move(warning)};
  }
  if (*utf8 == *classic) return ParsedMatchers{.matchers = *std::move(utf8), .warning = {}};
  auto warning =
      fmt::format("matchers {} mean two things; they are taken as {}", text, to_text(*classic));
  return ParsedMatchers{.matchers = *std::move(classic), .warning = std::move(warning)};
}

void sort_matchers(Matchers& matchers) {
  std::ranges::stable_sort(matchers, [](const Matcher& a, const Matcher& b) {
    return std::tuple(std::string_view(a.name()), std::string_view(a.value()), a.op()) <
           std::tuple(std::string_view(b.name()), std::string_view(b.value()), b.op());
  });
}

std::string to_text(const Matcher& matcher) {
  const auto quoted = [](std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
      if (c == '\\' || c == '"') out += '\\';
      if (c == '\n') {
        out += "\\n";
      } else {
        out += c;
      }
    }
    return out + '"';
  };
  const bool plain = std::ranges::none_of(matcher.name(), is_reserved);
  return fmt::format("{}{}{}", plain ? matcher.name() : quoted(matcher.name()),
                     text_of(matcher.op()), quoted(matcher.value()));
}

std::string to_text(std::span<const Matcher> matchers) {
  std::string out = "{";
  for (const Matcher& matcher : matchers) {
    if (out.size() > 1) out += ',';
    out += to_text(matcher);
  }
  return out + '}';
}

bool matches_all(std::span<const Matcher> matchers, const Labels& labels) {
  return std::ranges::all_of(matchers, [&](const Matcher& m) { return m.matches(labels); });
}

}  // namespace strata::alerting
