#include "api/ast_json.h"

#include <charconv>

#include "promql/function_table.h"

namespace strata::api {
namespace {

using promql::as;
using promql::Expr;
using promql::ExprKind;
using promql::TimeShift;
using promql::VectorSelector;

// As Go's FormatFloat(v, 'f', -1): the shortest digits, never an exponent.
std::string plain_number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  char text[512];  // 1.8e308 has 309 digits, 5e-324 as many places
  const auto [end, error] =
      std::to_chars(text, text + sizeof text, value, std::chars_format::fixed);
  return {text, end};
}

void write_names(JsonWriter& json, std::string_view key, const std::vector<std::string>& names) {
  json.key(key).begin_array();
  for (const auto& name : names) json.string(name);
  json.end_array();
}

void write_optional(JsonWriter& json, std::string_view key, const Expr* expr) {
  json.key(key);
  if (expr == nullptr) {
    json.null();
  } else {
    write_ast(json, *expr);
  }
}

void write_optional(JsonWriter& json, std::string_view key, std::optional<double> value) {
  json.key(key);
  if (value) {
    json.number(*value);
  } else {
    json.null();
  }
}

std::string_view duration_op(promql::DurationExpr::Kind op) {
  using Kind = promql::DurationExpr::Kind;
  switch (op) {
    case Kind::kAdd: return "+";
    case Kind::kSub: return "-";
    case Kind::kMul: return "*";
    case Kind::kDiv: return "/";
    case Kind::kMod: return "%";
    case Kind::kPow: return "^";
    case Kind::kStep: return "step";
    case Kind::kRange: return "range";
    case Kind::kMinOf: return "min_of";
    case Kind::kMaxOf: return "max_of";
  }
  return "";
}

// The operands of a duration: its numbers say whether they were written as durations.
void write_duration(JsonWriter& json, std::string_view key, const Expr* expr) {
  if (expr == nullptr) {
    json.key(key).null();
    return;
  }
  if (expr->kind == ExprKind::kNumber) {
    const auto& number = as<promql::NumberLiteral>(*expr);
    json.key(key).begin_object().key("type").string("numberLiteral");
    json.key("val").string(plain_number(number.value));
    json.key("duration").boolean(number.is_duration).end_object();
    return;
  }
  write_optional(json, key, expr);
}

void write_shift(JsonWriter& json, const TimeShift& shift) {
  json.key("offset").integer(shift.offset.count());
  write_duration(json, "offsetExpr", shift.offset_expr.get());
  json.key("timestamp");
  if (shift.at) {
    json.integer(*shift.at);
  } else {
    json.null();
  }
  json.key("startOrEnd");
  if (shift.at_point == promql::AtPoint::kNone) {
    json.null();
  } else {
    json.string(shift.at_point == promql::AtPoint::kStart ? "start" : "end");
  }
}

void write_selector(JsonWriter& json, const VectorSelector& selector) {
  constexpr std::string_view kOperators[] = {"=", "!=", "=~", "!~"};
  json.key("name").string(selector.name);
  write_shift(json, selector.shift);
  json.key("matchers").begin_array();
  for (const auto& matcher : selector.matchers) {
    json.begin_object().key("name").string(matcher.name()).key("value").string(matcher.value());
    json.key("type").string(kOperators[static_cast<size_t>(matcher.op())]).end_object();
  }
  json.end_array();
  json.key("anchored").boolean(selector.anchored).key("smoothed").boolean(selector.smoothed);
}

void write_matching(JsonWriter& json, const std::optional<promql::VectorMatching>& matching) {
  constexpr std::string_view kCardinalities[] = {"one-to-one", "many-to-one", "one-to-many",
                                                 "many-to-many"};
  json.key("matching");
  if (!matching) {
    json.null();
    return;
  }
  json.begin_object();
  json.key("card").string(kCardinalities[static_cast<size_t>(matching->card)]);
  write_names(json, "labels", matching->labels);
  json.key("on").boolean(matching->on);
  write_names(json, "include", matching->include);
  json.key("fillValues").begin_object();
  write_optional(json, "lhs", matching->fill_left);
  write_optional(json, "rhs", matching->fill_right);
  json.end_object().end_object();
}

void write_fields(JsonWriter& json, const promql::BinaryExpr& expr) {
  json.key("type").string("binaryExpr").key("op").string(to_string(expr.op));
  write_optional(json, "lhs", expr.lhs.get());
  write_optional(json, "rhs", expr.rhs.get());
  write_matching(json, expr.matching);
  json.key("bool").boolean(expr.return_bool);
}

void write_fields(JsonWriter& json, const promql::AggregateExpr& expr) {
  json.key("type").string("aggregation").key("op").string(to_string(expr.op));
  write_optional(json, "expr", expr.inner.get());
  write_optional(json, "param", expr.parameter.get());
  write_names(json, "grouping", expr.grouping);
  json.key("without").boolean(expr.without);
}

void write_fields(JsonWriter& json, const promql::Call& expr) {
  const auto& function = *expr.function;
  json.key("type").string("call").key("func").begin_object();
  json.key("name").string(function.name).key("argTypes").begin_array();
  for (const auto type : function.args) json.string(promql::to_string(type));
  json.end_array().key("variadic").integer(function.variadic);
  json.key("returnType").string(promql::to_string(function.result)).end_object();
  json.key("args").begin_array();
  for (const auto& argument : expr.args) write_ast(json, *argument);
  json.end_array();
}

void write_fields(JsonWriter& json, const promql::MatrixSelector& expr) {
  json.key("type").string("matrixSelector").key("range").integer(expr.range.count());
  write_duration(json, "rangeExpr", expr.range_expr.get());
  write_selector(json, *expr.vector);
}

void write_fields(JsonWriter& json, const promql::SubqueryExpr& expr) {
  json.key("type").string("subquery");
  write_optional(json, "expr", expr.inner.get());
  json.key("range").integer(expr.range.count());
  write_duration(json, "rangeExpr", expr.range_expr.get());
  json.key("step").integer(expr.step.count());
  write_duration(json, "stepExpr", expr.step_expr.get());
  write_shift(json, expr.shift);
}

void write_fields(JsonWriter& json, const promql::DurationExpr& expr) {
  json.key("type").string("durationExpr").key("op").string(duration_op(expr.op));
  write_duration(json, "lhs", expr.lhs.get());
  write_duration(json, "rhs", expr.rhs.get());
  json.key("wrapped").boolean(expr.wrapped);
}

}  // namespace

