#include "promql/parser.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <optional>

#include "base/number.h"
#include "promql/function_table.h"
#include "promql/parser_impl.h"
#include "promql/quote.h"

namespace strata::promql {
namespace {

constexpr int kMulPrecedence = 5;
constexpr int kPowPrecedence = 6;

int precedence_of(Op op) {
  switch (op) {
    case Op::kOr: return 1;
    case Op::kAnd:
    case Op::kUnless: return 2;
    case Op::kAdd:
    case Op::kSub: return 4;
    case Op::kMul:
    case Op::kDiv:
    case Op::kMod:
    case Op::kAtan2: return kMulPrecedence;
    case Op::kPow: return kPowPrecedence;
    default: return 3;
  }
}

// Go's ParseInt with base 0, which PromQL tries before ParseFloat: 0x1f, 017, 1_000.
std::optional<double> parse_go_int(std::string_view text) {
  std::string digits;
  int base = 10;
  std::string_view rest = text;
  if (rest.size() > 1 && rest[0] == '0') {
    const bool hex = rest[1] == 'x' || rest[1] == 'X';
    base = hex ? 16 : 8;
    rest.remove_prefix(hex ? 2 : 1);
  }
  for (const char c : rest) {
    if (c != '_') digits += c;
  }
  if (digits.empty() || digits.find_first_of(".+-") != std::string::npos) return std::nullopt;
  char* end = nullptr;
  errno = 0;
  const long long value = std::strtoll(digits.c_str(), &end, base);
  if (errno != 0 || *end != '\0') return std::nullopt;
  return static_cast<double>(value);
}

class DepthGuard {
 public:
  explicit DepthGuard(int& depth) : depth_(depth) { ++depth_; }
  ~DepthGuard() { --depth_; }

