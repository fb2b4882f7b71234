// strata.yml (--strata.config): what only Strata knows, so that prometheus.yml stays a file that
// Prometheus loads too. One struct a section; a section that is missing has its defaults. Made by
// parse_strata_config(); nothing changes it afterwards, so any thread may read it.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/fs.h"
#include "base/result.h"
#include "config/catalog_config.h"
#include "config/dashboards_config.h"
#include "config/gateway_config.h"
#include "config/guard_config.h"
#include "config/oncall_config.h"
#include "config/probe_config.h"
#include "config/query_config.h"
#include "config/rules_config.h"
#include "config/store_config.h"
#include "config/yaml.h"

namespace strata::config {

struct StrataConfig {
  CatalogConfig catalog;
  DashboardsConfig dashboards;
  GuardConfig guard;
  StoreConfig storage;
  GatewayConfig gateway;
  std::vector<ProbeModule> probes;  // no two of one name
  YamlNode receivers;               // as written; alerting/own_kinds.h reads it
  OncallConfig oncall;
  QueryConfig query;
  RulesConfig rules;
};

/// As load.h reads prometheus.yml. `file_name` stands in messages, and relative paths are joined to
/// its directory. Errors: kBadData with file:line:column.
Result<StrataConfig> parse_strata_config(std::string_view text, std::string_view file_name);
/// Of a file; an empty `path` gives the defaults. Errors: those, and the file system's.
Result<StrataConfig> load_strata_config(const std::string& path, Fs& fs);

}  // namespace strata::config
