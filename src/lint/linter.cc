#include "lint/linter.h"

#include <algorithm>

#include "promql/function_table.h"
#include "promql/parser.h"

namespace strata::lint {
namespace {

using promql::as;
using promql::Expr;
using promql::ExprKind;

// Calls `visit` for each direct part of `expr`.
template <class Visit>
void for_each_part(const Expr& expr, Visit visit) {
  const auto part = [&](const promql::ExprPtr& inner) {
    if (inner) visit(*inner);
  };
  switch (expr.kind) {
    case ExprKind::kParen: part(as<promql::ParenExpr>(expr).inner); break;
    case ExprKind::kUnary: part(as<promql::UnaryExpr>(expr).inner); break;
    case ExprKind::kSubquery: part(as<promql::SubqueryExpr>(expr).inner); break;
    case ExprKind::kMatrixSelector: visit(*as<promql::MatrixSelector>(expr).vector); break;
    case ExprKind::kBinary:
      part(as<promql::BinaryExpr>(expr).lhs);
      part(as<promql::BinaryExpr>(expr).rhs);
      break;
    case ExprKind::kAggregate:
      part(as<promql::AggregateExpr>(expr).parameter);
      part(as<promql::AggregateExpr>(expr).inner);
      break;
    case ExprKind::kCall:
      for (const auto& argument : as<promql::Call>(expr).args) part(argument);
      break;
    default: break;
  }
}

void collect(const Expr& expr, std::vector<const promql::VectorSelector*>& out) {
  if (expr.kind == ExprKind::kVectorSelector) out.push_back(&as<promql::VectorSelector>(expr));
  for_each_part(expr, [&](const Expr& part) { collect(part, out); });
}

bool takes_range(const promql::Function& function) {
  return std::ranges::find(function.args, promql::ValueType::kMatrix) != function.args.end();
}

}  // namespace

std::vector<const promql::VectorSelector*> selectors_of(const Expr& expr) {
  std::vector<const promql::VectorSelector*> out;
  collect(expr, out);
  return out;
}

bool calls(const Expr& expr, std::string_view function) {
  if (expr.kind == ExprKind::kCall) {
    const auto& called = *as<promql::Call>(expr).function;
    if (function.empty() ? takes_range(called) : called.name == function) return true;
  }
  bool found = false;
  for_each_part(expr, [&](const Expr& part) { found = found || calls(part, function); });
  return found;
}

void Linter::find(Severity severity, std::string_view kind, std::string_view about,
                  std::string message) {
  if (severity == Severity::kNote && !options_.notes) return;
  if (findings_.size() >= kMaxFindings || !seen_.emplace(kind, about).second) return;
  findings_.push_back({subject_.where, severity, kind, std::move(message)});
}

std::vector<Finding> Linter::run() {
  const auto parsed = promql::parse(subject_.expr, promql::ParserOptions::everything());
  if (!parsed) {
    find(Severity::kError, "syntax", "", parsed.error().message);
    return std::move(findings_);
  }
  const Expr& expr = **parsed;
  for (const auto* selector : selectors_of(expr)) names_.insert(selector->name);
  watches_changes_ = calls(expr, "changes");
  walk(expr, {});
  if (subject_.is_alert) {
    check_texts(expr);
    check_hold(expr);
    check_hang(expr);
  }
  return std::move(findings_);
}

void Linter::walk(const Expr& expr, Context context) {
  switch (expr.kind) {
    case ExprKind::kVectorSelector: return check_selector(as<promql::VectorSelector>(expr));
    case ExprKind::kMatrixSelector: check_range(as<promql::MatrixSelector>(expr)); break;
    case ExprKind::kCall: return walk_call(as<promql::Call>(expr), context);
    case ExprKind::kAggregate: check_aggregate(as<promql::AggregateExpr>(expr)); break;
    case ExprKind::kBinary: check_binary(as<promql::BinaryExpr>(expr), context); break;
    default: break;
  }
  for_each_part(expr, [&](const Expr& part) { walk(part, context); });
}

void Linter::walk_call(const promql::Call& call, Context context) {
  const auto name = call.function->name;
  if (name == "rate" || name == "irate" || name == "increase") check_rate(call);
  if (name == "delta" || name == "idelta" || name == "deriv") check_delta(call);
  if (name == "histogram_quantile") check_quantile(call);
  if (name == "absent" || name == "absent_over_time") check_absent(call);
  context.in_range = context.in_range || takes_range(*call.function);
  for (const auto& argument : call.args) walk(*argument, context);
}

}  // namespace strata::lint
