// /api/v1/format_query, parse_query, query_exemplars: what can be said of an expression alone.
#include "api/api.h"
#include "api/ast_json.h"
#include "api/handlers.h"
#include "base/json.h"
#include "promql/parser.h"

namespace strata::api {
namespace {

Result<promql::ExprPtr> parsed_query(const Services& services, const Call& call) {
  auto parsed = promql::parse(call.parameter("query"), services.engine.options().syntax);
  if (!parsed) return std::unexpected(parsed.error().within("invalid parameter \"query\""));
  return parsed;
}

}  // namespace

Result<Reply> format_query(const Services& services, Call& call) {
  const auto expr = TRY(parsed_query(services, call));
  std::string data;
  append_json_string(data, promql::pretty(*expr));
  return success(call, data);
}

Result<Reply> parse_query(const Services& services, Call& call) {
  const auto expr = TRY(parsed_query(services, call));
  std::string data;
  JsonWriter json(data);
  write_ast(json, *expr);
  return success(call, data);
}

Result<Reply> query_exemplars(const Services& services, Call& call) {
  // Exemplars are parsed but not stored yet: an empty answer is true, and what Grafana expects.
  TRY(parsed_query(services, call));
  TRY(call.range());
  return success(call, "[]");
}

}  // namespace strata::api
