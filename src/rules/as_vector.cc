#include "rules/as_vector.h"

namespace strata::rules {

Result<Vector> as_vector(Result<QueryResult> result) {
  if (!result) return std::unexpected(std::move(result).error());
  if (auto* vector = std::get_if<Vector>(&result->value)) return std::move(*vector);
  if (const auto* scalar = std::get_if<Scalar>(&result->value)) {
    return Vector{{Labels(), Point{scalar->t, scalar->v, nullptr}}};
  }
  return fail(ErrorCode::kExecution, "rule result is not a vector or scalar");
}

}  // namespace strata::rules
