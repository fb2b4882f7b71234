// An expression as JSON, in the shape of Prometheus' /api/v1/parse_query
// (web/api/v1/translate_ast.go): what its tree view and query builders read.
#pragma once
#include "base/json.h"
#include "promql/ast.h"

namespace strata::api {

/// Writes one value. Depth is bounded by the parser.
void write_ast(JsonWriter& json, const promql::Expr& expr);

}  // namespace strata::api
