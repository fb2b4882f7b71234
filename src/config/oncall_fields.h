// The keys of section `oncall`: private to strata_config.cc.
#pragma once
#include "config/fields.h"
#include "config/oncall_config.h"
#include "config/validate.h"

namespace strata::config {

template <class V>
void fields(V& v, OncallChannel& c) {
  v.field("kind", c.kind);
  v.field("receiver", c.receiver);
}

template <class V>
void fields(V& v, OncallPerson& c) {
  v.field("name", c.name);
  v.field("channels", c.channels);
}

template <class V>
void fields(V& v, OncallLayer& c) {
  v.field("people", c.people);
  v.field("rotation", c.rotation);
  v.field("starts", c.starts);
  v.field("weekdays", c.weekdays);
  v.field("hours", c.hours);
}

template <class V>
void fields(V& v, OncallSchedule& c) {
  v.field("name", c.name);
  v.field("time_zone", c.time_zone);
  v.field("layers", c.layers);
  v.field("fallback", c.fallback);
}

template <class V>
void fields(V& v, OncallStep& c) {
  v.field("after", c.after);
  v.field("notify", c.notify);
  v.field("channels", c.channels);
  v.field("when", c.when);
}

template <class V>
void fields(V& v, OncallPolicy& c) {
  v.field("priority", c.priority);
  v.field("steps", c.steps);
  v.field("repeat", c.repeat);
  v.field("repeat_after", c.repeat_after);
  v.field("acknowledged_for", c.acknowledged_for);
  v.field("digest", c.digest);
}

template <class V>
void fields(V& v, OncallCalendar& c) {
  v.field("hours", c.hours);
  v.field("weekdays", c.weekdays);
  v.field("holidays", c.holidays);
  v.field("extra_workdays", c.extra_workdays);
  v.field("digest", c.digest);
}

template <class V>
void fields(V& v, OncallIncidents& c) {
  v.field("place", c.place_labels);
  v.field("severities", c.severities);
  v.field("default", c.fallback);
}

template <class V>
void fields(V& v, OncallHeartbeat& c) {
  v.field("name", c.name);
  v.field("timeout", c.timeout);
  v.field("severity", c.severity);
}

template <class V>
void fields(V& v, OncallPing& c) {
  v.field("url", c.url);
  v.field("interval", c.interval);
  v.field("alert", c.alert);
  fields(v, c.http);
}

template <class V>
void fields(V& v, OncallConfig& c) {
  v.field("time_zone", c.time_zone);
  v.field("calendar", c.calendar);
  v.field("people", c.people);
  v.field("schedules", c.schedules);
  v.field("policies", c.policies);
  v.field("incidents", c.incidents);
  v.field("heartbeats", c.heartbeats);
  v.field("dead_mans_switch", c.dead_mans_switch);
  v.field("drill_receiver", c.drill_receiver);
  v.field("phone_gap", c.phone_gap);
  v.field("message_gap", c.message_gap);
}

// What a value means is checked where it is used (oncall/roster.h): here its place is noted.
template <class T>
void note_place(const Decoder& d, const YamlNode& node, T& c) {
  c.place = fmt::format("{}:{}:{}", d.file_name(), node.mark.line, node.mark.column);
}

inline void check(Decoder& d, const YamlNode& node, OncallPerson& c) { note_place(d, node, c); }
inline void check(Decoder& d, const YamlNode& node, OncallLayer& c) { note_place(d, node, c); }
inline void check(Decoder& d, const YamlNode& node, OncallSchedule& c) { note_place(d, node, c); }
inline void check(Decoder& d, const YamlNode& node, OncallStep& c) { note_place(d, node, c); }
inline void check(Decoder& d, const YamlNode& node, OncallPolicy& c) { note_place(d, node, c); }
inline void check(Decoder& d, const YamlNode& node, OncallCalendar& c) { note_place(d, node, c); }
inline void check(Decoder& d, const YamlNode& node, OncallIncidents& c) { note_place(d, node, c); }
inline void check(Decoder& d, const YamlNode& node, OncallHeartbeat& c) { note_place(d, node, c); }
inline void check(Decoder& d, const YamlNode& node, OncallPing& c) {
  check_http_client(d, node, c.http);
  note_place(d, node, c);
}
inline void check(Decoder& d, const YamlNode& node, OncallConfig& c) {
  note_place(d, node, c);
  c.present = true;
}

}  // namespace strata::config
