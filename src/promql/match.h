// Vector matching: which series of two vectors belong together. Worked out once a query, on
// labels; which of them meet at a step is then a question of columns.
#pragma once
#include <cstdint>
#include <vector>

#include "promql/evaluator.h"

namespace strata::promql {

struct Signatures {
  std::vector<uint32_t> lhs;  // by series
  std::vector<uint32_t> rhs;
  size_t count = 0;
};
/// Series with equal numbers agree in the labels that match.
Signatures match_signatures(const VectorMatching& matching, const VectorSource& lhs,
                            const VectorSource& rhs);

/// An arithmetic or comparison operator between two vectors. Errors: kExecution where series of
/// the "one" side, or results, are not unique at a step.
Result<Value> match_vectors(Evaluator& evaluator, const BinaryExpr& expr);

}  // namespace strata::promql
