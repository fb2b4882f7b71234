// /api/v1/format_query, parse_query, query_exemplars: what can be said of an expression alone.
#include "api/api.h"
#include "api/ast_json.h"
#include "api/handlers.h"
#include "api/selectors.h"
#include "base/json.h"
#include "promql/parser.h"
#include "remote/query_backend.h"
#include "tsdb/db.h"
#include "wire/query_json.h"

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
  const TimeRange range = TRY(call.range());
  const auto expr = TRY(parsed_query(services, call));
  std::vector<std::vector<Matcher>> selectors;
  if (services.backend != nullptr) {
    net::FormValues parameters;
    parameters.add("query", std::string(call.parameter("query")));
    parameters.add("start", std::string(call.parameter("start")));
    parameters.add("end", std::string(call.parameter("end")));
    return net::json_response(
        200, TRY(services.backend->get("/api/v1/query_exemplars", parameters, call.stop())));
  }
  for (const auto* selector : selectors_of(*expr)) selectors.push_back(selector->matchers);
  auto found = services.db.exemplars(selectors, range);
  const size_t count = found.size();
  return array_reply(call, count, [found = std::move(found)](size_t i, std::string& out) {
    out += R"({"seriesLabels":)";
    wire::append_labels_json(out, found[i].series);
    out += R"(,"exemplars":[)";
    for (const auto& exemplar : found[i].exemplars) {
      if (!out.ends_with('[')) out += ',';
      out += R"({"labels":)";
      wire::append_labels_json(out, exemplar.labels);
      out += R"(,"value":)";
      wire::append_value_json(out, exemplar.value);
      out += R"(,"timestamp":)";
      wire::append_timestamp_json(out, exemplar.t);
      out += '}';
    }
    out += "]}";
  });
}

}  // namespace strata::api
