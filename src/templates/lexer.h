// Template text to tokens, as Go's text/template/parse does it. Private to the module.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace strata::templates {

enum class TokenKind : uint8_t {
  kEnd,
  kText,        // outside delimiters, trimmed as its neighbours ask
  kOpen,        // {{
  kClose,       // }}
  kField,       // .name
  kDot,         // .
  kVariable,    // $name, $
  kIdentifier,  // functions and keywords
  kString,      // "…" or `…`, as written
  kChar,        // 'c', as written
  kNumber,
  kOther,  // ( ) | , = :=
  kSpace,
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  uint32_t position = 0;
  std::string_view text;
};

/// Reads one template; the text outlives it. One thread.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}
  /// Error: kBadData in Go's words, without place.
  Result<Token> next();

 private:
  Result<Token> outside();
  Result<Token> inside();
  Result<> skip_comment();
  Result<Token> quoted(char quote);
  Result<Token> number();
  Token take(TokenKind kind, size_t length);

  std::string_view text_;
  size_t at_ = 0;
  size_t depth_ = 0;  // of parentheses
  bool in_action_ = false;
  bool trim_next_ = false;  // the last delimiter was -}}
};

}  // namespace strata::templates
