// PromQL text -> tokens. The whole text is cut at once; what cannot be cut is one kError token at
// the end, so the parser reports the first thing that is wrong, whoever finds it.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "promql/ast.h"

namespace strata::promql {

enum class TokenKind : uint8_t {
  kEnd,
  kError,  // `text` is the reason
  kIdentifier,
  kMetricIdentifier,  // with a colon in it
  kString,            // with its quotes
  kNumber,
  kDuration,
  kLeftParen,
  kRightParen,
  kLeftBrace,
  kRightBrace,
  kLeftBracket,
  kRightBracket,
  kComma,
  kColon,
  kAt,
  kEqual,         // =
  kRegexMatch,    // =~
  kRegexNoMatch,  // !~
  // Operators: in the order of Op.
  kAdd,
  kSub,
  kMul,
  kDiv,
  kMod,
  kPow,
  kAtan2,
  kEqualEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kTrimUpper,
  kTrimLower,
  kAnd,
  kOr,
  kUnless,
  // Aggregations: in the order of Aggregation.
  kSum,
  kAvg,
  kMin,
  kMax,
  kCount,
  kGroup,
  kStddev,
  kStdvar,
  kTopk,
  kBottomk,
  kCountValues,
  kQuantile,
  kLimitk,
  kLimitRatio,
  // Other keywords.
  kOffset,
  kSmoothed,
  kAnchored,
  kBy,
  kWithout,
  kOn,
  kIgnoring,
  kGroupLeft,
  kGroupRight,
  kFill,
  kFillLeft,
  kFillRight,
  kBool,
  kStart,
  kEndPoint,  // end
  kStep,
  kRange,
  kMaxOf,
  kMinOf,
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  SourceSpan span;
  std::string_view text;  // into the source; of kError into Lexed::error
};

struct Lexed {
  std::vector<Token> tokens;  // ends with kEnd or kError
  std::string error;
};

/// `text` must outlive the tokens.
Lexed lex(std::string_view text);

bool is_operator(TokenKind kind);
bool is_aggregation(TokenKind kind);
/// REQUIRES: is_operator(kind), is_aggregation(kind).
Op operator_of(TokenKind kind);
Aggregation aggregation_of(TokenKind kind);

/// As an error text names the token: `identifier "foo"`, `<op:+>`, `")"`, "end of input".
std::string describe(const Token& token);

}  // namespace strata::promql
