#include "templates/lexer.h"

#include "base/utf8.h"

namespace strata::templates {
namespace {

constexpr std::string_view kSpaces = " \t\r\n";

bool is_space(char c) { return kSpaces.contains(c); }
// Letters beyond ASCII count as letters: names of templates in other scripts.
bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

size_t word_length(std::string_view text) {
  size_t n = 0;
  while (n < text.size() && is_word(text[n])) ++n;
  return n;
}

std::string_view trim_right(std::string_view text) {
  return text.substr(0, text.find_last_not_of(kSpaces) + 1);
}

// "- " before }}: the space is part of the marker.
bool closes_trimming(std::string_view rest) {
  return rest.size() >= 4 && is_space(rest[0]) && rest.substr(1).starts_with("-}}");
}

}  // namespace

Token Lexer::take(TokenKind kind, size_t length) {
  const Token token{kind, static_cast<uint32_t>(at_), text_.substr(at_, length)};
  at_ += length;
  return token;
}

Result<Token> Lexer::next() { return in_action_ ? inside() : outside(); }

Result<Token> Lexer::outside() {
  while (true) {
    if (trim_next_) {
      while (at_ < text_.size() && is_space(text_[at_])) ++at_;
      trim_next_ = false;
    }
    if (at_ >= text_.size()) return take(TokenKind::kEnd, 0);
    const std::string_view rest = text_.substr(at_);
    const size_t open = rest.find("{{");
    if (open == std::string_view::npos) return take(TokenKind::kText, rest.size());
    const std::string_view after = rest.substr(open + 2);
    const bool trims = after.size() >= 2 && after[0] == '-' && is_space(after[1]);
    if (open > 0) {
      const std::string_view text = trims ? trim_right(rest.substr(0, open)) : rest.substr(0, open);
      const auto position = static_cast<uint32_t>(at_);
      at_ += open;
      if (!text.empty()) return Token{TokenKind::kText, position, text};
    }
    const size_t marker = trims ? 4 : 2;  // with the space
    if (text_.substr(at_ + marker).starts_with("/*")) {
      at_ += marker;
      TRY(skip_comment());
      continue;
    }
    in_action_ = true;
    depth_ = 0;
    Token token = take(TokenKind::kOpen, 2);
    if (trims) at_ += 1;  // '-'; the space is read as one
    return token;
  }
}

Result<> Lexer::skip_comment() {
  const size_t end = text_.find("*/", at_ + 2);
  if (end == std::string_view::npos) return bad_data("unclosed comment");
  at_ = end + 2;
  const std::string_view rest = text_.substr(at_);
  if (rest.starts_with("}}")) {
    at_ += 2;
  } else if (closes_trimming(rest)) {
    at_ += 4;
    trim_next_ = true;
  } else {
    return bad_data("comment ends before closing delimiter");
  }
  return {};
}

Result<Token> Lexer::inside() {
  if (at_ >= text_.size()) return bad_data("unclosed action");
  const std::string_view rest = text_.substr(at_);
  const char c = rest[0];
  if (rest.starts_with("}}") || closes_trimming(rest)) {
    if (depth_ > 0) return bad_data("unclosed left paren");
    in_action_ = false;
    trim_next_ = c != '}';
    return take(TokenKind::kClose, trim_next_ ? 4 : 2);
  }
  if (is_space(c)) {
    size_t n = 1;
    while (n < rest.size() && is_space(rest[n]) && !closes_trimming(rest.substr(n))) ++n;
    return take(TokenKind::kSpace, n);
  }
  if (c == '"' || c == '`' || c == '\'') return quoted(c);
  const char second = rest.size() > 1 ? rest[1] : '\0';
  if (c == '.' && !(second >= '0' && second <= '9')) {
    const size_t length = word_length(rest.substr(1));
    return length == 0 ? take(TokenKind::kDot, 1) : take(TokenKind::kField, 1 + length);
  }
  if (c == '$') return take(TokenKind::kVariable, 1 + word_length(rest.substr(1)));
  if (c == '+' || c == '-' || c == '.' || (c >= '0' && c <= '9')) return number();
  if (is_word(c)) return take(TokenKind::kIdentifier, word_length(rest));
  if (rest.starts_with(":=")) return take(TokenKind::kOther, 2);
  if (c == ':') return bad_data("expected :=");
  if (c == '(') ++depth_;
  if (c == ')') {
    if (depth_ == 0) return bad_data("unexpected right paren");
    --depth_;
  }
  if (std::string_view("()|,=").contains(c)) return take(TokenKind::kOther, 1);
  return bad_data(fmt::format("unexpected {:?} in action", rest.substr(0, 1)));
}

Result<Token> Lexer::quoted(char quote) {
  for (size_t i = at_ + 1; i < text_.size(); ++i) {
    const char c = text_[i];
    if (c == quote) {
      return take(quote == '\'' ? TokenKind::kChar : TokenKind::kString, i + 1 - at_);
    }
    if (quote == '`') continue;
    if (c == '\n') break;
    if (c == '\\') ++i;
  }
  return bad_data(quote == '`'   ? "unterminated raw quoted string"
                  : quote == '"' ? "unterminated quoted string"
                                 : "unterminated character constant");
}

// Taken whole: digits, letters, a sign behind an exponent. What it means is the parser's to say.
Result<Token> Lexer::number() {
  size_t n = at_ + 1;
  while (n < text_.size()) {
    const char c = text_[n];
    const char before = text_[n - 1];
    const bool sign = (c == '+' || c == '-') && std::string_view("eEpP").contains(before);
    if (!is_word(c) && c != '.' && !sign) break;
    ++n;
  }
  return take(TokenKind::kNumber, n - at_);
}

}  // namespace strata::templates
