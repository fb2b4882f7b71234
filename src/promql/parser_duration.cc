// Durations in brackets and behind offset: literals, and expressions that are computed when the
// query's step and range are known.
#include <cmath>

#include "promql/parser_impl.h"

namespace strata::promql {
namespace {

using Kind = DurationExpr::Kind;

constexpr int kUnaryPrecedence = 3;  // looser than ^ only

int duration_precedence(TokenKind kind) {
  switch (kind) {
    case TokenKind::kAdd:
    case TokenKind::kSub: return 1;
    case TokenKind::kMul:
    case TokenKind::kDiv:
    case TokenKind::kMod: return 2;
    case TokenKind::kPow: return kUnaryPrecedence;
    default: return 0;
  }
}

Kind duration_kind(TokenKind kind) {
  return static_cast<Kind>(static_cast<int>(kind) - static_cast<int>(TokenKind::kAdd));
}

bool is_duration_keyword(TokenKind kind) {
  return kind == TokenKind::kStep || kind == TokenKind::kRange || kind == TokenKind::kMaxOf ||
         kind == TokenKind::kMinOf;
}

// (5m) prints with its parentheses, so a lone literal becomes an expression.
ExprPtr wrap(ExprPtr inner, SourceSpan span) {
  if (inner->kind != ExprKind::kDuration) {
    inner = std::make_unique<DurationExpr>(Kind::kAdd, nullptr, std::move(inner), span);
    inner->height = 2;
  }
  as<DurationExpr>(*inner).wrapped = true;
  return inner;
}

}  // namespace

bool duration_out_of_range(double seconds) { return !(std::abs(seconds) <= 9223372036.854775807); }

Millis millis_of_seconds(double seconds) {
  return Millis(static_cast<int64_t>(std::round(seconds * 1e9)) / 1'000'000);
}

Result<> Parser::check_duration_expressions_enabled(const Expr& expr) {
  if (options_.duration_expressions) return {};
  return error_at(expr.span, "experimental duration expression is not enabled");
}

Result<ExprPtr> Parser::duration_literal() {
  ExprPtr literal = TRY(parse_number());
  if (duration_out_of_range(as<NumberLiteral>(*literal).value)) {
    return error_at(literal->span, "duration out of range");
  }
  return literal;
}

const Parser::DurationContext Parser::kRangeContext = {"subquery or range selector",
                                                       "number, duration, step(), or range()"};
const Parser::DurationContext Parser::kStepContext = {
    "subquery selector", "number, duration, step(), range(), or \"]\""};
const Parser::DurationContext Parser::kOffsetContext = {"offset",
                                                        "number, duration, step(), or range()"};

Result<ExprPtr> Parser::parse_positive_duration(const DurationContext& context) {
  duration_context_ = &context;
  ExprPtr duration = TRY(parse_duration_expr(0));
  duration_context_ = nullptr;
  if (duration->kind == ExprKind::kNumber && !(as<NumberLiteral>(*duration).value > 0)) {
    return error_at(duration->span, "duration must be greater than 0");
  }
  return duration;
}

// Only one operand, so that `foo offset 5m * 2` multiplies foo.
Result<ExprPtr> Parser::parse_offset_duration() {
  duration_context_ = &kOffsetContext;
  const Token* sign = nullptr;
  if (next_is(TokenKind::kAdd) || next_is(TokenKind::kSub)) sign = &take();
  ExprPtr operand = TRY(parse_duration_operand());
  if (sign != nullptr) operand = TRY(apply_sign(*sign, std::move(operand)));
  duration_context_ = nullptr;
  return operand;
}

Result<ExprPtr> Parser::parse_duration_expr(int min_precedence) {
  ++depth_;
  if (depth_ > options_.max_depth) {
    return error_at(peek().span,
                    fmt::format("expression is nested deeper than {} levels", options_.max_depth));
  }
  ExprPtr lhs;
  if (next_is(TokenKind::kAdd) || next_is(TokenKind::kSub)) {
    const Token& sign = take();
    ExprPtr operand = TRY(parse_duration_expr(kUnaryPrecedence));
    lhs = TRY(apply_sign(sign, std::move(operand)));
  } else {
    lhs = TRY(parse_duration_operand());
  }
  while (true) {
    const int precedence = duration_precedence(peek().kind);
    if (precedence == 0 || precedence < min_precedence) break;
    TRY(check_duration_expressions_enabled(*lhs));
    const Token& op = take();
    const bool right_associative = op.kind == TokenKind::kPow;
    ExprPtr rhs = TRY(parse_duration_expr(right_associative ? precedence : precedence + 1));
    const bool divides = op.kind == TokenKind::kDiv || op.kind == TokenKind::kMod;
    if (divides && rhs->kind == ExprKind::kNumber && as<NumberLiteral>(*rhs).value == 0) {
      return error_at(op.span, op.kind == TokenKind::kDiv ? "division by zero" : "modulo by zero");
    }
    const SourceSpan span{lhs->span.start, rhs->span.end};
    auto both = std::make_unique<DurationExpr>(duration_kind(op.kind), std::move(lhs),
                                               std::move(rhs), span);
    TRY(set_height(*both, {both->lhs.get(), both->rhs.get()}));
    lhs = std::move(both);
  }
  --depth_;
  return lhs;
}

Result<ExprPtr> Parser::parse_duration_operand() {
  const TokenKind kind = peek().kind;
  if (kind == TokenKind::kNumber || kind == TokenKind::kDuration) return duration_literal();
  if (is_duration_keyword(kind)) return parse_duration_keyword();
  if (kind != TokenKind::kLeftParen) return unexpected("", "");
  const int32_t start = take().span.start;
  ExprPtr inner = TRY(parse_duration_expr(0));
  TRY(check_duration_expressions_enabled(*inner));
  if (!next_is(TokenKind::kRightParen)) return unexpected("", "");
  return wrap(std::move(inner), {start, take().span.end});
}

Result<ExprPtr> Parser::parse_duration_keyword() {
  const Token& word = take();
  if (!accept(TokenKind::kLeftParen)) return unexpected("", "");
  std::unique_ptr<DurationExpr> expr;
  if (word.kind == TokenKind::kStep || word.kind == TokenKind::kRange) {
    const Kind kind = word.kind == TokenKind::kStep ? Kind::kStep : Kind::kRange;
    expr = std::make_unique<DurationExpr>(kind, nullptr, nullptr, word.span);
  } else {
    ExprPtr lhs = TRY(parse_duration_expr(0));
    if (!accept(TokenKind::kComma)) return unexpected("", "");
    ExprPtr rhs = TRY(parse_duration_expr(0));
    const Kind kind = word.kind == TokenKind::kMinOf ? Kind::kMinOf : Kind::kMaxOf;
    expr = std::make_unique<DurationExpr>(kind, std::move(lhs), std::move(rhs), word.span);
    TRY(set_height(*expr, {expr->lhs.get(), expr->rhs.get()}));
  }
  if (!next_is(TokenKind::kRightParen)) return unexpected("", "");
  expr->span.end = take().span.end;
  TRY(check_duration_expressions_enabled(*expr));
  return expr;
}

Result<ExprPtr> Parser::apply_sign(const Token& sign, ExprPtr operand) {
  const bool negative = sign.kind == TokenKind::kSub;
  if (operand->kind == ExprKind::kNumber) {
    if (negative) as<NumberLiteral>(*operand).value *= -1;
    operand->span.start = sign.span.start;
    return operand;
  }
  TRY(check_duration_expressions_enabled(*operand));
  if (!negative) return operand;
  const SourceSpan span{sign.span.start, operand->span.end};
  auto unary = std::make_unique<DurationExpr>(Kind::kSub, nullptr, std::move(operand), span);
  TRY(set_height(*unary, {unary->rhs.get()}));
  return unary;
}

}  // namespace strata::promql
