#include "discover/target_group.h"

namespace strata::discover {

TargetGroup group_from(const config::StaticConfig& config, std::string source) {
  TargetGroup group{.source = std::move(source), .labels = config.labels, .targets = {}};
  group.targets.reserve(config.targets.size());
  for (const std::string& address : config.targets) {
    group.targets.push_back(Labels{{"__address__", address}});
  }
  return group;
}

}  // namespace strata::discover
