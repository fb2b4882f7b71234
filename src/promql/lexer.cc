#include "promql/lexer.h"

#include <algorithm>
#include <array>

#include "base/utf8.h"
#include "promql/quote.h"

namespace strata::promql {
namespace {

struct Keyword {
  std::string_view word;
  TokenKind kind;
};
constexpr auto kKeywords = std::to_array<Keyword>({
    {"and", TokenKind::kAnd},
    {"or", TokenKind::kOr},
    {"unless", TokenKind::kUnless},
    {"atan2", TokenKind::kAtan2},
    {"sum", TokenKind::kSum},
    {"avg", TokenKind::kAvg},
    {"count", TokenKind::kCount},
    {"min", TokenKind::kMin},
    {"max", TokenKind::kMax},
    {"group", TokenKind::kGroup},
    {"stddev", TokenKind::kStddev},
    {"stdvar", TokenKind::kStdvar},
    {"topk", TokenKind::kTopk},
    {"bottomk", TokenKind::kBottomk},
    {"count_values", TokenKind::kCountValues},
    {"quantile", TokenKind::kQuantile},
    {"limitk", TokenKind::kLimitk},
    {"limit_ratio", TokenKind::kLimitRatio},
    {"offset", TokenKind::kOffset},
    {"smoothed", TokenKind::kSmoothed},
    {"anchored", TokenKind::kAnchored},
    {"by", TokenKind::kBy},
    {"without", TokenKind::kWithout},
    {"on", TokenKind::kOn},
    {"ignoring", TokenKind::kIgnoring},
    {"group_left", TokenKind::kGroupLeft},
    {"group_right", TokenKind::kGroupRight},
    {"fill", TokenKind::kFill},
    {"fill_left", TokenKind::kFillLeft},
    {"fill_right", TokenKind::kFillRight},
    {"bool", TokenKind::kBool},
    {"start", TokenKind::kStart},
    {"end", TokenKind::kEndPoint},
    {"step", TokenKind::kStep},
    {"range", TokenKind::kRange},
    {"max_of", TokenKind::kMaxOf},
    {"min_of", TokenKind::kMinOf},
    {"inf", TokenKind::kNumber},
    {"nan", TokenKind::kNumber},
});
constexpr size_t kLongestKeyword = std::string_view("count_values").size();

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alpha(char c) { return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_alphanumeric(char c) { return is_alpha(c) || is_digit(c); }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

const Keyword* find_keyword(std::string_view word) {
  if (word.size() > kLongestKeyword) return nullptr;
  std::string lowered(word);
  std::ranges::transform(lowered, lowered.begin(), lower);
  const auto* const found = std::ranges::find(kKeywords, lowered, &Keyword::word);
  return found == kKeywords.end() ? nullptr : found;
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Lexed run() {
    while (!done_) {
      skip_space_and_comments();
      start_ = at_;
      if (in_braces_) {
        lex_in_braces();
      } else if (in_brackets_) {
        lex_duration();
      } else {
        lex_statement();
      }
    }
    Lexed out{std::move(tokens_), std::move(error_)};
    if (out.tokens.back().kind == TokenKind::kError) out.tokens.back().text = out.error;
    return out;
  }

 private:
  char peek(size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  bool at_end() const { return at_ >= text_.size(); }
  std::string_view word() const { return text_.substr(start_, at_ - start_); }

  void skip_space_and_comments() {
    while (!at_end()) {
      if (is_space(peek())) {
        ++at_;
      } else if (peek() == '#' && !in_brackets_) {
        while (!at_end() && peek() != '\n' && peek() != '\r') ++at_;
      } else {
        return;
      }
    }
  }

  void emit(TokenKind kind, size_t length) {
    at_ += length;
    emit(kind);
  }
  void emit(TokenKind kind) {
    tokens_.push_back({kind, {static_cast<int32_t>(start_), static_cast<int32_t>(at_)}, word()});
    start_ = at_;
  }
  void error(std::string reason) {
    error_ = std::move(reason);
    const auto size = static_cast<int32_t>(text_.size());
    tokens_.push_back({TokenKind::kError, {static_cast<int32_t>(start_), size}, {}});
    done_ = true;
  }
  // In place of the token just emitted.
  void error_instead(std::string reason) {
    tokens_.pop_back();
    error(std::move(reason));
  }
  // The character at `at_` as Go's %q prints a rune, or a string.
  std::string here(char quote = '\'') const {
    if (at_end()) return std::string(1, quote) + "\\x00" + quote;  // only asked for inside the text
    const size_t length = std::max<size_t>(1, utf8_sequence_length(text_.substr(at_)));
    std::string text = quoted(text_.substr(at_, length));
    if (quote == '\'') {
      if (text == "\"\\\"\"") return "'\"'";
      if (text == "\"'\"") return "'\\''";
      text.front() = text.back() = '\'';
    }
    return text;
  }

  void end_of_input() {
    if (depth_ != 0) return error("unclosed left parenthesis");
    emit(TokenKind::kEnd);
    done_ = true;
  }

  void open_paren() {
    ++depth_;
    emit(TokenKind::kLeftParen, 1);
  }
  void close_paren() {
    emit(TokenKind::kRightParen, 1);
    if (depth_ == 0) return error_instead("unexpected right parenthesis ')'");
    --depth_;
  }

  // The operators that also stand in durations.
  bool lex_arithmetic() {
    switch (peek()) {
      case '+': emit(TokenKind::kAdd, 1); return true;
      case '-': emit(TokenKind::kSub, 1); return true;
      case '*': emit(TokenKind::kMul, 1); return true;
      case '/': emit(TokenKind::kDiv, 1); return true;
      case '%': emit(TokenKind::kMod, 1); return true;
      case '^': emit(TokenKind::kPow, 1); return true;
      case ',': emit(TokenKind::kComma, 1); return true;
      case '(': open_paren(); return true;
      case ')': close_paren(); return true;
      default: return false;
    }
  }

  void lex_statement() {
    if (at_end()) return end_of_input();
    if (lex_arithmetic()) return;
    const char c = peek();
    const char next = peek(1);
    if (is_digit(c) || (c == '.' && is_digit(next))) return lex_number_or_duration();
    if (is_alpha(c) || c == ':') return lex_word();
    switch (c) {
      case '=':
        if (next == '=') return emit(TokenKind::kEqualEqual, 2);
        if (next == '~') return error("unexpected character after '=': '~'");
        return emit(TokenKind::kEqual, 1);
      case '!':
        if (next == '=') return emit(TokenKind::kNotEqual, 2);
        ++at_;
        return error("unexpected character after '!': " + here());
      case '<':
        if (next == '=') return emit(TokenKind::kLessEqual, 2);
        if (next == '/') return emit(TokenKind::kTrimUpper, 2);
        return emit(TokenKind::kLess, 1);
      case '>':
        if (next == '=') return emit(TokenKind::kGreaterEqual, 2);
        if (next == '/') return emit(TokenKind::kTrimLower, 2);
        return emit(TokenKind::kGreater, 1);
      case '"':
      case '\'':
      case '`': return lex_string();
      case '{': in_braces_ = true; return emit(TokenKind::kLeftBrace, 1);
      case '[':
        in_brackets_ = true;
        got_colon_ = got_number_ = false;
        return emit(TokenKind::kLeftBracket, 1);
      case ']': return error("unexpected right bracket ']'");
      case '@': return emit(TokenKind::kAt, 1);
      default: return error("unexpected character: " + here());
    }
  }

  void lex_in_braces() {
    if (at_end()) return error("unexpected end of input inside braces");
    const char c = peek();
    const char next = peek(1);
    if (is_alpha(c)) {
      while (is_alphanumeric(peek())) ++at_;
      return emit(TokenKind::kIdentifier);
    }
    switch (c) {
      case ',': return emit(TokenKind::kComma, 1);
      case '"':
      case '\'':
      case '`': return lex_string();
      case '=':
        if (next == '~') return emit(TokenKind::kRegexMatch, 2);
        return emit(TokenKind::kEqual, 1);
      case '!':
        if (next == '~') return emit(TokenKind::kRegexNoMatch, 2);
        if (next == '=') return emit(TokenKind::kNotEqual, 2);
        ++at_;
        return error("unexpected character after '!' inside braces: " + here());
      case '{': return error("unexpected left brace '{'");
      case '}': in_braces_ = false; return emit(TokenKind::kRightBrace, 1);
      default: return error("unexpected character inside braces: " + here());
    }
  }

  void lex_duration() {
    if (at_end()) {
      return error(tokens_.back().kind == TokenKind::kLeftBracket || depth_ == 0
                       ? "unexpected end of input in duration expression"
                       : "unclosed left parenthesis");
    }
    if (lex_arithmetic()) return;
    const char c = peek();
    if (is_digit(c) || (c == '.' && is_digit(peek(1)))) {
      got_number_ = true;
      return lex_number_or_duration();
    }
    if (c == ']') {
      in_brackets_ = false;
      return emit(TokenKind::kRightBracket, 1);
    }
    if (c == ':') {
      if (got_colon_) return error("unexpected repeated colon in duration expression");
      got_colon_ = true;
      return emit(TokenKind::kColon, 1);
    }
    if (is_alpha(c)) {
      const std::string shown = here();
      while (is_alpha(peek())) ++at_;
      const Keyword* keyword = find_keyword(word());
      if (keyword != nullptr && keyword->kind >= TokenKind::kStep) return emit(keyword->kind);
      if (got_number_) return error("unexpected character: " + shown + ", expected ':'");
      return error("unexpected character in duration expression: " + shown);
    }
    return error("unexpected character in duration expression: " + here());
  }

  void lex_word() {
    bool colon = false;
    for (; is_alphanumeric(peek()) || peek() == ':'; ++at_) colon |= peek() == ':';
    const Keyword* keyword = find_keyword(word());
    if (keyword == nullptr) {
      return emit(colon ? TokenKind::kMetricIdentifier : TokenKind::kIdentifier);
    }
    const bool is_fill =
        keyword->kind >= TokenKind::kFill && keyword->kind <= TokenKind::kFillRight;
    if (is_fill && !followed_by_paren()) return emit(TokenKind::kIdentifier);
    emit(keyword->kind);
  }

  // fill() came late to the language: the word alone must still be a metric's name.
  bool followed_by_paren() const {
    size_t i = at_;
    while (i < text_.size() && is_space(text_[i])) ++i;
    return i < text_.size() && text_[i] == '(';
  }

  void lex_string() {
    const char quote = peek();
    for (++at_;; ++at_) {
      if (at_end()) {
        return error(quote == '`' ? "unterminated raw string" : "unterminated quoted string");
      }
      const char c = peek();
      if (c == quote) break;
      if (static_cast<unsigned char>(c) >= 0x80) {
        const size_t length = utf8_sequence_length(text_.substr(at_));
        if (length == 0) return error("invalid UTF-8 rune");
        at_ += length - 1;
        continue;
      }
      if (quote == '`') continue;
      if (c == '\n') return error("unterminated quoted string");
      if (c == '\\' && !lex_escape(quote)) return;
    }
    emit(TokenKind::kString, 1);
  }

  // Leaves `at_` on the last character of the sequence. False: an error was emitted.
  bool lex_escape(char quote) {
    ++at_;
    const char c = peek();
    if (at_end()) return error("escape sequence not terminated"), false;
    if (c == quote || std::string_view("abfnrtv\\").contains(c)) return true;
    size_t digits = 0;
    int base = 16;
    if (c >= '0' && c <= '7') {
      digits = 3, base = 8;
    } else if (c == 'x' || c == 'u' || c == 'U') {
      digits = c == 'x' ? 2 : c == 'u' ? 4 : 8;
      ++at_;
    } else {
      return error(fmt::format("unknown escape sequence U+{:04X} {}", c, here())), false;
    }
    for (size_t i = 0; i < digits; ++i, ++at_) {
      const char digit = lower(peek());
      const bool valid = base == 8 ? (digit >= '0' && digit <= '7')
                                   : is_digit(digit) || (digit >= 'a' && digit <= 'f');
      if (at_end()) return error("escape sequence not terminated"), false;
      if (!valid) {
        const auto byte = static_cast<unsigned char>(peek());
        error(fmt::format("illegal character U+{:04X} {} in escape sequence", byte, here()));
        return false;
      }
    }
    --at_;
    return true;
  }

  void lex_number_or_duration() {
    if (scan_number()) return emit(TokenKind::kNumber);
    if (scan_rest_of_duration()) return emit(TokenKind::kDuration);
    error("bad number or duration syntax: " + quoted(word()));
  }

  bool accept(std::string_view set) {
    if (at_end() || !set.contains(peek())) return false;
    ++at_;
    return true;
  }
  bool next_is(std::string_view set) const { return !at_end() && set.contains(peek()); }

  // Decimal, hexadecimal, with underscores between digits. What is not a number yet may be the
  // digits of a duration.
  bool scan_number() {
    std::string_view digits = "0123456789";
    bool hex = false;
    if (peek() == '0' && (peek(1) == 'x' || peek(1) == 'X')) {
      at_ += 2;
      accept("_");
      digits = "0123456789abcdefABCDEF";
      hex = true;
    }
    bool dot = accept(".");
    bool exponent = false;
    while (next_is(digits) || next_is("._eE")) {
      if (next_is(digits)) {
        ++at_;
      } else if (accept(".")) {
        if (dot || accept("_.") || hex) return false;
        dot = true;
      } else if (accept("eE")) {
        if (exponent) return false;
        exponent = true;
        accept("+-");
        if (accept("._eE") || at_end()) return false;
      } else {
        accept("_");
        if (accept("._eE") || at_end()) return false;
      }
    }
    return !is_alphanumeric(peek());
  }

  // Behind the first number: unit, then more numbers with units.
  bool scan_rest_of_duration() {
    if (!accept("smhdwy")) return false;
    accept("s");
    while (accept("0123456789")) {
      while (accept("0123456789")) {
      }
      if (!accept("smhdw")) return false;
      accept("s");
    }
    if (!is_alphanumeric(peek())) return true;
    ++at_;
    return false;
  }

  const std::string_view text_;
  size_t at_ = 0;
  size_t start_ = 0;
  int depth_ = 0;
  bool in_braces_ = false;
  bool in_brackets_ = false;
  bool got_colon_ = false;
  bool got_number_ = false;  // in the brackets
  bool done_ = false;
  std::vector<Token> tokens_;
  std::string error_;
};

}  // namespace

Lexed lex(std::string_view text) { return Lexer(text).run(); }

bool is_operator(TokenKind kind) { return kind >= TokenKind::kAdd && kind <= TokenKind::kUnless; }
bool is_aggregation(TokenKind kind) {
  return kind >= TokenKind::kSum && kind <= TokenKind::kLimitRatio;
}
Op operator_of(TokenKind kind) {
  return static_cast<Op>(static_cast<int>(kind) - static_cast<int>(TokenKind::kAdd));
}
Aggregation aggregation_of(TokenKind kind) {
  return static_cast<Aggregation>(static_cast<int>(kind) - static_cast<int>(TokenKind::kSum));
}

std::string describe(const Token& token) {
  switch (token.kind) {
    case TokenKind::kEnd: return "end of input";
    case TokenKind::kError: return "error";
    default: break;
  }
  std::string what;
  if (token.kind == TokenKind::kIdentifier) what = "identifier ";
  if (token.kind == TokenKind::kMetricIdentifier) what = "metric identifier ";
  if (token.kind == TokenKind::kString) what = "string ";
  if (token.kind == TokenKind::kNumber) what = "number ";
  if (token.kind == TokenKind::kDuration) what = "duration ";
  const bool matching = token.kind >= TokenKind::kAt && token.kind <= TokenKind::kRegexNoMatch &&
                        token.kind != TokenKind::kEqual;
  if (is_operator(token.kind) || matching) {
    return what.append("<op:").append(token.text).append(">");
  }
  if (is_aggregation(token.kind)) return what.append("<aggr:").append(token.text).append(">");
  if (token.kind >= TokenKind::kOffset) return what.append("<").append(token.text).append(">");
  const bool whole = token.kind <= TokenKind::kMetricIdentifier;
  if (!whole && token.text.size() > 10) {
    append_quoted(what, token.text.substr(0, 10));
    return what.append("...");
  }
  append_quoted(what, token.text);
  return what;
}

}  // namespace strata::promql