void write_ast(JsonWriter& json, const Expr& expr) {
  json.begin_object();
  switch (expr.kind) {
    case ExprKind::kNumber:
      json.key("type").string("numberLiteral");
      json.key("val").string(plain_number(as<promql::NumberLiteral>(expr).value));
      break;
    case ExprKind::kString:
      json.key("type").string("stringLiteral");
      json.key("val").string(as<promql::StringLiteral>(expr).value);
      break;
    case ExprKind::kParen:
      json.key("type").string("parenExpr");
      write_optional(json, "expr", as<promql::ParenExpr>(expr).inner.get());
      break;
    case ExprKind::kUnary:
      json.key("type").string("unaryExpr");
      json.key("op").string(as<promql::UnaryExpr>(expr).negative ? "-" : "+");
      write_optional(json, "expr", as<promql::UnaryExpr>(expr).inner.get());
      break;
    case ExprKind::kVectorSelector:
      json.key("type").string("vectorSelector");
      write_selector(json, as<VectorSelector>(expr));
      break;
    case ExprKind::kBinary: write_fields(json, as<promql::BinaryExpr>(expr)); break;
    case ExprKind::kAggregate: write_fields(json, as<promql::AggregateExpr>(expr)); break;
    case ExprKind::kCall: write_fields(json, as<promql::Call>(expr)); break;
    case ExprKind::kMatrixSelector: write_fields(json, as<promql::MatrixSelector>(expr)); break;
    case ExprKind::kSubquery: write_fields(json, as<promql::SubqueryExpr>(expr)); break;
    case ExprKind::kDuration: write_fields(json, as<promql::DurationExpr>(expr)); break;
  }
  json.end_object();
}

}  // namespace strata::api