 private:
  int& depth_;
};

}  // namespace

ParserOptions ParserOptions::everything() {
  ParserOptions options;
  options.experimental_functions = true;
  options.extended_range_selectors = true;
  options.binop_fill_modifiers = true;
  return options;
}

std::string line_and_column(std::string_view text, int32_t offset) {
  const auto at = std::min(text.size(), static_cast<size_t>(std::max(offset, 0)));
  const std::string_view before = text.substr(0, at);
  const auto line = std::ranges::count(before, '\n') + 1;
  const size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  return fmt::format("{}:{}", line, at - line_start + 1);
}

std::unexpected<Error> parse_error(std::string_view text, SourceSpan span,
                                   std::string_view message) {
  return bad_data(fmt::format("{}: parse error: {}", line_and_column(text, span.start), message));
}

std::unexpected<Error> Parser::error_at(SourceSpan span, std::string_view message) const {
  return parse_error(text_, span, message);
}

std::unexpected<Error> Parser::unexpected(std::string_view context,
                                          std::string_view expected) const {
  const Token& token = peek();
  if (token.kind == TokenKind::kError) return error_at(token.span, token.text);
  std::string message = "unexpected " + describe(token);
  if (context.empty() && expected.empty() && duration_context_ != nullptr) {
    context = duration_context_->context;
    expected = duration_context_->expected;
  }
  if (context.empty() && aggregations_open_ > 0) context = "aggregation";
  if (!context.empty()) message.append(" in ").append(context);
  if (!expected.empty()) message.append(", expected ").append(expected);
  return error_at(token.span, message);
}

const Token& Parser::take() {
  const Token& token = peek();
  switch (token.kind) {
    case TokenKind::kRightBrace:
    case TokenKind::kRightParen:
    case TokenKind::kRightBracket:
    case TokenKind::kDuration:
    case TokenKind::kNumber: last_closing_ = token.span.end; break;
    default: break;
  }
  if (at_ + 1 < lexed_.tokens.size()) ++at_;
  return token;
}

bool Parser::accept(TokenKind kind) {
  if (!next_is(kind)) return false;
  take();
  return true;
}

Result<> Parser::set_height(Expr& expr, std::initializer_list<const Expr*> children) const {
  for (const Expr* child : children) {
    if (child != nullptr) expr.height = std::max(expr.height, child->height + 1);
  }
  if (expr.height > options_.max_depth) {
    return error_at(expr.span,
                    fmt::format("expression is nested deeper than {} levels", options_.max_depth));
  }
  return {};
}

Result<ExprPtr> Parser::parse_query() {
  if (next_is(TokenKind::kEnd)) return error_at({}, "no expression found in input");
  ExprPtr expr = TRY(parse_expr(0));
  if (!next_is(TokenKind::kEnd)) return unexpected("", "");
  TRY(check_types(*expr, text_));
  return expr;
}

Result<ExprPtr> Parser::parse_expr(int min_precedence) {
  const DepthGuard guard(depth_);
  if (depth_ > options_.max_depth) {
    return error_at(peek().span,
                    fmt::format("expression is nested deeper than {} levels", options_.max_depth));
  }
  ExprPtr lhs = TRY(parse_operand());
  while (is_operator(peek().kind)) {
    const int precedence = precedence_of(operator_of(peek().kind));
    if (precedence < min_precedence) break;
    lhs = TRY(parse_binary(std::move(lhs), precedence));
  }
  return lhs;
}

Result<ExprPtr> Parser::parse_binary(ExprPtr lhs, int precedence) {
  const Op op = operator_of(take().kind);
  auto binary = std::make_unique<BinaryExpr>(op, nullptr, nullptr, SourceSpan{});
  binary->matching.emplace();
  TRY(parse_binary_modifiers(*binary));
  // Only ^ is right-associative.
  ExprPtr rhs = TRY(parse_expr(op == Op::kPow ? precedence : precedence + 1));
  binary->span = {lhs->span.start, rhs->span.end};
  binary->lhs = std::move(lhs);
  binary->rhs = std::move(rhs);
  TRY(set_height(*binary, {binary->lhs.get(), binary->rhs.get()}));
  const auto& matching = *binary->matching;
  if (!options_.binop_fill_modifiers && (matching.fill_left || matching.fill_right)) {
    return error_at(binary->span, "binop fill modifiers are experimental and not enabled");
  }
  return binary;
}

Result<> Parser::parse_binary_modifiers(BinaryExpr& binary) {
  VectorMatching& matching = *binary.matching;
  binary.return_bool = accept(TokenKind::kBool);
  if (next_is(TokenKind::kOn) || next_is(TokenKind::kIgnoring)) {
    matching.on = take().kind == TokenKind::kOn;
    matching.labels = TRY(parse_grouping());
    if (next_is(TokenKind::kGroupLeft) || next_is(TokenKind::kGroupRight)) {
      matching.card =
          take().kind == TokenKind::kGroupLeft ? Cardinality::kManyToOne : Cardinality::kOneToMany;
      if (next_is(TokenKind::kLeftParen)) matching.include = TRY(parse_grouping());
    }
  }
  return parse_fill(matching);
}

Result<> Parser::parse_fill(VectorMatching& matching) {
  if (accept(TokenKind::kFill)) {
    matching.fill_left = matching.fill_right = TRY(parse_fill_value());
    return {};
  }
  while (next_is(TokenKind::kFillLeft) || next_is(TokenKind::kFillRight)) {
    auto& side = next_is(TokenKind::kFillLeft) ? matching.fill_left : matching.fill_right;
    if (side) return unexpected("", "");
    take();
    side = TRY(parse_fill_value());
  }
  return {};
}

Result<double> Parser::parse_fill_value() {
  if (!accept(TokenKind::kLeftParen)) return unexpected("", "");
  double sign = 1;
  if (next_is(TokenKind::kAdd) || next_is(TokenKind::kSub)) {
    sign = take().kind == TokenKind::kSub ? -1 : 1;
  }
  if (!next_is(TokenKind::kNumber) && !next_is(TokenKind::kDuration)) return unexpected("", "");
  const double value = TRY(number_value(take()));
  if (!accept(TokenKind::kRightParen)) return unexpected("", "");
  return sign * value;
}

// What may be a label's name though it is a word of the language.
static bool is_label_token(TokenKind kind) {
  return kind == TokenKind::kIdentifier || kind == TokenKind::kMetricIdentifier ||
         is_aggregation(kind) || kind >= TokenKind::kOffset || kind == TokenKind::kAnd ||
         kind == TokenKind::kOr || kind == TokenKind::kUnless || kind == TokenKind::kAtan2;
}

Result<std::vector<std::string>> Parser::parse_grouping() {
  if (!accept(TokenKind::kLeftParen)) return unexpected("grouping opts", "\"(\"");
  std::vector<std::string> labels;
  while (!accept(TokenKind::kRightParen)) {
    if (next_is(TokenKind::kString)) {
      const Token& token = take();
      labels.push_back(TRY(unquote_token(token)));
      if (labels.back().empty()) {
        return error_at(token.span, "invalid label name for grouping: \"\"");
      }
    } else if (is_label_token(peek().kind)) {
      labels.emplace_back(take().text);
    } else {
      return unexpected("grouping opts", "label");
    }
    if (next_is(TokenKind::kRightParen)) continue;
    if (!accept(TokenKind::kComma)) return unexpected("grouping opts", "\",\" or \")\"");
  }
  return labels;
}

Result<ExprPtr> Parser::parse_operand() {
  if (next_is(TokenKind::kAdd) || next_is(TokenKind::kSub)) return parse_signed();
  return parse_suffixes(TRY(parse_primary()));
}

// A sign binds as tight as * does: -2^2 is -(2^2).
Result<ExprPtr> Parser::parse_signed() {
  const Token& sign = take();
  const bool negative = sign.kind == TokenKind::kSub;
  ExprPtr inner = TRY(parse_expr(kPowPrecedence));
  if (inner->kind == ExprKind::kNumber) {
    if (negative) as<NumberLiteral>(*inner).value *= -1;
    inner->span.start = sign.span.start;
    return inner;
  }
  const SourceSpan span{sign.span.start, inner->span.end};
  auto unary = std::make_unique<UnaryExpr>(negative, std::move(inner), span);
  TRY(set_height(*unary, {unary->inner.get()}));
  return unary;
}

Result<ExprPtr> Parser::parse_primary() {
  switch (peek().kind) {
    case TokenKind::kLeftParen: return parse_paren();
    case TokenKind::kNumber:
    case TokenKind::kDuration: return parse_number();
    case TokenKind::kString: return parse_string_literal();
    case TokenKind::kLeftBrace: return parse_vector_selector();
    default: return parse_word();
  }
}

Result<ExprPtr> Parser::parse_paren() {
  const int32_t start = take().span.start;
  ExprPtr inner = TRY(parse_expr(0));
  if (!next_is(TokenKind::kRightParen)) return unexpected("", "");
  auto paren = std::make_unique<ParenExpr>(std::move(inner), SourceSpan{start, take().span.end});
  TRY(set_height(*paren, {paren->inner.get()}));
  return paren;
}

Result<double> Parser::number_value(const Token& token) const {
  if (token.kind == TokenKind::kDuration) {
    auto duration = parse_duration(token.text);
    if (!duration) return error_at(token.span, duration.error().message);
    return static_cast<double>(duration->count()) / 1000;
  }
  if (const auto integer = parse_go_int(token.text)) return *integer;
  const auto number = parse_double(token.text);
  if (number && std::isinf(*number) && token.text.find_first_of("0123456789") == 0) {
    return error_at(token.span, fmt::format("error parsing number: strconv.ParseFloat: parsing "
                                            "{}: value out of range",
                                            quoted(token.text)));
  }
  if (number) return *number;
  return error_at(token.span, fmt::format("error parsing number: strconv.ParseFloat: parsing {}: "
                                          "invalid syntax",
                                          quoted(token.text)));
}

Result<ExprPtr> Parser::parse_number() {
  const Token& token = take();
  auto number = std::make_unique<NumberLiteral>(TRY(number_value(token)), token.span);
  number->is_duration = token.kind == TokenKind::kDuration;
  return number;
}

Result<std::string> Parser::unquote_token(const Token& token) const {
  auto text = unquote(token.text);
  if (!text) {
    return error_at(token.span, fmt::format("error unquoting string {}: {}", quoted(token.text),
                                            text.error().message));
  }
  return *std::move(text);
}

Result<ExprPtr> Parser::parse_string_literal() {
  const Token& token = take();
  return std::make_unique<StringLiteral>(TRY(unquote_token(token)), token.span);
}

// Words are aggregations or functions where what follows says so, and metric names otherwise.
Result<ExprPtr> Parser::parse_word() {
  const TokenKind kind = peek().kind;
  const TokenKind next = peek_next().kind;
  if (is_aggregation(kind) &&
      (next == TokenKind::kLeftParen || next == TokenKind::kBy || next == TokenKind::kWithout)) {
    return parse_aggregate();
  }
  const bool may_call = kind == TokenKind::kIdentifier || kind >= TokenKind::kStart;
  if (may_call && next == TokenKind::kLeftParen) return parse_call();
  switch (kind) {
    case TokenKind::kOn:
    case TokenKind::kIgnoring:
    case TokenKind::kGroupLeft:
    case TokenKind::kGroupRight:
    case TokenKind::kBool:
    case TokenKind::kAtan2: return unexpected("", "");
    default: break;
  }
  if (!is_label_token(kind)) return unexpected("", "");
  return parse_vector_selector();
}

Result<std::vector<ExprPtr>> Parser::parse_arguments() {
  std::vector<ExprPtr> args;
  take();  // (
  if (accept(TokenKind::kRightParen)) return args;
  while (true) {
    args.push_back(TRY(parse_expr(0)));
    if (accept(TokenKind::kRightParen)) return args;
    if (!next_is(TokenKind::kComma)) return unexpected("", "");
    const Token& comma = take();
    if (next_is(TokenKind::kRightParen)) {
      return error_at(comma.span, "trailing commas not allowed in function call args");
    }
  }
}

Result<ExprPtr> Parser::parse_call() {
  const Token& name = take();
  auto args = TRY(parse_arguments());
  const Function* function = find_function(name.text);
  if (function == nullptr) {
    return error_at(name.span, fmt::format("unknown function with name {}", quoted(name.text)));
  }
  if (function->experimental && !options_.experimental_functions) {
    return error_at(name.span, fmt::format("function {} is not enabled", quoted(name.text)));
  }
  auto call = std::make_unique<Call>(function, SourceSpan{name.span.start, last_closing_});
  call->args = std::move(args);
  for (const auto& arg : call->args) TRY(set_height(*call, {arg.get()}));
  return call;
}

Result<ExprPtr> Parser::parse_aggregate() {
  const Token& op = take();
  auto aggregate = std::make_unique<AggregateExpr>(aggregation_of(op.kind), op.span);
  const DepthGuard guard(aggregations_open_);
  bool modified = false;
  const auto parse_modifier = [&]() -> Result<> {
    if (modified || (!next_is(TokenKind::kBy) && !next_is(TokenKind::kWithout))) return {};
    modified = true;
    aggregate->without = take().kind == TokenKind::kWithout;
    aggregate->grouping = TRY(parse_grouping());
    return {};
  };
  TRY(parse_modifier());
  if (!next_is(TokenKind::kLeftParen)) return unexpected("aggregation", "");
  auto args = TRY(parse_arguments());
  TRY(parse_modifier());
  aggregate->span = {op.span.start, last_closing_};

  if (args.empty()) {
    return error_at(aggregate->span, "no arguments for aggregate expression provided");
  }
  const bool parameter = takes_parameter(aggregate->op);
  if (is_experimental(aggregate->op) && !options_.experimental_functions) {
    return error_at(aggregate->span, fmt::format("{}() is experimental and must be enabled with "
                                                 "--enable-feature=promql-experimental-functions",
                                                 to_string(aggregate->op)));
  }
  const size_t wanted = parameter ? 2 : 1;
  if (args.size() != wanted) {
    return error_at(aggregate->span,
                    fmt::format("wrong number of arguments for aggregate expression provided, "
                                "expected {}, got {}",
                                wanted, args.size()));
  }
  if (parameter) aggregate->parameter = std::move(args[0]);
  aggregate->inner = std::move(args.back());
  TRY(set_height(*aggregate, {aggregate->inner.get(), aggregate->parameter.get()}));
  return aggregate;
}

Result<ExprPtr> parse(std::string_view text, const ParserOptions& options) {
  if (text.size() > options.max_length) {
    return bad_data(fmt::format("query is longer than {} bytes", options.max_length));
  }
  return Parser(text, options).parse_query();
}

}  // namespace strata::promql
