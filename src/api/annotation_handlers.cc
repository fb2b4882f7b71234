// Annotations, under Grafana's own paths and in its words: what tells a Grafana of a deployment
// tells Strata as well.
#include <charconv>

#include "api/api.h"
#include "api/grafana_reply.h"
#include "api/handlers.h"
#include "base/json.h"
#include "dashboards/annotations.h"

namespace strata::api {
namespace {

using dashboards::Annotation;

Result<dashboards::Annotations*> store(const Services& services) {
  if (services.annotations != nullptr) return services.annotations;
  return fail(ErrorCode::kUnavailable, "this process keeps no annotations");
}

Result<int64_t> whole_number(std::string_view name, std::string_view text, int64_t fallback) {
  if (text.empty()) return fallback;
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size()) return value;
  return bad_data(fmt::format("{} is no whole number: {}", name, text));
}

void write(JsonWriter& json, const Annotation& one) {
  json.begin_object().key("id").integer(one.id);
  json.key("dashboardUID").string(one.dashboard_uid).key("panelId").integer(one.panel_id);
  json.key("login").string(one.by);
  json.key("time").integer(one.time).key("timeEnd").integer(one.time_end);
  json.key("text").string(one.text).key("tags").begin_array();
  for (const auto& tag : one.tags) json.string(tag);
  json.end_array().end_object();
}

Reply message(std::string_view text, std::optional<int64_t> id = {}) {
  std::string body;
  JsonWriter json(body);
  json.begin_object().key("message").string(text);
  if (id) json.key("id").integer(*id);
  json.end_object();
  return net::json_response(200, std::move(body));
}

Result<dashboards::AnnotationQuery> read_query(const Services& services, const Call& call) {
  constexpr Millis kAhead = std::chrono::hours(24 * 365);
  dashboards::AnnotationQuery query;
  query.from = TRY(whole_number("from", call.parameter("from"), 0));
  query.to =
      TRY(whole_number("to", call.parameter("to"), services.clock.now_ms() + kAhead.count()));
  query.dashboard_uid = call.parameter("dashboardUID");
  for (const auto tag : call.parameters("tags")) query.tags.emplace_back(tag);
  query.any_tag = call.parameter("matchAny") == "true";
  const auto limit = TRY(whole_number("limit", call.parameter("limit"), 100));
  if (limit < 0) return bad_data("limit is negative");
  query.limit = limit == 0 ? 100 : static_cast<size_t>(limit);
  return query;
}

Result<Reply> list(dashboards::Annotations& all, const Services& services, const Call& call) {
  std::string body;
  JsonWriter json(body);
  json.begin_array();
  const auto query = TRY(read_query(services, call));
  for (const auto& one : TRY(all.find(query))) write(json, one);
  json.end_array();
  return net::json_response(200, std::move(body));
}

Result<Reply> add(dashboards::Annotations& all, const Call& call) {
  const auto edit = TRY(dashboards::read_annotation(call.request().body));
  return message("Annotation added", TRY(all.add(edit, logged_in(call))));
}

Result<Reply> act_on_one(dashboards::Annotations& all, const Call& call) {
  const auto& method = call.request().method;
  const auto id = TRY(whole_number("id", call.path_parameter, 0));
  if (method == "DELETE") {
    TRY(all.remove(id));
    return message("Annotation deleted");
  }
  if (method == "PUT" || method == "PATCH") {
    const auto edit = TRY(dashboards::read_annotation(call.request().body));
    TRY(all.change(id, edit));
    return message(method == "PUT" ? "Annotation updated" : "Annotation patched");
  }
  std::string body;
  JsonWriter json(body);
  write(json, TRY(all.get(id)));
  return net::json_response(200, std::move(body));
}

Reply or_refusal(Result<Reply> reply) {
  return reply ? std::move(*reply) : grafana_refusal(reply.error());
}

}  // namespace

Result<Reply> annotations(const Services& services, Call& call) {
  auto* const all = TRY(store(services));
  return or_refusal(call.request().method == "POST" ? add(*all, call) : list(*all, services, call));
}

Result<Reply> annotation(const Services& services, Call& call) {
  return or_refusal(act_on_one(*TRY(store(services)), call));
}

}  // namespace strata::api
