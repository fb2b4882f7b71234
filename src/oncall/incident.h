// An incident: what people are called for, acknowledge and resolve. Values.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "alerting/alert.h"

namespace strata::oncall {

enum class Priority : uint8_t { kP0, kP1, kP2, kP3 };
std::string_view to_string(Priority priority);  // "P0"
std::optional<Priority> parse_priority(std::string_view text);

enum class Status : uint8_t { kOpen, kAcknowledged, kResolved };
std::string_view to_string(Status status);  // "open"
std::optional<Status> parse_status(std::string_view text);

struct Incident {
  int64_t id = 0;
  std::string alertname = {};
  std::string place_label = {};  // empty: the alert has no place
  std::string place_value = {};
  Priority priority = Priority::kP2;
  Status status = Status::kOpen;
  bool suppressed = false;          // all that fires is silenced, inhibited or muted
  std::string drill_receiver = {};  // that gets every call; empty: this is no drill
  TimestampMs opened_at = 0;
  TimestampMs updated_at = 0;
  std::optional<TimestampMs> acknowledged_at = {};
  std::string acknowledged_by = {};
  std::optional<TimestampMs> acknowledged_until = {};  // none: for good
  std::optional<TimestampMs> resolved_at = {};
  std::string resolved_by = {};
  std::string owner = {};
  int64_t alert_count = 0;   // that ever joined
  int64_t firing_count = 0;  // now
  int64_t round = 1;
  int64_t step = 0;  // taken in this round
  std::optional<TimestampMs> next_step_at = {};

  std::string key() const;    // what alerts of one incident have in common
  std::string title() const;  // "EngineDown on node-3"
  bool live() const { return status != Status::kResolved; }
};
std::string incident_key(std::string_view alertname, std::string_view place_label,
                         std::string_view place_value);

/// An alert of an incident, kept when nobody speaks of it any more.
struct IncidentAlert {
  uint64_t fingerprint = 0;
  Labels labels = {};
  alerting::StringPairs annotations = {};
  TimestampMs starts_at = 0;
  std::optional<TimestampMs> ended_at = {};
};

/// One message to one person by one way, about one or many incidents.
struct Page {
  enum class State : uint8_t { kWaiting, kSent, kDelivered, kFailed, kWithdrawn };

  int64_t id = 0;
  std::string person = {};
  std::string kind = {};
  std::string receiver = {};
  std::string why = {};  // "round 1, step 2"
  State state = State::kWaiting;
  bool regardless = false;  // told also when nobody has to come: to an owner, a digest
  TimestampMs created_at = 0;
  TimestampMs not_before = 0;
  std::optional<TimestampMs> sent_at = {};
  std::string detail = {};
  int64_t attempts = 0;
  std::vector<int64_t> incidents = {};
  std::vector<int64_t> messages = {};  // in the outbox
};
std::string_view to_string(Page::State state);

/// A row of the timeline and of the audit log.
struct Event {
  int64_t id = 0;
  TimestampMs at = 0;
  std::string actor = {};  // "strata" for what happens by itself
  std::string action = {};
  int64_t incident = 0;  // 0: of none
  std::string detail = {};
  std::string hash = {};
};

inline constexpr std::string_view kSelf = "strata";

}  // namespace strata::oncall
