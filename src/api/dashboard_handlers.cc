// Dashboards, under Grafana's own paths and in its words, so that what pushes dashboards to a
// Grafana pushes them here as well.
#include "api/api.h"
#include "api/grafana_reply.h"
#include "api/handlers.h"
#include "base/rfc3339.h"
#include "base/json.h"
#include "dashboards/store.h"

namespace strata::api {
namespace {

using dashboards::Dashboard;
using dashboards::Source;

Result<dashboards::Store*> store(const Services& services) {
  if (services.dashboards != nullptr) return services.dashboards;
  return fail(ErrorCode::kUnavailable, "this process keeps no dashboards");
}

void write_tags(JsonWriter& json, const dashboards::Head& head) {
  json.key("tags").begin_array();
  for (const auto& tag : head.tags) json.string(tag);
  json.end_array();
}

void write_entry(JsonWriter& json, const Dashboard& one, const std::string& prefix) {
  json.begin_object().key("uid").string(one.head.uid).key("title").string(one.head.title);
  json.key("url").string(prefix + "/d/" + one.head.uid).key("type").string("dash-db");
  write_tags(json, one.head);
  json.key("source").string(to_string(one.source)).key("version").integer(one.head.version);
  json.end_object();
}

bool holds(std::string_view text, std::string_view part) {
  return std::ranges::search(
             text, part, {}, [](unsigned char c) { return std::tolower(c); },
             [](unsigned char c) {
               return std::tolower(c);
             }).begin() != text.end() ||
         part.empty();
}

Result<Reply> one_dashboard(dashboards::Store& store, Call& call, const std::string& prefix) {
  int64_t version = 0;
  if (const auto text = call.parameter("version"); !text.empty()) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
    if (error != std::errc() || end != text.data() + text.size()) {
      return grafana_refusal({ErrorCode::kBadData, "version is no number"});
    }
  }
  const auto found = store.get(call.path_parameter, version);
  if (!found) return grafana_refusal(found.error());
  std::string body;
  JsonWriter json(body);
  json.begin_object().key("dashboard").raw(found->json).key("meta").begin_object();
  json.key("provisioned").boolean(found->source != Source::kSaved);
  json.key("source").string(to_string(found->source));
  json.key("version").integer(found->head.version);
  json.key("url").string(prefix + "/d/" + found->head.uid).end_object().end_object();
  return net::json_response(200, std::move(body));
}

}  // namespace

Result<Reply> search_dashboards(const Services& services, Call& call) {
  const auto* const boards = TRY(store(services));
  const auto all = TRY(boards->list());
  std::string body;
  JsonWriter json(body);
  json.begin_array();
  for (const auto& one : all) {
    if (!holds(one.head.title, call.parameter("query"))) continue;
    const auto tags = call.parameters("tag");
    const bool tagged = std::ranges::all_of(tags, [&](std::string_view tag) {
      return std::ranges::find(one.head.tags, tag) != one.head.tags.end();
    });
    if (tagged) write_entry(json, one, services.route_prefix);
  }
  json.end_array();
  return net::json_response(200, std::move(body));
}

Result<Reply> dashboard(const Services& services, Call& call) {
  auto* const boards = TRY(store(services));
  if (call.request().method != "DELETE") return one_dashboard(*boards, call, services.route_prefix);
  const auto removed = boards->remove(call.path_parameter);
  if (!removed) return grafana_refusal(removed.error());
  return net::json_response(200, R"({"message":"Dashboard deleted"})");
}

Result<Reply> dashboard_versions(const Services& services, Call& call) {
  const auto* const boards = TRY(store(services));
  const auto versions = TRY(boards->versions(call.path_parameter));
  std::string body;
  JsonWriter json(body);
  json.begin_array();
  for (const auto& one : versions) {
    json.begin_object().key("version").integer(one.version).key("created");
    json.string(rfc3339(one.created)).key("createdBy").string(one.by);
    json.key("message").string(one.message).end_object();
  }
  json.end_array();
  return net::json_response(200, std::move(body));
}

Result<Reply> save_dashboard(const Services& services, Call& call) {
  auto* const boards = TRY(store(services));
  const auto save = dashboards::read_save(call.request().body);
  if (!save) return grafana_refusal(save.error());
  const auto head = boards->save(*save, logged_in(call));
  if (!head) return grafana_refusal(head.error());
  std::string body;
  JsonWriter json(body);
  json.begin_object().key("status").string("success").key("uid").string(head->uid);
  json.key("url")
      .string(services.route_prefix + "/d/" + head->uid)
      .key("version")
      .integer(head->version);
  json.key("slug").string(head->uid).end_object();
  return net::json_response(200, std::move(body));
}

}  // namespace strata::api
