// Which expressions make sense: types of operands and arguments, matching, selectors.
#include <algorithm>

#include "promql/function_table.h"
#include "promql/parser_impl.h"
#include "promql/quote.h"

namespace strata::promql {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

class TypeChecker {
 public:
  explicit TypeChecker(std::string_view text) : text_(text) {}

  Result<ValueType> check(Expr& expr) {
    switch (expr.kind) {
      case ExprKind::kAggregate: TRY(check_aggregate(as<AggregateExpr>(expr))); break;
      case ExprKind::kBinary: TRY(check_binary(as<BinaryExpr>(expr))); break;
      case ExprKind::kCall: TRY(check_call(as<Call>(expr))); break;
      case ExprKind::kParen: TRY(check(*as<ParenExpr>(expr).inner)); break;
      case ExprKind::kUnary: TRY(check_unary(as<UnaryExpr>(expr))); break;
      case ExprKind::kSubquery: TRY(check_subquery(as<SubqueryExpr>(expr))); break;
      case ExprKind::kMatrixSelector: TRY(check_selector(*as<MatrixSelector>(expr).vector)); break;
      case ExprKind::kVectorSelector: TRY(check_selector(as<VectorSelector>(expr))); break;
      case ExprKind::kNumber:
      case ExprKind::kString:
      case ExprKind::kDuration: break;
    }
    return type_of(expr);
  }

 private:
  std::unexpected<Error> error(SourceSpan span, std::string_view message) const {
    return parse_error(text_, span, message);
  }

  Result<> expect(Expr& expr, ValueType wanted, std::string_view context) {
    const ValueType type = TRY(check(expr));
    if (type == wanted) return {};
    return error(expr.span, fmt::format("expected type {} in {}, got {}", documented_name(wanted),
                                        context, documented_name(type)));
  }

  Result<> check_aggregate(AggregateExpr& expr) {
    TRY(expect(*expr.inner, ValueType::kVector, "aggregation expression"));
    if (!expr.parameter) return {};
    const ValueType wanted =
        expr.op == Aggregation::kCountValues ? ValueType::kString : ValueType::kScalar;
    return expect(*expr.parameter, wanted, "aggregation parameter");
  }

  Result<> check_unary(UnaryExpr& expr) {
    const ValueType type = TRY(check(*expr.inner));
    if (type == ValueType::kScalar || type == ValueType::kVector) return {};
    return error(expr.span, fmt::format("unary expression only allowed on expressions of type "
                                        "scalar or instant vector, got \"{}\"",
                                        documented_name(type)));
  }

  Result<> check_subquery(SubqueryExpr& expr) {
    const ValueType type = TRY(check(*expr.inner));
    if (type == ValueType::kVector) return {};
    return error(
        expr.span,
        fmt::format("subquery is only allowed on instant vector, got {} instead", to_string(type)));
  }

  // Between the operands, without the blanks.
  SourceSpan operator_span(const BinaryExpr& expr) const {
    SourceSpan span{expr.lhs->span.end, expr.rhs->span.start};
    while (span.start < span.end && is_space(text_[static_cast<size_t>(span.start)])) ++span.start;
    return span;
  }

  Result<> check_binary(BinaryExpr& expr) {
    const ValueType left = TRY(check(*expr.lhs));
    const ValueType right = TRY(check(*expr.rhs));
    const bool scalars = left == ValueType::kScalar && right == ValueType::kScalar;
    if (expr.return_bool && !is_comparison(expr.op)) {
      return error(operator_span(expr), "bool modifier can only be used on comparison operators");
    }
    if (is_comparison(expr.op) && !expr.return_bool && scalars) {
      return error(operator_span(expr), "comparisons between scalars must use BOOL modifier");
    }
    TRY(check_include(expr));
    const auto operand = [](ValueType type) {
      return type == ValueType::kScalar || type == ValueType::kVector;
    };
    constexpr std::string_view kOperands =
        "binary expression must contain only scalar and instant vector types";
    if (!operand(left)) return error(expr.lhs->span, kOperands);
    if (!operand(right)) return error(expr.rhs->span, kOperands);
    const bool vectors = left == ValueType::kVector && right == ValueType::kVector;
    return vectors ? check_set_operator(expr) : check_scalar_operand(expr);
  }

