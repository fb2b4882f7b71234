// Trees as text, as Prometheus prints them: on one line, or over several.
#include <algorithm>
#include <cmath>

#include "base/number.h"
#include "promql/function_table.h"
#include "promql/parser.h"
#include "promql/quote.h"

namespace strata::promql {
namespace {

constexpr size_t kMaxLine = 100;

std::string label_list(const std::vector<std::string>& labels) {
  std::string out;
  for (const auto& label : labels) {
    if (!out.empty()) out += ", ";
    append_label_name(out, label);
  }
  return out;
}

std::string signed_duration(Millis duration) {
  return duration.count() < 0 ? "-" + format_duration(-duration) : format_duration(duration);
}

std::string literal_text(const NumberLiteral& number) {
  if (!number.is_duration) return format_double(number.value);
  const auto millis = static_cast<int64_t>(std::round(number.value * 1000));
  return signed_duration(Millis(millis));
}

std::string_view symbol(DurationExpr::Kind kind) {
  using enum DurationExpr::Kind;
  switch (kind) {
    case kAdd: return "+";
    case kSub: return "-";
    case kMul: return "*";
    case kDiv: return "/";
    case kMod: return "%";
    case kPow: return "^";
    case kStep: return "step";
    case kRange: return "range";
    case kMinOf: return "min_of";
    case kMaxOf: return "max_of";
  }
  return "";
}

std::string duration_text(const DurationExpr& expr) {
  using enum DurationExpr::Kind;
  std::string out;
  if (expr.op == kStep || expr.op == kRange) {
    out.append(symbol(expr.op)).append("()");
  } else if (expr.op == kMinOf || expr.op == kMaxOf) {
    out = fmt::format("{}({}, {})", symbol(expr.op), to_string(*expr.lhs), to_string(*expr.rhs));
  } else if (!expr.lhs) {
    out = (expr.op == kSub ? "-" : "") + to_string(*expr.rhs);
  } else {
    out = fmt::format("{} {} {}", to_string(*expr.lhs), symbol(expr.op), to_string(*expr.rhs));
  }
  return expr.wrapped ? "(" + out + ")" : out;
}

std::string at_text(const TimeShift& shift) {
  if (shift.at) return fmt::format(" @ {:.3f}", static_cast<double>(*shift.at) / 1000);
  if (shift.at_point == AtPoint::kStart) return " @ start()";
  if (shift.at_point == AtPoint::kEnd) return " @ end()";
  return "";
}

std::string offset_text(const TimeShift& shift) {
  if (shift.offset_expr) return " offset " + to_string(*shift.offset_expr);
  if (shift.offset.count() != 0) return " offset " + signed_duration(shift.offset);
  return "";
}

std::string_view extended_text(const VectorSelector& selector) {
  if (selector.anchored) return " anchored";
  return selector.smoothed ? " smoothed" : "";
}

std::string series_text(const VectorSelector& selector) {
  std::vector<std::string> matchers;
  for (const auto& matcher : selector.matchers) {
    const bool is_name = matcher.name() == kMetricName && matcher.op() == Matcher::Op::kEqual &&
                         matcher.value() == selector.name && !selector.name.empty();
    if (is_name) continue;
    std::string text;
    append_label_name(text, matcher.name());
    constexpr std::string_view kOperators[] = {"=", "!=", "=~", "!~"};
    text.append(kOperators[static_cast<size_t>(matcher.op())]);
    append_quoted(text, matcher.value());
    matchers.push_back(std::move(text));
  }
  std::ranges::sort(matchers);
  std::string out = selector.name;
  if (matchers.empty()) return out.empty() ? "{}" : out;
  out += '{';
  for (const auto& matcher : matchers) out.append(matcher).append(",");
  out.back() = '}';
  return out;
}

std::string range_text(Millis range, const ExprPtr& expr) {
  return expr ? to_string(*expr) : format_duration(range);
}

std::string matrix_text(const MatrixSelector& matrix) {
  const VectorSelector& vector = *matrix.vector;
  return fmt::format("{}[{}]{}{}{}", series_text(vector),
                     range_text(matrix.range, matrix.range_expr), extended_text(vector),
                     at_text(vector.shift), offset_text(vector.shift));
}

std::string subquery_suffix(const SubqueryExpr& subquery) {
  std::string step;
  if (subquery.step_expr || subquery.step.count() != 0) {
    step = range_text(subquery.step, subquery.step_expr);
  }
  return fmt::format("[{}:{}]{}{}", range_text(subquery.range, subquery.range_expr), step,
                     at_text(subquery.shift), offset_text(subquery.shift));
}

std::string fill_text(const VectorMatching& matching) {
  const auto& left = matching.fill_left;
  const auto& right = matching.fill_right;
  if (left && right && *left == *right) return fmt::format(" fill ({})", number_text(*left));
  std::string out;
  if (left) out += fmt::format(" fill_left ({})", number_text(*left));
  if (right) out += fmt::format(" fill_right ({})", number_text(*right));
  return out;
}

/// +Inf as the base of a power: there its sign would be read as that of the whole power.
bool is_unsigned_infinity(const BinaryExpr& binary) {
  return binary.op == Op::kPow && binary.lhs->kind == ExprKind::kNumber &&
         literal_text(as<NumberLiteral>(*binary.lhs)) == "+Inf";
}

std::string operator_text(const BinaryExpr& binary) {
  std::string out(to_string(binary.op));
  if (binary.return_bool) out += " bool";
  if (!binary.matching) return out;
  const VectorMatching& matching = *binary.matching;
  const bool grouped =
      matching.card == Cardinality::kManyToOne || matching.card == Cardinality::kOneToMany;
  if (!matching.labels.empty() || matching.on || grouped) {
    out += fmt::format(" {} ({})", matching.on ? "on" : "ignoring", label_list(matching.labels));
  }
  if (grouped) {
    out +=
        fmt::format(" group_{} ({})", matching.card == Cardinality::kManyToOne ? "left" : "right",
                    label_list(matching.include));
  }
  return out + fill_text(matching);
}

std::string aggregate_head(const AggregateExpr& expr) {
  std::string out(to_string(expr.op));
  if (expr.without || !expr.grouping.empty()) {
    out += fmt::format(" {} ({}) ", expr.without ? "without" : "by", label_list(expr.grouping));
  }
  return out;
}

std::string call_text(const Call& call) {
  std::string out = fmt::format("{}(", call.function->name);
  for (size_t i = 0; i < call.args.size(); ++i) {
    if (i > 0) out += ", ";
    out += to_string(*call.args[i]);
  }
  return out + ")";
}

std::string indent(int level) { return std::string(static_cast<size_t>(level) * 2, ' '); }

std::string pretty(const Expr& expr, int level);

std::string pretty_aggregate(const AggregateExpr& expr, int level) {
  std::string out = indent(level) + aggregate_head(expr) + "(\n";
  if (expr.parameter) out += pretty(*expr.parameter, level + 1) + ",\n";
  return out + pretty(*expr.inner, level + 1) + "\n" + indent(level) + ")";
}

std::string pretty_call(const Call& call, int level) {
  std::string out = fmt::format("{}{}(\n", indent(level), call.function->name);
  for (size_t i = 0; i < call.args.size(); ++i) {
    if (i > 0) out += ",\n";
    out += pretty(*call.args[i], level + 1);
  }
  return out + "\n" + indent(level) + ")";
}

std::string pretty(const Expr& expr, int level) {
  if (expr.kind == ExprKind::kUnary) {
    const auto& unary = as<UnaryExpr>(expr);
    const std::string inner = pretty(*unary.inner, level);
    return indent(level) + (unary.negative ? "-" : "+") +
           inner.substr(inner.find_first_not_of(" \n"));
  }
  std::string line = to_string(expr);
  if (line.size() <= kMaxLine) return indent(level) + line;
  switch (expr.kind) {
    case ExprKind::kAggregate: return pretty_aggregate(as<AggregateExpr>(expr), level);
    case ExprKind::kCall: return pretty_call(as<Call>(expr), level);
    case ExprKind::kBinary: {
      const auto& binary = as<BinaryExpr>(expr);
      const std::string lhs =
          is_unsigned_infinity(binary) ? indent(level + 1) + "Inf" : pretty(*binary.lhs, level + 1);
      return fmt::format("{}\n{}{}\n{}", lhs, indent(level), operator_text(binary),
                         pretty(*binary.rhs, level + 1));
    }
    case ExprKind::kParen:
      return fmt::format("{}(\n{}\n{})", indent(level),
                         pretty(*as<ParenExpr>(expr).inner, level + 1), indent(level));
    case ExprKind::kSubquery:
      return pretty(*as<SubqueryExpr>(expr).inner, level) + subquery_suffix(as<SubqueryExpr>(expr));
    default: return indent(level) + line;
  }
}

}  // namespace

std::string to_string(const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kNumber: return literal_text(as<NumberLiteral>(expr));
    case ExprKind::kString: return quoted(as<StringLiteral>(expr).value);
    case ExprKind::kParen: return "(" + to_string(*as<ParenExpr>(expr).inner) + ")";
    case ExprKind::kUnary: {
      const auto& unary = as<UnaryExpr>(expr);
      return (unary.negative ? "-" : "+") + to_string(*unary.inner);
    }
    case ExprKind::kBinary: {
      const auto& binary = as<BinaryExpr>(expr);
      return fmt::format("{} {} {}", is_unsigned_infinity(binary) ? "Inf" : to_string(*binary.lhs),
                         operator_text(binary), to_string(*binary.rhs));
    }
    case ExprKind::kAggregate: {
      const auto& aggregate = as<AggregateExpr>(expr);
      const std::string parameter =
          aggregate.parameter ? to_string(*aggregate.parameter) + ", " : "";
      return fmt::format("{}({}{})", aggregate_head(aggregate), parameter,
                         to_string(*aggregate.inner));
    }
    case ExprKind::kCall: return call_text(as<Call>(expr));
    case ExprKind::kVectorSelector: {
      const auto& selector = as<VectorSelector>(expr);
      return fmt::format("{}{}{}{}", series_text(selector), at_text(selector.shift),
                         extended_text(selector), offset_text(selector.shift));
    }
    case ExprKind::kMatrixSelector: return matrix_text(as<MatrixSelector>(expr));
    case ExprKind::kSubquery: {
      const auto& subquery = as<SubqueryExpr>(expr);
      return to_string(*subquery.inner) + subquery_suffix(subquery);
    }
    case ExprKind::kDuration: return duration_text(as<DurationExpr>(expr));
  }
  return "";
}

std::string pretty(const Expr& expr) { return pretty(expr, 0); }

}  // namespace strata::promql
