#include "api/router.h"

#include "api/handlers.h"
#include "base/json.h"
#include "net/url.h"

namespace strata::api {
namespace {

// Whether `path` fits `pattern`; `parameter` gets what "*" stood for.
bool fits(std::string_view pattern, std::string_view path, std::string* parameter) {
  const size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == path;
  const std::string_view before = pattern.substr(0, star);
  const std::string_view after = pattern.substr(star + 1);
  if (path.size() <= before.size() + after.size() || !path.starts_with(before) ||
      !path.ends_with(after)) {
    return false;
  }
  const auto middle = path.substr(before.size(), path.size() - before.size() - after.size());
  if (middle.find('/') != std::string_view::npos) return false;
  parameter->assign(middle);
  return true;
}

bool allows(std::string_view methods, std::string_view method) {
  if (method == "HEAD") method = "GET";
  while (!methods.empty()) {
    const size_t end = std::min(methods.find(' '), methods.size());
    if (methods.substr(0, end) == method) return true;
    methods.remove_prefix(std::min(end + 1, methods.size()));
  }
  return false;
}

}  // namespace

const std::vector<Route>& routes() {
  static const std::vector<Route> kRoutes = {
      {"/api/v1/query", "GET POST", query, Runs::kInTurn},
      {"/api/v1/query_range", "GET POST", query_range, Runs::kInTurn},
      {"/api/v1/query_batch", "POST", nullptr, Runs::kAsBatch},
      {"/api/v1/query_exemplars", "GET POST", query_exemplars},
      {"/api/v1/format_query", "GET POST", format_query},
      {"/api/v1/parse_query", "GET POST", parse_query},
      {"/api/v1/labels", "GET POST", label_names},
      {"/api/v1/label/*/values", "GET", label_values},
      {"/api/v1/series", "GET POST", series},
      {"/api/v1/search/metric_names", "GET POST", search_metric_names},
      {"/api/v1/search/label_names", "GET POST", search_label_names},
      {"/api/v1/search/label_values", "GET POST", search_label_values},
      {"/api/v1/metadata", "GET", metadata},
      {"/api/v1/catalog", "GET", catalog_entries},
      {"/api/v1/targets", "GET", targets},
      {"/api/v1/targets/metadata", "GET", targets_metadata},
      {"/api/v1/targets/relabel_steps", "GET", relabel_steps},
      {"/api/v1/scrape_pools", "GET", scrape_pools},
      {"/api/v1/scrape_pools/config", "GET", scrape_pool_config},
      {"/api/v1/status/config", "GET", status_config},
      {"/api/v1/status/flags", "GET", status_flags},
      {"/api/v1/status/runtimeinfo", "GET", status_runtimeinfo},
      {"/api/v1/status/buildinfo", "GET", status_buildinfo},
      {"/api/v1/status/tsdb", "GET", status_tsdb},
      {"/api/v1/status/tsdb/blocks", "GET", status_blocks},
      {"/api/v1/status/cardinality", "GET", status_cardinality},
      {"/api/v1/status/walreplay", "GET", status_walreplay},
      {"/api/v1/status/self_metrics", "GET", self_metrics},
      {"/api/v1/queries", "GET", active_queries, Runs::kOnLoop},
      {"/api/v1/queries/*", "DELETE", stop_query, Runs::kOnLoop, true},
      {"/api/v1/features", "GET", features},
      {"/api/v1/notifications", "GET", notifications},
      {"/api/v1/notifications/live", "GET", not_here_yet},
      {"/api/v1/admin/tsdb/delete_series", "POST PUT", delete_series, Runs::kOnPool, true},
      {"/api/v1/admin/tsdb/clean_tombstones", "POST PUT", clean_tombstones, Runs::kOnPool, true},
      {"/api/v1/admin/tsdb/snapshot", "POST PUT", snapshot, Runs::kOnPool, true},
      {"/api/v1/admin/backup", "POST DELETE", backup, Runs::kOnPool, true},
      {"/api/v1/rules", "GET", rules},
      {"/api/v1/alerts", "GET", alerts},
      {"/api/v1/alertmanagers", "GET", alertmanagers},
      {"/api/v1/read", "POST", remote_read, Runs::kInTurn},
      {"/api/v1/write", "POST", remote_write, Runs::kIngesting, true},
      {"/api/v1/otlp/v1/metrics", "POST", not_here_yet},
      {"/api/v2/status", "GET", am_status},
      {"/api/v2/receivers", "GET", am_receivers},
      {"/api/v2/alerts", "GET POST", am_alerts, Runs::kOnPool, true},
      {"/api/v2/alerts/groups", "GET", am_groups},
      {"/api/v2/silences", "GET POST", am_silences, Runs::kOnPool, true},
      {"/api/v2/silence/*", "GET DELETE", am_silence, Runs::kOnPool, true},
      {"/api/search", "GET", search_dashboards},
      {"/api/dashboards/db", "POST", save_dashboard, Runs::kOnPool, true},
      {"/api/dashboards/uid/*/versions", "GET", dashboard_versions},
      {"/api/dashboards/uid/*", "GET DELETE", dashboard, Runs::kOnPool, true},
      {"/api/annotations", "GET POST", annotations, Runs::kOnPool, true},
      {"/api/annotations/*", "GET PUT PATCH DELETE", annotation, Runs::kOnPool, true},
      {"/api/v1/incidents", "GET", incidents},
      {"/api/v1/incidents/*", "GET", incident},
      {"/api/v1/incidents/*/acknowledge", "POST", acknowledge_incident, Runs::kOnPool, true},
      {"/api/v1/incidents/*/unacknowledge", "POST", unacknowledge_incident, Runs::kOnPool, true},
      {"/api/v1/incidents/*/resolve", "POST", resolve_incident, Runs::kOnPool, true},
      {"/api/v1/incidents/*/note", "POST", note_incident, Runs::kOnPool, true},
      {"/api/v1/incidents/*/escalate", "POST", escalate_incident, Runs::kOnPool, true},
      {"/api/v1/incidents/*/assign", "POST", assign_incident, Runs::kOnPool, true},
      {"/api/v1/oncall", "GET", who_is_on_call},
      {"/api/v1/oncall/overrides", "GET POST", overrides, Runs::kOnPool, true},
      {"/api/v1/oncall/overrides/*", "DELETE", remove_override, Runs::kOnPool, true},
      {"/api/v1/audit", "GET", audit},
      {"/api/v1/alerts/drill", "POST", drill, Runs::kOnPool, true},
      {"/api/v1/heartbeats", "GET", heartbeats},
      {"/api/v1/heartbeats/*", "POST", heartbeat, Runs::kOnPool, true},
      {"/ack/*", "GET POST", acknowledge_by_link},
      {"/runbooks/*", "GET", runbook_page},
      {"/federate", "GET", federate},
      {"/metrics", "GET", metrics_page},
      {"/version", "GET", version},
      {"/-/healthy", "GET", healthy, Runs::kOnLoop},
      {"/-/ready", "GET", ready, Runs::kOnLoop},
      {"/-/reload", "POST PUT", reload, Runs::kOnPool, true},
      {"/-/quit", "POST PUT", quit, Runs::kOnLoop, true},
  };
  return kRoutes;
}

Match find_route(std::string_view method, std::string_view path) {
  Match match;
  for (const auto& route : routes()) {
    if (!fits(route.path, path, &match.parameter)) continue;
    match.route = &route;
    match.method_allowed = allows(route.methods, method);
    return match;
  }
  return match;
}

int http_status(ErrorCode code) {
  switch (code) {
    case ErrorCode::kBadData: return 400;
    case ErrorCode::kUnauthorized: return 401;
    case ErrorCode::kNotFound: return 404;
    case ErrorCode::kConflict: return 409;
    case ErrorCode::kLimit:
    case ErrorCode::kExecution: return 422;
    case ErrorCode::kCanceled: return 499;  // nginx's "client closed request", as Prometheus
    case ErrorCode::kTimeout:
    case ErrorCode::kUnavailable: return 503;
    case ErrorCode::kIo:
    case ErrorCode::kCorruption:
    case ErrorCode::kInternal: return 500;
  }
  return 500;
}

std::string_view error_type(ErrorCode code) {
  switch (code) {
    case ErrorCode::kBadData: return "bad_data";
    case ErrorCode::kUnauthorized: return "unauthorized";
    case ErrorCode::kNotFound: return "not_found";
    case ErrorCode::kConflict: return "conflict";
    case ErrorCode::kLimit:
    case ErrorCode::kExecution: return "execution";
    case ErrorCode::kCanceled: return "canceled";
    case ErrorCode::kTimeout: return "timeout";
    case ErrorCode::kUnavailable: return "unavailable";
    case ErrorCode::kIo:
    case ErrorCode::kCorruption:
    case ErrorCode::kInternal: return "internal";
  }
  return "internal";
}

net::HttpResponse error_response(int status, std::string_view type, std::string_view message) {
  std::string body;
  JsonWriter json(body);
  json.begin_object().key("status").string("error").key("errorType").string(type);
  json.key("error").string(message).end_object();
  return net::json_response(status, std::move(body));
}

net::HttpResponse error_response(const Error& error) {
  return error_response(http_status(error.code), error_type(error.code), error.message);
}

net::HttpResponse success(const Call& call, std::string_view data) {
  std::string body;
  body.reserve(data.size() + 64);
  JsonWriter json(body);
  json.begin_object().key("status").string("success");
  if (!data.empty()) json.key("data").raw(data);
  const auto list = [&](std::string_view name, const std::vector<std::string>& texts) {
    if (texts.empty()) return;
    json.key(name).begin_array();
    for (const auto& text : texts) json.string(text);
    json.end_array();
  };
  list("warnings", call.warnings);
  list("infos", call.infos);
  json.end_object();
  return net::json_response(200, std::move(body));
}

}  // namespace strata::api
