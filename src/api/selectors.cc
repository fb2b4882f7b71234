#include "api/selectors.h"

namespace strata::api {
namespace {

using promql::as;
using promql::Expr;
using promql::ExprKind;
using promql::VectorSelector;

void collect(const Expr* expr, std::vector<const VectorSelector*>& out) {
  if (expr == nullptr) return;
  switch (expr->kind) {
    case ExprKind::kVectorSelector: out.push_back(&as<VectorSelector>(*expr)); break;
    case ExprKind::kMatrixSelector:
      collect(as<promql::MatrixSelector>(*expr).vector.get(), out);
      break;
    case ExprKind::kSubquery: collect(as<promql::SubqueryExpr>(*expr).inner.get(), out); break;
    case ExprKind::kParen: collect(as<promql::ParenExpr>(*expr).inner.get(), out); break;
    case ExprKind::kUnary: collect(as<promql::UnaryExpr>(*expr).inner.get(), out); break;
    case ExprKind::kBinary:
      collect(as<promql::BinaryExpr>(*expr).lhs.get(), out);
      collect(as<promql::BinaryExpr>(*expr).rhs.get(), out);
      break;
    case ExprKind::kAggregate:
      collect(as<promql::AggregateExpr>(*expr).parameter.get(), out);
      collect(as<promql::AggregateExpr>(*expr).inner.get(), out);
      break;
    case ExprKind::kCall:
      for (const auto& argument : as<promql::Call>(*expr).args) collect(argument.get(), out);
      break;
    case ExprKind::kNumber:
    case ExprKind::kString:
    case ExprKind::kDuration: break;
  }
}

}  // namespace

std::vector<const promql::VectorSelector*> selectors_of(const promql::Expr& expr) {
  std::vector<const VectorSelector*> out;
  collect(&expr, out);
  return out;
}

}  // namespace strata::api
