// Makes a parsed expression ready for one query: what depends on the query's times is filled in.
#pragma once
#include "promql/ast.h"
#include "promql/query.h"

namespace strata::promql {

/// Resolves duration expressions and @ start()/end() in `expr`, and finds the parts that have the
/// same value at every step (query.step_invariant) or occur more than once (query.repeated). Error:
/// kExecution for a duration that is not positive, or not finite.
Result<> prepare(Expr& expr, Query& query);

/// repeated.cc: fills query.repeated. `expr` is prepared.
void find_repeated(const Expr& expr, Query& query);

}  // namespace strata::promql
