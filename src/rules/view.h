// What the API, metrics and tests see of rules: values, made on request.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "rules/alert.h"
#include "rules/rule_file.h"

namespace strata::rules {

enum class Health : uint8_t { kUnknown, kOk, kError };
/// "unknown", "ok", "err".
std::string_view to_string(Health health);

struct RuleView {
  std::shared_ptr<const GroupSpec> group;  // keeps `spec` alive
  const RuleSpec* spec = nullptr;
  Health health = Health::kUnknown;
  std::string last_error;
  TimestampMs last_evaluation = 0;  // 0: never
  double evaluation_seconds = 0;
  AlertState state = AlertState::kInactive;
  std::vector<Alert> alerts;  // pending and firing, by labels
  size_t no_data = 0;         // alerts that ended, or are held, because their series is gone
};

/// Counters are since the group was loaded.
struct GroupCounters {
  uint64_t iterations = 0;
  uint64_t missed = 0;
  uint64_t evaluations = 0;
  uint64_t failures = 0;
  uint64_t samples = 0;  // of the last iteration
  uint64_t ended = 0;
  uint64_t ended_without_data = 0;
  uint64_t failed_templates = 0;
  uint64_t histograms_dropped = 0;
  uint64_t samples_dropped = 0;  // which the store refused: duplicate, too old
};

struct GroupView {
  std::shared_ptr<const GroupSpec> spec;
  std::string file;
  Millis interval{0};
  Millis query_offset{0};
  TimestampMs last_evaluation = 0;
  double evaluation_seconds = 0;
  GroupCounters counters;
  std::vector<RuleView> rules;
};

}  // namespace strata::rules
