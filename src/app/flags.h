// The flags of `strata serve`: one table from which --help, docs/flags.md and /api/v1/status/flags
// come, and the options that they add up to. Spelt as Prometheus spells them.
#pragma once
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "model/duration.h"
#include "promql/engine.h"

namespace strata::app {

struct Flag {
  std::string_view name;           // "storage.tsdb.path", without dashes
  std::string_view default_value;  // "false" or "true": a switch
  std::string_view value_name;     // "DIR"; empty: a switch
  std::string_view help;
  std::string_view alias = {};  // another spelling
};

/// In the order of the help.
std::span<const Flag> serve_flags();

/// Values by flag name; what was not given has its default.
using FlagValues = std::map<std::string, std::string, std::less<>>;
FlagValues default_flag_values();

struct ServeOptions {
  std::string config_file;         // empty: the zero-config default
  std::string strata_config_file;  // empty: its defaults
  std::string listen_address;
  std::string web_config_file;
  bool allow_unauthenticated = false;
  std::string cors_origin;
  std::string external_url;  // empty: this host's name and our port
  std::string route_prefix;  // "/strata", or "": what every path begins with
  bool lifecycle = false;
  bool admin_api = false;
  bool remote_write_receiver = false;
  bool forward_only = false;
  size_t max_connections = 0;
  Millis read_timeout{0};
  std::string storage_path;
  Millis retention_time{0};
  uint64_t retention_bytes = 0;
  uint64_t remote_write_buffer = 0;
  Millis wal_sync{0};
  size_t max_series = 0;
  std::optional<uint64_t> memory_budget;  // none: a share of what there is
  Millis lookback{0};
  Millis query_timeout{0};
  size_t max_samples = 0;
  uint64_t max_query_memory = 0;  // 0: no bound
  uint64_t result_cache_bytes = 0;
  size_t max_queries = 0;
  Millis slow_query{0};
  Millis alert_resend_delay{0};
  Millis alert_outage_tolerance{0};
  Millis alert_no_data_hold{0};
  enum class ShippedRules : uint8_t { kAuto, kOn, kOff };
  ShippedRules shipped_rules = ShippedRules::kAuto;
  size_t threads = 0;  // 0: one a core
  std::vector<std::string> features;
  std::string alertmanager_config_file;
  size_t notification_queue_capacity = 10'000;  // alerts, for each external Alertmanager
  size_t notification_batch_size = 256;
  bool drain_notifications = true;  // when stopping
  std::string procfs;
  std::string sysfs;
  std::string rootfs;
  LogLevel log_level = LogLevel::kInfo;
  LogFormat log_format = LogFormat::kLogfmt;
};

/// Error: kBadData, naming the flag.
Result<ServeOptions> serve_options(const FlagValues& values);

/// How queries and rules are evaluated. Features that are unknown are warned of.
Result<promql::EngineOptions> engine_options(const ServeOptions& options);

/// docs/flags.md, from the table; a test keeps the file fresh.
std::string flags_markdown();

}  // namespace strata::app
