// The recursive-descent parser behind parse(): private to parser*.cc.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "promql/lexer.h"
#include "promql/parser.h"

namespace strata::promql {

/// Errors carry where they are; the first one ends the parse.
class Parser {
 public:
  Parser(std::string_view text, const ParserOptions& options)
      : text_(text), options_(options), lexed_(lex(text)) {}

  Result<ExprPtr> parse_query();
  Result<std::vector<Matcher>> parse_matchers_only();
  Result<Labels> parse_labels_only();

 private:
  // parser.cc
  Result<ExprPtr> parse_expr(int min_precedence);
  Result<ExprPtr> parse_operand();
  Result<ExprPtr> parse_signed();
  Result<ExprPtr> parse_primary();
  Result<ExprPtr> parse_paren();
  Result<ExprPtr> parse_number();
  Result<ExprPtr> parse_string_literal();
  Result<ExprPtr> parse_word();
  Result<ExprPtr> parse_call();
  Result<ExprPtr> parse_aggregate();
  Result<std::vector<ExprPtr>> parse_arguments();
  Result<ExprPtr> parse_binary(ExprPtr lhs, int precedence);
  Result<> parse_binary_modifiers(BinaryExpr& binary);
  Result<> parse_fill(VectorMatching& matching);
  Result<double> parse_fill_value();
  Result<std::vector<std::string>> parse_grouping();

  // parser_selector.cc
  Result<ExprPtr> parse_vector_selector();
  Result<std::vector<Matcher>> parse_matchers();
  Result<Matcher> parse_matcher();
  Result<Labels> parse_label_set(std::string_view metric);
  Result<ExprPtr> parse_suffixes(ExprPtr expr);
  Result<ExprPtr> parse_brackets(ExprPtr expr);
  Result<ExprPtr> make_matrix(ExprPtr expr, ExprPtr range, const Token& open);
  Result<> parse_offset(Expr& expr);
  Result<> parse_at(Expr& expr);
  Result<> parse_extended(Expr& expr);
  Result<TimeShift*> shift_of(Expr& expr, std::string_view modifier);

  // parser_duration.cc
  /// What an error text says is wanted, while a duration is read.
  struct DurationContext {
    std::string_view context;
    std::string_view expected;
  };
  static const DurationContext kRangeContext, kStepContext, kOffsetContext;
  Result<ExprPtr> parse_positive_duration(const DurationContext& context);
  Result<ExprPtr> parse_offset_duration();
  Result<ExprPtr> parse_duration_expr(int min_precedence);
  Result<ExprPtr> parse_duration_operand();
  Result<ExprPtr> parse_duration_keyword();
  Result<ExprPtr> duration_literal();
  Result<ExprPtr> apply_sign(const Token& sign, ExprPtr operand);
  Result<> check_duration_expressions_enabled(const Expr& expr);

  const Token& peek() const { return lexed_.tokens[at_]; }
  const Token& peek_next() const {
    return lexed_.tokens[std::min(at_ + 1, lexed_.tokens.size() - 1)];
  }
  bool next_is(TokenKind kind) const { return peek().kind == kind; }
  const Token& take();
  bool accept(TokenKind kind);

  std::unexpected<Error> error_at(SourceSpan span, std::string_view message) const;
  /// "unexpected X in CONTEXT, expected EXPECTED"; either may be empty.
  std::unexpected<Error> unexpected(std::string_view context, std::string_view expected) const;
  Result<std::string> unquote_token(const Token& token) const;
  Result<double> number_value(const Token& token) const;
  Result<> set_height(Expr& expr, std::initializer_list<const Expr*> children) const;

  const std::string_view text_;
  const ParserOptions& options_;
  const Lexed lexed_;
  size_t at_ = 0;
  int32_t last_closing_ = 0;  // end of the last bracket, number or duration taken
  int depth_ = 0;             // of parse_expr and parse_duration_expr on the stack
  int aggregations_open_ = 0;
  const DurationContext* duration_context_ = nullptr;
};

/// Prometheus' type rules, on a tree whose syntax is right. Sets what follows from types
/// (VectorMatching of scalars, cardinality of set operators).
Result<> check_types(Expr& expr, std::string_view text);

/// "line:col: parse error: MESSAGE".
std::unexpected<Error> parse_error(std::string_view text, SourceSpan span,
                                   std::string_view message);

/// Whether a literal of so many seconds does not fit 64 bits of nanoseconds.
bool duration_out_of_range(double seconds);
/// Nanosecond rounding, then whole milliseconds, as Prometheus does.
Millis millis_of_seconds(double seconds);

}  // namespace strata::promql
