#include "api/oncall_json.h"

#include <algorithm>

#include "alerting/alert.h"
#include "api/alertmanager_json.h"

namespace strata::api {
namespace {

void time_or_null(JsonWriter& json, std::string_view key, const std::optional<TimestampMs>& t) {
  json.key(key);
  t ? json.string(api_time(*t)) : json.null();
}

void text_or_null(JsonWriter& json, std::string_view key, const std::string& text) {
  json.key(key);
  text.empty() ? json.null() : json.string(text);
}

// What the incident's next step will be: "secondary by phone".
std::string next_step(const oncall::Incident& incident, const oncall::Roster& roster) {
  const auto& steps = roster.policy(incident.priority).steps;
  if (steps.empty()) return "";
  const auto at = static_cast<size_t>(incident.step) % steps.size();
  return steps[at].to_string();
}

void write_slot(JsonWriter& json, const oncall::Slot& slot) {
  json.begin_object();
  text_or_null(json, "person", slot.person);
  json.key("since").string(api_time(slot.since)).key("until").string(api_time(slot.until));
  json.key("from").string(slot.from).end_object();
}

}  // namespace

void begin_incident(JsonWriter& json, const oncall::Incident& i, const oncall::Roster& roster) {
  json.begin_object().key("id").integer(i.id).key("title").string(i.title());
  json.key("alertname").string(i.alertname).key("place").begin_object();
  json.key("label").string(i.place_label).key("value").string(i.place_value).end_object();
  json.key("priority").string(to_string(i.priority)).key("status").string(to_string(i.status));
  json.key("suppressed").boolean(i.suppressed).key("drill").boolean(!i.drill_receiver.empty());
  json.key("openedAt").string(api_time(i.opened_at));
  json.key("updatedAt").string(api_time(i.updated_at));
  time_or_null(json, "acknowledgedAt", i.acknowledged_at);
  text_or_null(json, "acknowledgedBy", i.acknowledged_by);
  time_or_null(json, "acknowledgedUntil", i.acknowledged_until);
  time_or_null(json, "resolvedAt", i.resolved_at);
  text_or_null(json, "resolvedBy", i.resolved_by);
  text_or_null(json, "owner", i.owner);
  json.key("alertCount").integer(i.alert_count).key("firingCount").integer(i.firing_count);
  json.key("round").integer(i.round).key("step").integer(i.step).key("nextStep");
  if (!i.next_step_at) {
    json.null();
    return;
  }
  json.begin_object().key("at").string(api_time(*i.next_step_at));
  json.key("text").string(next_step(i, roster)).end_object();
}

void write_incident(JsonWriter& json, const oncall::Incident& incident,
                    const oncall::Roster& roster) {
  begin_incident(json, incident, roster);
  json.end_object();
}

void write_incident_alert(JsonWriter& json, const oncall::IncidentAlert& alert) {
  json.begin_object().key("fingerprint").string(alerting::fingerprint_text(alert.fingerprint));
  json.key("labels");
  write_labels(json, alert.labels);
  json.key("annotations").begin_object();
  for (const auto& [name, value] : alert.annotations) json.key(name).string(value);
  json.end_object().key("startsAt").string(api_time(alert.starts_at));
  time_or_null(json, "endedAt", alert.ended_at);
  json.end_object();
}

void write_page(JsonWriter& json, const oncall::Page& page) {
  json.begin_object().key("id").integer(page.id).key("person").string(page.person);
  json.key("receiver").string(page.receiver).key("kind").string(page.kind);
  json.key("at").string(api_time(page.sent_at.value_or(page.not_before)));
  json.key("status").string(to_string(page.state)).key("incidents").begin_array();
  for (const int64_t id : page.incidents) json.integer(id);
  json.end_array().key("why").string(page.why).key("attempts").integer(page.attempts);
  json.key("detail").string(page.detail).end_object();
}

void write_event(JsonWriter& json, const oncall::Event& event) {
  json.begin_object().key("id").integer(event.id).key("at").string(api_time(event.at));
  json.key("actor").string(event.actor).key("action").string(event.action).key("incident");
  event.incident == 0 ? json.null() : json.integer(event.incident);
  json.key("detail").string(event.detail).key("hash").string(event.hash).end_object();
}

void write_override(JsonWriter& json, const oncall::Override& one) {
  json.begin_object().key("id").integer(one.id).key("schedule").string(one.schedule);
  json.key("person").string(one.person).key("start").string(api_time(one.starts_at));
  json.key("end").string(api_time(one.ends_at)).key("by").string(one.created_by).end_object();
}

void write_schedule(JsonWriter& json, const oncall::Schedule& schedule, TimestampMs now,
                    std::span<const oncall::Override> overrides, Millis ahead) {
  const auto span = oncall::Schedule::kHorizon.count();
  const auto slots = schedule.slots(now - span, now + span, overrides);
  const auto at = std::ranges::find_if(slots, [&](const auto& slot) { return slot.until > now; });
  json.begin_object().key("name").string(schedule.name());
  json.key("timeZone").string(schedule.zone().name()).key("now");
  write_slot(json, *at);
  json.key("next");
  at + 1 == slots.end() ? void(json.null()) : write_slot(json, at[1]);
  if (ahead.count() > 0) {
    json.key("slots").begin_array();
    for (const auto& slot : schedule.slots(now, now + ahead.count(), overrides)) {
      write_slot(json, slot);
    }
    json.end_array();
  }
  json.end_object();
}

}  // namespace strata::api
