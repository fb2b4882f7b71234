// What an operator asks and does: which queries run, which features there are, notifications,
// administration of the store, the end.
#include <random>

#include "api/active_queries.h"
#include "api/api.h"
#include "api/handlers.h"
#include "base/rfc3339.h"
#include "base/json.h"
#include "base/number.h"
#include "promql/function_table.h"

namespace strata::api {
namespace {

struct Feature {
  std::string_view name;
  bool on;
};

void write_features(JsonWriter& json, std::string_view category,
                    std::initializer_list<Feature> features) {
  json.key(category).begin_object();
  for (const auto& feature : features) json.key(feature.name).boolean(feature.on);
  json.end_object();
}

Result<> check_admin(const Services& services) {
  if (services.admin_api) return {};
  return fail(ErrorCode::kUnavailable, "admin APIs disabled: see --web.enable-admin-api");
}

net::HttpResponse no_content() {
  net::HttpResponse response;
  response.status = 204;
  return response;
}

// As Prometheus names them: when it was, and something that no other has.
std::string snapshot_name(TimestampMs now) {
  std::string time = rfc3339(now).substr(0, 19);  // 2026-11-24T11:50:53
  std::erase(time, '-');
  std::erase(time, ':');
  std::random_device random;
  return fmt::format("{}Z-{:08x}{:08x}", time, random(), random());
}

// As much of a query's text as a list shows, cut between characters.
std::string_view shown(std::string_view text) {
  constexpr size_t kMaxShown = 2000;
  if (text.size() <= kMaxShown) return text;
  size_t end = kMaxShown;
  while (end > 0 && (text[end] & 0xc0) == 0x80) --end;
  return text.substr(0, end);
}

}  // namespace

Result<Reply> active_queries(const Services& services, Call& call) {
  std::string data;
  JsonWriter json(data);
  json.begin_array();
  const auto now = services.clock.now_ms();
  for (const auto& query : services.active->list()) {
    json.begin_object().key("id").integer(static_cast<int64_t>(query.id));
    json.key("query").string(shown(query.text)).key("client").string(query.client);
    json.key("started").string(rfc3339(query.started));
    json.key("seconds").number(static_cast<double>(now - query.started) / 1000);
    json.key("samples").integer(static_cast<int64_t>(query.samples)).end_object();
  }
  json.end_array();
  return success(call, data);
}

Result<Reply> stop_query(const Services& services, Call& call) {
  const auto id = parse_uint(call.path_parameter);
  if (!id) return bad_data("a query's id is a number: see GET /api/v1/queries");
  if (!services.active->stop(*id)) {
    return fail(ErrorCode::kNotFound, fmt::format("no query with the id {} runs", *id));
  }
  return success(call, "null");
}

Result<Reply> features(const Services& services, Call& call) {
  const auto& engine = services.engine.options();
  const auto& syntax = engine.syntax;
  std::string data;
  JsonWriter json(data);
  json.begin_object();
  write_features(json, "api",
                 {{"admin", services.admin_api},
                  {"exclude_alerts", true},
                  {"label_values_match", true},
                  {"lifecycle", services.lifecycle},
                  {"openapi_3.1", false},
                  {"openapi_3.2", false},
                  {"otlp_write_receiver", false},
                  {"query_stats", true},
                  {"query_warnings", true},
                  {"remote_write_receiver", services.receiver != nullptr},
                  {"search", true},
                  {"search_fuzz_alg_jarowinkler", true},
                  {"search_fuzz_alg_subsequence", true},
                  {"time_range_labels", true},
                  {"time_range_series", true}});
  write_features(json, "prometheus", {{"agent_mode", false}, {"server_mode", true}});
  write_features(json, "promql",
                 {{"anchored", syntax.extended_range_selectors},
                  {"at_modifier", true},
                  {"bool", true},
                  {"by", true},
                  {"delayed_name_removal", engine.delayed_name_removal},
                  {"duration_expr", syntax.duration_expressions},
                  {"fill", syntax.binop_fill_modifiers},
                  {"fill_left", syntax.binop_fill_modifiers},
                  {"fill_right", syntax.binop_fill_modifiers},
                  {"group_left", true},
                  {"group_right", true},
                  {"ignoring", true},
                  {"negative_offset", true},
                  {"offset", true},
                  {"on", true},
                  {"per_query_lookback_delta", true},
                  {"per_step_stats", false},
                  {"smoothed", syntax.extended_range_selectors},
                  {"subqueries", true},
                  {"type_and_unit_labels", engine.type_and_unit_labels},
                  {"without", true}});
  json.key("promql_functions").begin_object();
  for (const auto& function : promql::functions()) {
    json.key(function.name).boolean(!function.experimental || syntax.experimental_functions);
  }
  json.end_object();
  write_features(json, "rules", {{"keep_firing_for", true}, {"query_offset", true}});
  write_features(json, "service_discovery_providers", {{"file", true}, {"static", true}});
  write_features(json, "tsdb",
                 {{"exemplar_storage", true}, {"isolation", true}, {"native_histograms", true}});
  json.end_object();
  return success(call, data);
}

Result<Reply> notifications(const Services& services, Call& call) {
  const auto reload = services.last_reload();
  std::string data;
  JsonWriter json(data);
  json.begin_array();
  if (!reload.success) {
    json.begin_object().key("text").string("Configuration reload has failed.");
    json.key("date").string(rfc3339(reload.at)).key("active").boolean(true).end_object();
  }
  json.end_array();
  return success(call, data);
}

Result<Reply> delete_series(const Services& services, Call& call) {
  TRY(check_admin(services));
  const auto selectors = TRY(call.selectors());
  if (selectors.empty()) return bad_data("no match[] parameter provided");
  const TimeRange range = TRY(call.range());
  for (const auto& matchers : selectors) TRY(services.db.delete_series(matchers, range));
  return no_content();
}

Result<Reply> clean_tombstones(const Services& services, Call&) {
  TRY(check_admin(services));
  TRY(services.db.clean_tombstones());
  return no_content();
}

Result<Reply> snapshot(const Services& services, Call& call) {
  TRY(check_admin(services));
  const bool skip_head = TRY(call.boolean("skip_head", false));
  const std::string name = snapshot_name(services.clock.now_ms());
  TRY(services.db.snapshot(fmt::format("{}/{}", services.snapshot_dir, name), !skip_head));
  std::string data;
  JsonWriter json(data);
  json.begin_object().key("name").string(name).end_object();
  return success(call, data);
}

// What `strata backup` copies from: made by POST, forgotten by DELETE.
Result<Reply> backup(const Services& services, Call& call) {
  TRY(check_admin(services));
  if (!services.stage_backup) return fail(ErrorCode::kUnavailable, "there are no backups here");
  if (call.request().method == "DELETE") {
    TRY(services.drop_backup());
    return no_content();
  }
  const std::string directory = TRY(services.stage_backup());
  std::string data;
  JsonWriter json(data);
  json.begin_object().key("directory").string(directory).end_object();
  return success(call, data);
}

Result<Reply> quit(const Services& services, Call&) {
  if (!services.lifecycle) {
    return net::text_response(403, "Lifecycle API is not enabled: see --web.enable-lifecycle.\n");
  }
  services.quit();
  return net::text_response(200, "Requesting termination... Goodbye!\n");
}

}  // namespace strata::api
