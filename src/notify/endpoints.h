// From discovered groups to the Alertmanagers that alerts are posted to (Prometheus'
// AlertmanagerFromGroup): labels filled in and relabelled, and a URL.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "config/config.h"
#include "discover/target_group.h"

namespace strata::notify {

struct Endpoints {
  std::vector<std::string> active;   // "http://host:9093/api/v2/alerts", no two the same
  std::vector<std::string> dropped;  // by relabelling, as they were before it
  /// One line for each group with an address that is none; such a group has no Alertmanagers.
  std::vector<std::string> errors;
};

/// Pure.
Endpoints endpoints_of(const config::AlertmanagerConfig& config,
                       std::span<const discover::TargetGroup> groups);

}  // namespace strata::notify
