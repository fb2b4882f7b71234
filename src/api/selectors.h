// The selectors of an expression.
#pragma once
#include <vector>

#include "promql/ast.h"

namespace strata::api {

/// In the order of the text, those of range vectors too. They live as long as `expr`.
std::vector<const promql::VectorSelector*> selectors_of(const promql::Expr& expr);

}  // namespace strata::api
