// Incidents, calls and schedules as JSON (docs/oncall.md). Pure.
#pragma once
#include <span>

#include "base/json.h"
#include "oncall/roster.h"
#include "oncall/schedule.h"

namespace strata::api {

/// Without the closing brace: what only one incident has may follow.
void begin_incident(JsonWriter& json, const oncall::Incident& incident,
                    const oncall::Roster& roster);
void write_incident(JsonWriter& json, const oncall::Incident& incident,
                    const oncall::Roster& roster);
void write_incident_alert(JsonWriter& json, const oncall::IncidentAlert& alert);
void write_page(JsonWriter& json, const oncall::Page& page);
void write_event(JsonWriter& json, const oncall::Event& event);
void write_override(JsonWriter& json, const oncall::Override& override);
/// With `ahead`, "slots" too: who has it from now on for so long.
void write_schedule(JsonWriter& json, const oncall::Schedule& schedule, TimestampMs now,
                    std::span<const oncall::Override> overrides, Millis ahead = Millis(0));

}  // namespace strata::api
