// Section `rules` of strata.yml: what prometheus.yml and rule files have no words for.
#pragma once
#include <string>
#include <vector>

namespace strata::config {

struct RulesConfig {
  /// Groups, by name, that are evaluated when scrapes end too, and not at their ticks alone.
  std::vector<std::string> on_scrape = {"engine_watch"};
};

}  // namespace strata::config
