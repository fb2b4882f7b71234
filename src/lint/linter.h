// One expression being looked at. Private to lint/: each checks_*.cc has the checks of one kind of
// node, and this class walks the tree and calls them.
#pragma once
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lint/facts.h"
#include "lint/lint.h"
#include "promql/ast.h"

namespace strata::lint {

/// What stands above a node.
struct Context {
  bool in_range = false;  // under a function of a range
};

class Linter {
 public:
  Linter(const Subject& subject, const catalog::Catalog& catalog, const Options& options)
      : subject_(subject), catalog_(catalog), options_(options) {}

  std::vector<Finding> run();

 private:
  void walk(const promql::Expr& expr, Context context);
  void walk_call(const promql::Call& call, Context context);

  // checks_selector.cc: names, labels, label values.
  void check_selector(const promql::VectorSelector& selector);
  void check_name(const promql::VectorSelector& selector, const Known& known);
  void check_gone(const promql::VectorSelector& selector, const Known& known);
  void check_matchers(const promql::VectorSelector& selector, const Known& known);
  void check_range(const promql::MatrixSelector& selector);

  // checks_function.cc: rate, histogram_quantile, absent, aggregations.
  void check_rate(const promql::Call& call);
  void check_delta(const promql::Call& call);
  void check_quantile(const promql::Call& call);
  void check_absent(const promql::Call& call);
  void check_aggregate(const promql::AggregateExpr& expr);

  // checks_operator.cc: comparisons, divisions, joins.
  void check_binary(const promql::BinaryExpr& expr, Context context);
  void check_comparison(const promql::BinaryExpr& expr, const promql::Expr& vector, promql::Op op,
                        double number, Context context);
  bool check_range_of(const promql::Expr& vector, const Facts& facts, promql::Op op, double number);
  bool vector_is_counter(const promql::Expr& vector) const;
  void check_counter(const promql::Expr& vector, promql::Op op, double number);
  void check_full_by_design(const promql::Expr& vector, double number);
  void check_ratio(const promql::BinaryExpr& expr);
  void check_units(const promql::BinaryExpr& expr);
  void check_join(const promql::BinaryExpr& expr);
  void check_contradiction(const promql::BinaryExpr& expr);

  // checks_alert.cc: what stands around the expression.
  void check_texts(const promql::Expr& expr);
  void check_hold(const promql::Expr& expr);
  void check_hang(const promql::Expr& expr);

  /// Each kind once for one `about`.
  void find(Severity severity, std::string_view kind, std::string_view about, std::string message);
  Known known(const promql::VectorSelector& selector) const {
    return know(catalog_, selector.name);
  }

  const Subject& subject_;
  const catalog::Catalog& catalog_;
  const Options& options_;
  std::set<std::string> names_;   // all that the expression selects
  bool watches_changes_ = false;  // changes() is somewhere in it
  std::set<std::pair<std::string_view, std::string>> seen_;
  std::vector<Finding> findings_;
};

/// Every selector of the expression, in the text's order.
std::vector<const promql::VectorSelector*> selectors_of(const promql::Expr& expr);
/// Whether a function of this name is called anywhere in it; with an empty name: any that takes a
/// range.
bool calls(const promql::Expr& expr, std::string_view function);

}  // namespace strata::lint
