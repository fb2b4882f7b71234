// Finds what a query asks for more than once: `a / (a + b)` selects `a` once.
#include <string>
#include <unordered_map>

#include "promql/parser.h"
#include "promql/prepare.h"

namespace strata::promql {
namespace {

// Every node of the tree is printed, so only trees of a reasonable size are looked at.
constexpr size_t kMaxNodes = 256;

size_t count_nodes(const Expr& expr) {
  size_t count = 1;
  for_each_child(expr, [&](const Expr& child) { count += count_nodes(child); });
  return count;
}

size_t count_selectors(const Expr& expr) {
  size_t count = expr.kind == ExprKind::kVectorSelector ? 1 : 0;
  for_each_child(expr, [&](const Expr& child) { count += count_selectors(child); });
  return count;
}

// Then what is read depends on where the expression stands, which its text does not say.
bool reads_statistics_only(const Expr& expr) {
  bool found = expr.kind == ExprKind::kVectorSelector && as<VectorSelector>(expr).histogram_stats;
  for_each_child(expr, [&](const Expr& child) { found = found || reads_statistics_only(child); });
  return found;
}

class Finder {
 public:
  explicit Finder(Query& query) : query_(query) {}

  void visit(const Expr& expr) {
    if (is_worth_keeping(expr) && !reads_statistics_only(expr)) {
      const auto [it, is_new] = first_.try_emplace(to_string(expr), &expr);
      if (!is_new) {
        // The parts of what is not evaluated again do not count.
        const auto number = static_cast<uint32_t>(query_.repeated.size());
        query_.repeated.emplace(&expr,
                                query_.repeated.try_emplace(it->second, number).first->second);
        return;
      }
    }
    if (expr.kind == ExprKind::kMatrixSelector) return;
    for_each_child(expr, [&](const Expr& child) { visit(child); });
  }

 private:
  static bool is_worth_keeping(const Expr& expr) {
    switch (expr.kind) {
      case ExprKind::kVectorSelector:
      case ExprKind::kAggregate: return true;
      case ExprKind::kBinary:
      case ExprKind::kCall: return type_of(expr) == ValueType::kVector;
      default: return false;
    }
  }

  Query& query_;
  std::unordered_map<std::string, const Expr*> first_;
};

}  // namespace

void find_repeated(const Expr& expr, Query& query) {
  if (count_selectors(expr) < 2 || count_nodes(expr) > kMaxNodes) return;
  Finder(query).visit(expr);
}

}  // namespace strata::promql
