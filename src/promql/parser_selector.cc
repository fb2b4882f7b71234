// Selectors and what may follow them: {…}, [range], [range:step], offset, @, anchored, smoothed.
#include <algorithm>
#include <cmath>

#include "promql/parser_impl.h"
#include "promql/quote.h"

namespace strata::promql {
namespace {

// Go's %f.
std::string fixed_text(double v) {
  if (std::isnan(v)) return "NaN";
  if (std::isinf(v)) return v < 0 ? "-Inf" : "+Inf";
  return fmt::format("{:f}", v);
}

}  // namespace

Result<ExprPtr> Parser::parse_vector_selector() {
  auto selector = std::make_unique<VectorSelector>(peek().span);
  if (!next_is(TokenKind::kLeftBrace)) selector->name = std::string(take().text);
  if (next_is(TokenKind::kLeftBrace)) {
    selector->matchers = TRY(parse_matchers());
    selector->span.end = last_closing_;
  }
  if (!selector->name.empty()) {
    selector->matchers.push_back(Matcher::equal(std::string(kMetricName), selector->name));
  }
  return selector;
}

Result<std::vector<Matcher>> Parser::parse_matchers() {
  take();  // {
  std::vector<Matcher> matchers;
  while (!accept(TokenKind::kRightBrace)) {
    matchers.push_back(TRY(parse_matcher()));
    if (next_is(TokenKind::kRightBrace)) continue;
    if (!accept(TokenKind::kComma)) return unexpected("label matching", "\",\" or \"}\"");
  }
  return matchers;
}

Result<Matcher> Parser::parse_matcher() {
  const Token& name_token = peek();
  const bool is_string = name_token.kind == TokenKind::kString;
  if (!is_string && name_token.kind != TokenKind::kIdentifier) {
    return unexpected("label matching", "identifier or \"}\"");
  }
  take();
  std::string name = is_string ? TRY(unquote_token(name_token)) : std::string(name_token.text);
  Matcher::Op op;
  switch (peek().kind) {
    case TokenKind::kEqual: op = Matcher::Op::kEqual; break;
    case TokenKind::kNotEqual: op = Matcher::Op::kNotEqual; break;
    case TokenKind::kRegexMatch: op = Matcher::Op::kRegex; break;
    case TokenKind::kRegexNoMatch: op = Matcher::Op::kNotRegex; break;
    default:
      // {"metric name"}: names that are not identifiers stand inside the braces.
      if (is_string) return Matcher::equal(std::string(kMetricName), std::move(name));
      return unexpected("label matching", "label matching operator");
  }
  take();
  if (!next_is(TokenKind::kString)) return unexpected("label matching", "string");
  const Token& value = take();
  auto matcher = Matcher::make(op, std::move(name), TRY(unquote_token(value)));
  if (!matcher) {
    return error_at({name_token.span.start, value.span.end}, matcher.error().message);
  }
  return *std::move(matcher);
}

Result<std::vector<Matcher>> Parser::parse_matchers_only() {
  if (next_is(TokenKind::kEnd)) return error_at({}, "no expression found in input");
  ExprPtr expr = TRY(parse_primary());
  if (!next_is(TokenKind::kEnd)) return unexpected("", "");
  if (expr->kind != ExprKind::kVectorSelector) {
    return error_at(expr->span, "expected a selector of series");
  }
  TRY(check_types(*expr, text_));
  return std::move(as<VectorSelector>(*expr).matchers);
}

Result<Labels> Parser::parse_label_set(std::string_view metric) {
  LabelsBuilder labels;
  labels.set(kMetricName, metric);
  if (!accept(TokenKind::kLeftBrace)) return labels.build();
  while (!accept(TokenKind::kRightBrace)) {
    const Token& name_token = peek();
    const bool is_string = name_token.kind == TokenKind::kString;
    if (!is_string && name_token.kind != TokenKind::kIdentifier) {
      return unexpected("label set", "identifier or \"}\"");
    }
    take();
    const std::string name = is_string ? TRY(unquote_token(name_token)) : std::string(name_token.text);
    if (accept(TokenKind::kEqual)) {
      if (!next_is(TokenKind::kString)) return unexpected("label set", "string");
      labels.set(name, TRY(unquote_token(take())));
    } else if (is_string) {
      labels.set(kMetricName, name);
    } else {
      return unexpected("label set", "\"=\"");
    }
    if (next_is(TokenKind::kRightBrace)) continue;
    if (!accept(TokenKind::kComma)) return unexpected("label set", "\",\" or \"}\"");
  }
  return labels.build();
}

Result<Labels> Parser::parse_labels_only() {
  std::string_view metric;
  if (!next_is(TokenKind::kLeftBrace)) {
    if (peek().kind < TokenKind::kIdentifier || peek().kind == TokenKind::kString) {
      return unexpected("", "");
    }
    metric = take().text;
  }
  Labels labels = TRY(parse_label_set(metric));
  if (!next_is(TokenKind::kEnd)) return unexpected("", "");
  return labels;
}

Result<ExprPtr> Parser::parse_suffixes(ExprPtr expr) {
  while (true) {
    switch (peek().kind) {
      case TokenKind::kLeftBracket: expr = TRY(parse_brackets(std::move(expr))); break;
      case TokenKind::kOffset: TRY(parse_offset(*expr)); break;
      case TokenKind::kAt: TRY(parse_at(*expr)); break;
      case TokenKind::kAnchored:
      case TokenKind::kSmoothed: TRY(parse_extended(*expr)); break;
      default: return expr;
    }
  }
}

Result<ExprPtr> Parser::parse_brackets(ExprPtr expr) {
  const Token& open = take();
  ExprPtr range = TRY(parse_positive_duration(kRangeContext));
  if (next_is(TokenKind::kRightBracket)) {
    return make_matrix(std::move(expr), std::move(range), open);
  }
  if (!accept(TokenKind::kColon)) return unexpected("subquery or range", "\":\" or \"]\"");

  auto subquery = std::make_unique<SubqueryExpr>(std::move(expr), SourceSpan{});
  if (!next_is(TokenKind::kRightBracket)) {
    ExprPtr step = TRY(parse_positive_duration(kStepContext));
    if (!next_is(TokenKind::kRightBracket)) return unexpected("subquery selector", "\"]\"");
    if (step->kind == ExprKind::kNumber) {
      subquery->step = millis_of_seconds(as<NumberLiteral>(*step).value);
    } else {
      subquery->step_expr = std::move(step);
    }
  }
  if (range->kind == ExprKind::kNumber) {
    subquery->range = millis_of_seconds(as<NumberLiteral>(*range).value);
  } else {
    subquery->range_expr = std::move(range);
  }
  subquery->span = {subquery->inner->span.start, take().span.end};
  TRY(set_height(*subquery, {subquery->inner.get()}));
  return subquery;
}

Result<ExprPtr> Parser::make_matrix(ExprPtr expr, ExprPtr range, const Token& open) {
  const SourceSpan brackets{open.span.start, take().span.end};
  if (expr->kind != ExprKind::kVectorSelector) {
    return error_at(brackets, "ranges only allowed for vector selectors");
  }
  std::unique_ptr<VectorSelector> vector(static_cast<VectorSelector*>(expr.release()));
  if (vector->shift.offset.count() != 0 || vector->shift.offset_expr) {
    return error_at(brackets, "no offset modifiers allowed before range");
  }
  if (vector->shift.at || vector->shift.at_point != AtPoint::kNone) {
    return error_at(brackets, "no @ modifiers allowed before range");
  }
  const SourceSpan span{vector->span.start, last_closing_};
  auto matrix = std::make_unique<MatrixSelector>(std::move(vector), span);
  if (range->kind == ExprKind::kNumber) {
    matrix->range = millis_of_seconds(as<NumberLiteral>(*range).value);
  } else {
    matrix->range_expr = std::move(range);
  }
  matrix->height = 2;
  return matrix;
}

Result<TimeShift*> Parser::shift_of(Expr& expr, std::string_view modifier) {
  switch (expr.kind) {
    case ExprKind::kVectorSelector: return &as<VectorSelector>(expr).shift;
    case ExprKind::kMatrixSelector: return &as<MatrixSelector>(expr).vector->shift;
    case ExprKind::kSubquery: return &as<SubqueryExpr>(expr).shift;
    default:
      return error_at(expr.span, fmt::format("{} modifier must be preceded by an instant vector "
                                             "selector or range vector selector or a subquery",
                                             modifier));
  }
}

Result<> Parser::parse_offset(Expr& expr) {
  take();  // offset
  ExprPtr offset = TRY(parse_offset_duration());
  TimeShift* shift = TRY(shift_of(expr, "offset"));
  if (shift->offset.count() != 0 || shift->offset_expr) {
    return error_at(expr.span, "offset may not be set multiple times");
  }
  if (offset->kind == ExprKind::kNumber) {
    shift->offset = millis_of_seconds(as<NumberLiteral>(*offset).value);
  } else {
    shift->offset_expr = std::move(offset);
  }
  expr.span.end = last_closing_;
  return {};
}

Result<> Parser::parse_at(Expr& expr) {
  take();  // @
  const auto check_unset = [&]() -> Result<TimeShift*> {
    TimeShift* shift = TRY(shift_of(expr, "@"));
    if (shift->at || shift->at_point != AtPoint::kNone) {
      return error_at(expr.span, "@ <timestamp> may not be set multiple times");
    }
    return shift;
  };
  if (next_is(TokenKind::kStart) || next_is(TokenKind::kEndPoint)) {
    const AtPoint point = take().kind == TokenKind::kStart ? AtPoint::kStart : AtPoint::kEnd;
    if (!accept(TokenKind::kLeftParen) || !accept(TokenKind::kRightParen)) {
      return unexpected("@", "timestamp");
    }
    (TRY(check_unset()))->at_point = point;
    expr.span.end = last_closing_;
    return {};
  }
  double sign = 1;
  if (next_is(TokenKind::kAdd) || next_is(TokenKind::kSub)) {
    sign = take().kind == TokenKind::kSub ? -1 : 1;
  }
  if (!next_is(TokenKind::kNumber) && !next_is(TokenKind::kDuration)) {
    return unexpected("@", "timestamp");
  }
  const double seconds = sign * TRY(number_value(take()));
  // Beyond these the milliseconds do not fit 64 bits.
  if (!(std::abs(seconds) < 9223372036854775807.0)) {
    return error_at(expr.span,
                    fmt::format("timestamp out of bounds for @ modifier: {}", fixed_text(seconds)));
  }
  const double millis = std::clamp(std::round(seconds * 1000), -9.2e18, 9.2e18);
  (TRY(check_unset()))->at = static_cast<TimestampMs>(millis);
  expr.span.end = last_closing_;
  return {};
}

Result<> Parser::parse_extended(Expr& expr) {
  const bool anchored = peek().kind == TokenKind::kAnchored;
  const std::string_view word = anchored ? "anchored" : "smoothed";
  take();
  if (!options_.extended_range_selectors) {
    return error_at(expr.span, fmt::format("{} modifier is experimental and not enabled", word));
  }
  VectorSelector* vector = nullptr;
  if (expr.kind == ExprKind::kVectorSelector) vector = &as<VectorSelector>(expr);
  if (expr.kind == ExprKind::kMatrixSelector) vector = as<MatrixSelector>(expr).vector.get();
  if (vector == nullptr) {
    return error_at(expr.span,
                    fmt::format(fmt::runtime(expr.kind == ExprKind::kSubquery
                                                 ? "{} modifier is not supported for subqueries"
                                                 : "{} modifier not implemented"),
                                word));
  }
  (anchored ? vector->anchored : vector->smoothed) = true;
  if (vector->anchored && vector->smoothed) {
    return error_at(expr.span, "anchored and smoothed modifiers cannot be used together");
  }
  return {};
}

Result<std::vector<Matcher>> parse_selector(std::string_view text) {
  const ParserOptions options;
  if (text.size() > options.max_length) {
    return bad_data(fmt::format("selector is longer than {} bytes", options.max_length));
  }
  return Parser(text, options).parse_matchers_only();
}

Result<Labels> parse_metric(std::string_view text) {
  const ParserOptions options;
  return Parser(text, options).parse_labels_only();
}

}  // namespace strata::promql