  Result<> check_include(BinaryExpr& expr) const {
    VectorMatching& matching = *expr.matching;
    if (is_set_operator(expr.op) && matching.card == Cardinality::kOneToOne) {
      matching.card = Cardinality::kManyToMany;
    }
    for (const auto& label : matching.labels) {
      if (matching.on && std::ranges::count(matching.include, label) > 0) {
        return error(
            operator_span(expr),
            fmt::format("label {} must not occur in ON and GROUP clause at once", quoted(label)));
      }
    }
    return {};
  }

  Result<> check_scalar_operand(BinaryExpr& expr) const {
    const VectorMatching& matching = *expr.matching;
    if (!matching.labels.empty()) {
      return error(expr.span, "vector matching only allowed between instant vectors");
    }
    if (matching.fill_left || matching.fill_right) {
      return error(expr.span, "filling in missing series only allowed between instant vectors");
    }
    expr.matching.reset();
    if (is_set_operator(expr.op)) {
      return error(expr.span, fmt::format("set operator \"{}\" not allowed in binary scalar "
                                          "expression",
                                          to_string(expr.op)));
    }
    return {};
  }

  Result<> check_set_operator(const BinaryExpr& expr) const {
    if (!is_set_operator(expr.op)) return {};
    const VectorMatching& matching = *expr.matching;
    if (matching.card != Cardinality::kManyToMany) {
      return error(expr.span,
                   fmt::format("no grouping allowed for \"{}\" operation", to_string(expr.op)));
    }
    if (matching.fill_left || matching.fill_right) {
      return error(expr.span, "filling in missing series not allowed for set operators");
    }
    return {};
  }

  Result<> check_call(Call& call) {
    const Function& function = *call.function;
    const size_t declared = function.args.size();
    const size_t given = call.args.size();
    const auto wrong_count = [&](std::string_view bound, size_t count) {
      return error(call.span, fmt::format("expected {}{} argument(s) in call to \"{}\", got {}",
                                          bound, count, function.name, given));
    };
    if (function.variadic == 0) {
      if (given != declared) return wrong_count("", declared);
    } else {
      const size_t least = declared - 1;
      if (given < least) return wrong_count("at least ", least);
      const size_t most = least + static_cast<size_t>(std::max(function.variadic, 0));
      if (function.variadic > 0 && given > most) return wrong_count("at most ", most);
    }
    if (function.name == "info" && given > 1) TRY(check_info_selector(call));
    for (size_t i = 0; i < given; ++i) {
      const ValueType wanted = function.args[std::min(i, declared - 1)];
      TRY(expect(*call.args[i], wanted, fmt::format("call to function \"{}\"", function.name)));
    }
    return {};
  }

  // info()'s second argument only says which labels to add.
  Result<> check_info_selector(Call& call) const {
    Expr& arg = *call.args[1];
    const ValueType type = type_of(arg);
    if (type != ValueType::kVector) {
      return error(call.span,
                   fmt::format("expected type {} in call to function \"info\", got {}",
                               documented_name(ValueType::kVector), documented_name(type)));
    }
    if (arg.kind != ExprKind::kVectorSelector) {
      return error(arg.span, "expected label selectors only");
    }
    auto& selector = as<VectorSelector>(arg);
    if (!selector.name.empty()) {
      return error(arg.span, "expected label selectors only, got vector selector instead");
    }
    selector.any_series = true;
    return {};
  }

  Result<> check_selector(const VectorSelector& selector) const {
    const auto& matchers = selector.matchers;
    if (!selector.name.empty()) {
      for (size_t i = 0; i + 1 < matchers.size(); ++i) {
        if (matchers[i].name() != kMetricName) continue;
        return error(selector.span,
                     fmt::format("metric name must not be set twice: {} or {}",
                                 quoted(selector.name), quoted(matchers[i].value())));
      }
      return {};
    }
    const bool selective = std::ranges::any_of(
        matchers, [](const Matcher& matcher) { return !matcher.matches_empty(); });
    if (selective || selector.any_series) return {};
    return error(selector.span, "vector selector must contain at least one non-empty matcher");
  }

  const std::string_view text_;
};

}  // namespace

Result<> check_types(Expr& expr, std::string_view text) {
  TRY(TypeChecker(text).check(expr));
  return {};
}

}  // namespace strata::promql
