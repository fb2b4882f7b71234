// One element of a binary operation: a float or a histogram on either side.
#pragma once
#include "promql/evaluator.h"

namespace strata::promql {

struct Element {
  double v = 0;
  const HistogramPtr* h = nullptr;  // null for a float
};

struct ElementResult {
  double v = 0;
  HistogramPtr h = nullptr;
  bool exists = true;  // false: these types do not combine; there is an annotation about it
  bool keep = true;    // false: a comparison that is not true
};

/// `expr.op` of two elements; `return_bool` is the caller's business.
ElementResult combine(Query& query, const BinaryExpr& expr, Element lhs, Element rhs);

/// REQUIRES: an arithmetic operator; a comparison.
double arithmetic(Op op, double lhs, double rhs);
bool compare(Op op, double lhs, double rhs);
bool is_arithmetic(Op op);

}  // namespace strata::promql
