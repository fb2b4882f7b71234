// Incidents, who is on call, overrides, the audit log, drills and heartbeats (docs/oncall.md).
#include <algorithm>

#include "api/act_parameters.h"
#include "api/alertmanager_json.h"
#include "api/api.h"
#include "api/handlers.h"
#include "api/oncall_json.h"
#include "base/number.h"
#include "oncall/engine.h"

namespace strata::api {
namespace {

constexpr size_t kMaxListed = 10'000;
constexpr size_t kMaxAlertsShown = 100;
constexpr Millis kFarthest = std::chrono::hours(24 * 4000);

Result<oncall::Engine*> engine(const Services& services) {
  if (services.oncall != nullptr) return services.oncall;
  return fail(ErrorCode::kUnavailable, "this process has no incidents");
}

Result<int64_t> id_of(const Call& call) {
  const auto id = parse_int(call.path_parameter);
  if (id) return *id;
  return fail(ErrorCode::kNotFound, fmt::format("\"{}\" is no id", call.path_parameter));
}

Result<size_t> limit_of(const Call& call, size_t fallback) {
  const size_t limit = TRY(call.limit());
  return std::min(limit == 0 ? fallback : limit, kMaxListed);
}

Reply one_incident(oncall::Engine& oncall, const Call& call, const oncall::Incident& incident) {
  std::string out;
  JsonWriter json(out);
  write_incident(json, incident, *oncall.desk().roster());
  return success(call, out);
}

Result<oncall::IncidentFilter> read_filter(const Call& call) {
  oncall::IncidentFilter out;
  auto wanted = call.parameters("status");
  if (wanted.empty()) wanted = {"active"};
  for (const auto text : wanted) {
    if (text == "active") {
      out.statuses.push_back(oncall::Status::kOpen);
      out.statuses.push_back(oncall::Status::kAcknowledged);
    } else if (const auto status = oncall::parse_status(text)) {
      out.statuses.push_back(*status);
    } else {
      return bad_data(
          fmt::format("status: \"{}\" is none of open, acknowledged, resolved, active", text));
    }
  }
  if (const auto text = call.parameter("priority"); !text.empty()) {
    out.priority = oncall::parse_priority(text);
    if (!out.priority) return bad_data(fmt::format("priority: \"{}\" is none of P0 to P3", text));
  }
  out.limit = TRY(limit_of(call, 100));
  return out;
}

// A field of RFC 4180; one that a spreadsheet would take for a formula is made text.
std::string csv_field(std::string_view text) {
  std::string out = "\"";
  if (!text.empty() && std::string_view("=+-@").contains(text[0])) out += '\'';
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

Reply audit_csv(const std::vector<oncall::Event>& events) {
  net::HttpResponse response;
  response.headers.set("Content-Type", "text/csv; charset=utf-8");
  response.body = "id,at,actor,action,incident,detail,hash\n";
  for (const auto& e : events) {
    response.body += fmt::format(
        "{},{},{},{},{},{},{}\n", e.id, api_time(e.at), csv_field(e.actor), csv_field(e.action),
        e.incident == 0 ? "" : std::to_string(e.incident), csv_field(e.detail), e.hash);
  }
  return response;
}

}  // namespace

Result<Reply> incidents(const Services& services, Call& call) {
  auto* oncall = TRY(engine(services));
  const auto filter = TRY(read_filter(call));
  const auto list = TRY(oncall->store().incidents(filter));
  const auto counts = TRY(oncall->store().counts());
  const auto roster = oncall->desk().roster();
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("incidents").begin_array();
  for (const auto& incident : list) write_incident(json, incident, *roster);
  json.end_array().key("counts").begin_object();
  for (const auto& [status, count] : counts) json.key(to_string(status)).integer(count);
  json.end_object().end_object();
  return success(call, out);
}

Result<Reply> incident(const Services& services, Call& call) {
  auto* oncall = TRY(engine(services));
  const int64_t id = TRY(id_of(call));
  const auto found = TRY(oncall->store().incident(id));
  if (!found) return fail(ErrorCode::kNotFound, fmt::format("there is no incident {}", id));
  const auto alerts = TRY(oncall->store().alerts(id));
  const auto pages = TRY(oncall->store().pages_of(id));
  auto timeline = TRY(oncall->audit().read({.actor = {}, .action = {}, .incident = id}));
  std::ranges::reverse(timeline);
  std::string out;
  JsonWriter json(out);
  begin_incident(json, *found, *oncall->desk().roster());
  json.key("alerts").begin_array();
  for (size_t i = 0; i < std::min(alerts.size(), kMaxAlertsShown); ++i) {
    write_incident_alert(json, alerts[i]);
  }
  json.end_array().key("pages").begin_array();
  for (const auto& page : pages) write_page(json, page);
  json.end_array().key("timeline").begin_array();
  for (const auto& event : timeline) write_event(json, event);
  json.end_array().end_object();
  return success(call, out);
}

namespace {

using Act = Result<oncall::Incident> (*)(oncall::Desk&, int64_t id, const std::string& actor,
                                         const ActParameters&, TimestampMs now);

Result<Reply> act(const Services& services, Call& call, Act what) {
  auto* oncall = TRY(engine(services));
  const int64_t id = TRY(id_of(call));
  const auto parameters = TRY(ActParameters::read(call));
  const auto actor = TRY(parameters.actor());
  const auto done = TRY(what(oncall->desk(), id, actor, parameters, services.clock.now_ms()));
  oncall->wake();
  return one_incident(*oncall, call, done);
}

}  // namespace

Result<Reply> acknowledge_incident(const Services& services, Call& call) {
  return act(services, call,
             [](oncall::Desk& desk, int64_t id, const std::string& actor, const ActParameters& p,
                TimestampMs now) -> Result<oncall::Incident> {
               std::optional<Millis> lasting;
               if (const auto text = p.get("for"); !text.empty()) {
                 lasting = TRY(parse_duration(text));
               }
               return desk.acknowledge(id, actor, lasting, now);
             });
}
Result<Reply> unacknowledge_incident(const Services& services, Call& call) {
  return act(services, call,
             [](oncall::Desk& desk, int64_t id, const std::string& actor, const ActParameters&,
                TimestampMs now) { return desk.unacknowledge(id, actor, now); });
}
Result<Reply> resolve_incident(const Services& services, Call& call) {
  return act(services, call,
             [](oncall::Desk& desk, int64_t id, const std::string& actor, const ActParameters&,
                TimestampMs now) { return desk.resolve(id, actor, now); });
}
Result<Reply> note_incident(const Services& services, Call& call) {
  return act(services, call,
             [](oncall::Desk& desk, int64_t id, const std::string& actor, const ActParameters& p,
                TimestampMs now) { return desk.note(id, actor, p.get("text"), now); });
}
Result<Reply> escalate_incident(const Services& services, Call& call) {
  return act(services, call,
             [](oncall::Desk& desk, int64_t id, const std::string& actor, const ActParameters&,
                TimestampMs now) { return desk.escalate(id, actor, now); });
}
Result<Reply> assign_incident(const Services& services, Call& call) {
  return act(services, call,
             [](oncall::Desk& desk, int64_t id, const std::string& actor, const ActParameters& p,
                TimestampMs now) { return desk.assign(id, actor, p.get("owner"), now); });
}

Result<Reply> who_is_on_call(const Services& services, Call& call) {
  auto* oncall = TRY(engine(services));
  const auto now = TRY(call.time_or("time", services.clock.now_ms()));
  const Millis ahead = TRY(call.duration("ahead"))
  .value_or(Millis(0));
  if (ahead > oncall::Schedule::kHorizon) return bad_data("ahead is at most 56d");
  if (std::abs(now - services.clock.now_ms()) > kFarthest.count()) {
    return bad_data("time: too far from now");
  }
  const auto overrides = TRY(oncall->store().overrides(now));
  const auto roster = oncall->desk().roster();
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("configured").boolean(roster->configured());
  json.key("schedules").begin_array();
  for (const auto& schedule : roster->schedules()) {
    write_schedule(json, schedule, now, overrides, ahead);
  }
  json.end_array().key("people").begin_array();
  for (const auto& person : roster->people()) {
    json.begin_object().key("name").string(person.name).key("channels").begin_array();
    for (const auto& channel : person.channels) {
      json.begin_object().key("kind").string(channel.kind);
      json.key("receiver").string(channel.receiver).end_object();
    }
    json.end_array().end_object();
  }
  json.end_array().key("policies").begin_array();
  for (int i = 0; i < 4; ++i) {
    const auto priority = static_cast<oncall::Priority>(i);
    json.begin_object().key("priority").string(to_string(priority)).key("steps").begin_array();
    for (const auto& step : roster->policy(priority).steps) {
      json.begin_object().key("after").string(format_duration(step.after));
      json.key("text").string(step.to_string()).end_object();
    }
    json.end_array().end_object();
  }
  json.end_array().end_object();
  return success(call, out);
}

Result<Reply> overrides(const Services& services, Call& call) {
  auto* oncall = TRY(engine(services));
  const auto now = services.clock.now_ms();
  std::string out;
  JsonWriter json(out);
  if (call.request().method != "POST") {
    json.begin_array();
    for (const auto& one : TRY(oncall->store().overrides(now))) write_override(json, one);
    json.end_array();
    return success(call, out);
  }
  const auto parameters = TRY(ActParameters::read(call));
  const auto actor = TRY(parameters.actor());
  const auto end = TRY(parameters.time("end"));
  if (!end) return bad_data("end is missing: a time");
  const auto start = TRY(parameters.time("start"));
  oncall::Override made{.schedule = parameters.get("schedule"),
                        .person = parameters.get("person"),
                        .starts_at = start.value_or(now),
                        .ends_at = *end};
  write_override(json, TRY(oncall->add_override(std::move(made), actor, now)));
  return success(call, out);
}

Result<Reply> remove_override(const Services& services, Call& call) {
  auto* oncall = TRY(engine(services));
  const auto parameters = TRY(ActParameters::read(call));
  const auto actor = TRY(parameters.actor());
  const auto id = TRY(id_of(call));
  TRY(oncall->remove_override(id, actor, services.clock.now_ms()));
  return success(call, "");
}

Result<Reply> audit(const Services& services, Call& call) {
  auto* oncall = TRY(engine(services));
  oncall::AuditFilter filter{.actor = std::string(call.parameter("actor")),
                             .action = std::string(call.parameter("action"))};
  filter.start = TRY(call.time_or("start", filter.start));
  filter.end = TRY(call.time_or("end", filter.end));
  filter.incident = parse_int(call.parameter("incident")).value_or(0);
  filter.limit = TRY(limit_of(call, 1000));
  if (TRY(call.boolean("verify", false))) {
    if (const auto broken = TRY(oncall->audit().first_broken())) {
      call.warnings.push_back(fmt::format("the log was changed at entry {}", *broken));
    } else {
      call.infos.emplace_back("every entry is as it was written");
    }
  }
  const auto events = TRY(oncall->audit().read(filter));
  if (call.parameter("format") == "csv") return audit_csv(events);
  std::string out;
  JsonWriter json(out);
  json.begin_array();
  for (const auto& event : events) write_event(json, event);
  json.end_array();
  return success(call, out);
}

Result<Reply> drill(const Services& services, Call& call) {
  auto* oncall = TRY(engine(services));
  const auto parameters = TRY(ActParameters::read(call));
  const auto actor = TRY(parameters.actor());
  const std::string text = parameters.get("priority");
  const auto priority = oncall::parse_priority(text.empty() ? "P0" : text);
  if (!priority) return bad_data(fmt::format("priority: \"{}\" is none of P0 to P3", text));
  const auto now = services.clock.now_ms();
  return one_incident(*oncall, call,
                      TRY(oncall->drill(*priority, parameters.get("receiver"), actor, now)));
}

Result<Reply> heartbeats(const Services& services, Call& call) {
  auto* oncall = TRY(engine(services));
  std::string out;
  JsonWriter json(out);
  json.begin_array();
  for (const auto& one : TRY(oncall->heartbeats(services.clock.now_ms()))) {
    json.begin_object().key("name").string(one.name);
    json.key("timeout").string(format_duration(one.timeout)).key("last");
    one.last ? json.string(api_time(*one.last)) : json.null();
    json.key("missing").boolean(one.missing).end_object();
  }
  json.end_array();
  return success(call, out);
}

Result<Reply> heartbeat(const Services& services, Call& call) {
  auto* oncall = TRY(engine(services));
  TRY(oncall->beat(call.path_parameter, services.clock.now_ms()));
  return success(call, "");
}

}  // namespace strata::api
