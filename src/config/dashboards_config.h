// Section `dashboards` of strata.yml: Grafana dashboard JSON that is provisioned from a folder.
#pragma once
#include <string>

namespace strata::config {

struct DashboardsConfig {
  std::string folder;  // its *.json are shown; read at start and when the configuration is reloaded
};

}  // namespace strata::config
