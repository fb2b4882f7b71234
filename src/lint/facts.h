// What can be known of an expression's result without running it: its range, its unit, its labels.
// Private to lint/.
#pragma once
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "promql/ast.h"

namespace strata::lint {

/// Which labels the result's series have.
struct LabelFacts {
  /// Exactly these and no others; otherwise: any but `gone`.
  bool exact = false;
  std::set<std::string> names;
  std::set<std::string> gone;
  /// Not exact: the metrics that they come from, when all are in the catalog. Then `names` has the
  /// labels that those have of their own.
  bool is_catalogued = false;

  /// Whether the label is surely not there.
  bool lacks(const std::string& label) const;
};

struct Facts {
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  /// The range is the metric's own, not one that any counter or count has.
  bool from_catalog = false;
  std::string unit;  // "" not known
  LabelFacts labels;
};

/// What the linter knows of the metric that a selector names.
struct Known {
  std::string name;    // the selector's
  std::string family;  // the catalog's: another where the selector's is misspelt
  std::string suffix;
  MetricType type = MetricType::kUnknown;  // of the family
  std::string unit;
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  double last_bucket = 0;
  std::set<std::string> labels;
  /// The entries; none for a canonical metric and for Prometheus' own `up`.
  std::vector<catalog::Found> found;

  bool is_known() const { return type != MetricType::kUnknown; }
  /// Of the selected series, not of the family: a histogram's _count is a counter.
  MetricType series_type() const;
  /// Whether it becomes this canonical metric.
  bool becomes(std::string_view canonical) const;
};

/// Of a name as it stands in a selector; a name that is another with ':' and '_' confused counts as
/// that one.
Known know(const catalog::Catalog& catalog, std::string_view name);

/// The selector inside of rate(x[5m]), x, (x): null when `expr` is anything else.
const promql::VectorSelector* selector_of(const promql::Expr& expr);

Facts facts_of(const catalog::Catalog& catalog, const promql::Expr& expr);

/// The value of an expression that is a number: 90, -1, (0.5 * 100).
std::optional<double> constant_of(const promql::Expr& expr);

}  // namespace strata::lint
