// The values of Alertmanager's API v2 as JSON, in and out. Pure.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "alerting/router.h"
#include "base/json.h"
#include "base/result.h"

namespace strata::api {

/// A list of postableAlert. Errors: kBadData with the place.
Result<std::vector<alerting::Alert>> read_alerts(std::string_view json);
/// A postableSilence.
Result<alerting::Silence> read_silence(std::string_view json);

/// 2026-11-24T08:00:00.000Z; year 1 for 0, as Go writes a time that is not set.
std::string api_time(TimestampMs t);

void write_labels(JsonWriter& json, const Labels& labels);
void write_alert(JsonWriter& json, const alerting::Alert& alert,
                 const alerting::AlertStatus& status, const std::vector<std::string>& receivers);
void write_silence(JsonWriter& json, const alerting::Silence& silence, TimestampMs now);

}  // namespace strata::api
