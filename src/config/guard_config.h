// Section `guard` of strata.yml: when a label counts as one that grows without end, what happens to
// the series that it brings, and how many series there may be. scrape/guard.h applies it.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/duration.h"

namespace strata::config {

/// What happens to the new series of a label that grows without end.
enum class GuardMode : uint8_t {
  kOff,     // nothing is watched
  kReport,  // stored like others, and reported
  kDrop,    // not stored
  kFold,    // stored as one, under the label value "folded"
};
/// "off", "report", …
std::string_view to_string(GuardMode mode);

/// What may be said for one job. Limits: 0 is no limit.
struct GuardRules {
  GuardMode mode = GuardMode::kReport;
  /// Series that the job may have in the store's head; one more is refused.
  uint64_t max_series = 0;
  /// Values that are new to one label of one metric within `window` before the label counts as
  /// growing without end.
  uint64_t new_values = 200;
  /// Labels that may grow (pod names where pods come and go).
  std::vector<std::string> exempt_labels;
};

struct GuardJob {
  std::string job_name;
  GuardRules rules;
};

struct GuardConfig {
  GuardRules rules;  // of jobs that `jobs` does not name
  /// Of all jobs together.
  uint64_t max_total_series = 0;
  Millis window = std::chrono::minutes(10);
  std::vector<GuardJob> jobs;

  const GuardRules& of(std::string_view job) const;
};

}  // namespace strata::config
