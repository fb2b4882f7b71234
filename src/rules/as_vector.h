// What rules make of a query's answer.
#pragma once
#include "base/result.h"
#include "model/query_value.h"

namespace strata::rules {

/// An instant vector as it is; a scalar as one sample without labels. Error: kExecution for what is
/// neither, else the query's own.
Result<Vector> as_vector(Result<QueryResult> result);

}  // namespace strata::rules
