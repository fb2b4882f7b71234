// One alert: a label set for which an alerting rule's expression holds, or held.
#pragma once
#include <cstdint>
#include <string_view>

#include "base/clock.h"
#include "config/http_client_config.h"
#include "model/labels.h"

namespace strata::rules {

using config::StringPairs;

enum class AlertState : uint8_t { kInactive, kPending, kFiring };
/// "inactive", "pending", "firing".
std::string_view to_string(AlertState state);

/// Times are those of evaluations; 0: never.
struct Alert {
  AlertState state = AlertState::kPending;
  Labels labels;  // with alertname
  /// The series that the expression gave, as it was before the rule's labels.
  Labels series;
  StringPairs annotations;  // by name
  double value = 0;
  TimestampMs active_at = 0;
  TimestampMs fired_at = 0;
  TimestampMs resolved_at = 0;
  /// Since when the expression has not held while the alert is kept firing.
  TimestampMs keep_firing_since = 0;
  /// Since when what the expression compares has been gone, rather than not fulfilling it.
  TimestampMs no_data_since = 0;
  TimestampMs last_sent_at = 0;
  TimestampMs valid_until = 0;  // as sent: when a receiver may take it for resolved

  friend bool operator==(const Alert&, const Alert&) = default;
};

}  // namespace strata::rules
