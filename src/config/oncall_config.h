// Section `oncall` of strata.yml: the people, who of them is on call when, who is called for what,
// and the heartbeats. As it is written; oncall/roster.h makes sense of it and says what is wrong.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "config/http_client_config.h"
#include "model/duration.h"

namespace strata::config {

/// `place` of each is "file:line:column", for messages.
struct OncallChannel {
  std::string kind;      // phone, sms, chat, email, …: what steps name
  std::string receiver;  // of alertmanager.yml
};

struct OncallPerson {
  std::string name;
  std::vector<OncallChannel> channels;  // in the order in which one stands in for another
  std::string place;
};

struct OncallLayer {
  std::vector<std::string> people;
  std::string rotation = "weekly";  // daily, weekly, or a duration
  std::string starts;               // "2026-01-05 09:00": a hand-off; empty: Monday 09:00
  std::vector<std::string> weekdays;
  std::string hours;  // "09:00-18:00"; empty: all day
  std::string place;
};

struct OncallSchedule {
  std::string name;
  std::string time_zone;            // empty: the section's
  std::vector<OncallLayer> layers;  // a later one goes before an earlier one
  std::string fallback;             // a person
  std::string place;
};

struct OncallStep {
  Millis after{0};
  std::vector<std::string> notify;    // schedules, people, "everyone"
  std::vector<std::string> channels;  // kinds
  std::string when;                   // "", "hours", "off_hours"
  std::string place;
};

struct OncallPolicy {
  std::string priority;  // P0 to P3
  std::vector<OncallStep> steps;
  uint64_t repeat = 0;  // rounds; 0: until somebody acknowledges
  Millis repeat_after = std::chrono::minutes(15);
  Millis acknowledged_for{0};  // 0: for good
  bool digest = false;         // at the next workday's digest instead of at steps' times
  std::string place;
};

struct OncallCalendar {
  std::string hours = "09:00-18:00";
  std::vector<std::string> weekdays = {"monday:friday"};
  std::vector<std::string> holidays;        // "2026-12-25"
  std::vector<std::string> extra_workdays;  // made up for other days
  std::string digest = "09:30";
  std::string place;
};

struct OncallIncidents {
  std::vector<std::string> place_labels = {"model_name", "model", "node", "instance"};
  StringPairs severities;  // label value → P0 to P3, or none
  std::string fallback = "P2";
  std::string place;
};

struct OncallHeartbeat {
  std::string name;
  Millis timeout{0};
  std::string severity = "P1";
  std::string place;
};

struct OncallPing {
  std::string url;
  Millis interval = std::chrono::minutes(1);
  std::string alert;  // that must keep firing; empty: none
  HttpClientConfig http;
  std::string place;
};

struct OncallConfig {
  bool present = false;
  std::string time_zone = "UTC";
  OncallCalendar calendar;
  std::vector<OncallPerson> people;
  std::vector<OncallSchedule> schedules;
  std::vector<OncallPolicy> policies;
  OncallIncidents incidents;
  std::vector<OncallHeartbeat> heartbeats;
  std::vector<OncallPing> dead_mans_switch;
  std::string drill_receiver;
  /// Between two calls to one receiver; what comes in between is in the next call.
  Millis phone_gap = std::chrono::minutes(1);
  Millis message_gap = std::chrono::seconds(10);
  std::string place;
};

}  // namespace strata::config
