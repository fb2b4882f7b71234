#include "app/flags.h"

#include "app/flag_reader.h"
#include "base/number.h"

namespace strata::app {
namespace {

constexpr std::string_view kKeep = "15d";
constexpr std::chrono::hours kKeepForwarded{4};  // blocks are cut of two hours

constexpr Flag kFlags[] = {
    {"config.file", "", "FILE",
     "Configuration in Prometheus' format. Without it Strata scrapes itself, this host, and any "
     "inference engine or exporter that answers on a usual local port."},
    {"strata.config", "", "FILE",
     "What only Strata knows (docs/strata-config.md): the cardinality guard, probes, retention by "
     "series."},
    {"web.listen-address", "127.0.0.1:9090", "HOST:PORT",
     "Where to listen. Beyond this machine only with users (--web.config.file) or "
     "--web.allow-unauthenticated."},
    {"web.config.file", "", "FILE",
     "TLS, users and headers, in the format of Prometheus' web.yml."},
    {"web.allow-unauthenticated", "false", "",
     "Listen beyond this machine although nobody has to log in."},
    {"web.cors.origin", ".*", "REGEX",
     "Whose pages may read answers of the API: matched against the whole Origin."},
    {"web.external-url", "", "URL",
     "Where others reach this server, with the path when it is below one: what links in alerts "
     "begin with. Without it, this host's name, the port and --web.route-prefix."},
    {"web.route-prefix", "", "PATH",
     "What every path begins with: /strata. Without it, the path of --web.external-url."},
    {"web.enable-lifecycle", "false", "", "POST /-/quit ends Strata."},
    {"web.enable-admin-api", "false", "", "/api/v1/admin is there."},
    {"web.enable-remote-write-receiver", "false", "",
     "POST /api/v1/write takes samples from other servers (remote write 1.0 and 2.0)."},
    {"forward-only", "false", "",
     "For a site whose data is asked for elsewhere: scrape, keep what remote_write has not sent, "
     "send it; no rules, no queries. Keeps 4h when --storage.tsdb.retention.time is not given."},
    {"web.max-connections", "512", "N", "Connections that may be open at once."},
    {"web.read-timeout", "5m", "DURATION", "How long a client may take to send a request."},
    {"storage.tsdb.path", "data", "DIR", "Where samples are kept.", "storage.path"},
    {"storage.tsdb.retention.time", kKeep, "DURATION", "How long samples are kept; 0: forever."},
    {"storage.tsdb.retention.size", "0", "BYTES",
     "How much blocks may take on disk (512MB, 100GB); 0: no bound."},
    {"storage.wal-sync", "1s", "DURATION",
     "The longest time for which samples may be lost when the machine loses power. Killing the "
     "process loses none."},
    {"storage.remote-write-buffer", "10GB", "BYTES",
     "Disk for what targets of remote_write have not taken yet; beyond it they miss the oldest "
     "samples, which is said and counted."},
    {"storage.max-series", "0", "N",
     "Series that may be in memory; more are refused and counted. 0: no bound."},
    {"storage.memory-budget", "auto", "BYTES",
     "Memory that the store's head may take before new series are refused; those that there are go "
     "on. auto: half of the machine's memory or the process' cgroup limit; 0: no bound."},
    {"query.lookback-delta", "5m", "DURATION",
     "How far back an instant selector looks for a sample."},
    {"query.timeout", "2m", "DURATION", "The longest a query may take."},
    {"query.max-samples", "50000000", "N", "Samples that one query may hold in memory."},
    {"query.max-memory", "1GB", "BYTES",
     "Memory that one query may hold; one that would take more is stopped. 0: no bound."},
    {"query.result-cache-size", "64MB", "BYTES",
     "Memory for answers to range queries that are asked again as time goes on; 0: none are kept."},
    {"query.max-concurrency", "20", "N",
     "Queries that run at a time, at least 1; others wait for their turn."},
    {"query.log-slow", "10s", "DURATION", "Queries that take longer are logged; 0: none."},
    {"rules.alert.resend-delay", "1m", "DURATION",
     "How often receivers are told that an alert still fires."},
    {"rules.alert.for-outage-tolerance", "1h", "DURATION",
     "The longest that Strata may be away for alerts that wait (`for`) to go on waiting; those "
     "that "
     "fire are never forgotten."},
    {"rules.alert.no-data-hold", "0s", "DURATION",
     "How long an alert fires on when the series that it compares is gone. 0s: it ends at once, as "
     "in Prometheus, and is reported as ended without data."},
    {"rules.builtin", "auto", "WHEN",
     "Whether the rules that come with Strata run: on, off, or auto: when prometheus.yml names no "
     "rule_files."},
    {"work.threads", "0", "N", "Threads that ingest and evaluate; 0: one a core."},
    {"enable-feature", "", "NAME,...",
     "Prometheus' experimental features: promql-experimental-functions, "
     "promql-extended-range-selectors, promql-binop-fill-modifiers, "
     "promql-delayed-name-removal, created-timestamp-zero-ingestion."},
    {"alertmanager.config.file", "", "FILE",
     "Where alerts go, in Alertmanager's format. Without it they are shown, and nobody is told."},
    {"alertmanager.notification-queue-capacity", "10000", "N",
     "Alerts that may wait for one Alertmanager of alerting.alertmanagers; the oldest give way."},
    {"alertmanager.notification-batch-size", "256", "N",
     "Alerts of one request to an Alertmanager."},
    {"alertmanager.drain-notification-queue-on-shutdown", "true", "",
     "When stopping, alerts that wait for Alertmanagers are sent first, for at most 10 s."},
    {"path.procfs", "/proc", "DIR", "Where this host's /proc is mounted."},
    {"path.sysfs", "/sys", "DIR", "Where this host's /sys is mounted."},
    {"path.rootfs", "/", "DIR", "Where this host's file systems are mounted."},
    {"log.level", "info", "LEVEL", "debug, info, warn or error."},
    {"log.format", "logfmt", "FORMAT", "logfmt or json."},
};

std::vector<std::string> split(std::string_view list) {
  std::vector<std::string> words;
  while (!list.empty()) {
    const size_t end = std::min(list.find(','), list.size());
    if (end > 0) words.emplace_back(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return words;
}

// "/strata" from "strata/", or from the path of the external URL; "" for "/".
std::string route_prefix(std::string_view given, std::string_view external_url) {
  if (given.empty()) {
    const size_t host = external_url.find("://");
    const size_t path = host == std::string_view::npos ? host : external_url.find('/', host + 3);
    given = path == std::string_view::npos ? "" : external_url.substr(path);
  }
  while (given.starts_with('/')) given.remove_prefix(1);
  while (given.ends_with('/')) given.remove_suffix(1);
  return given.empty() ? "" : "/" + std::string(given);
}

}  // namespace

std::span<const Flag> serve_flags() { return kFlags; }

FlagValues default_flag_values() {
  FlagValues values;
  for (const auto& flag : kFlags) values.emplace(flag.name, flag.default_value);
  return values;
}

Result<ServeOptions> serve_options(const FlagValues& values) {
  FlagReader read(values);
  ServeOptions options{
      .config_file = read.text("config.file"),
      .strata_config_file = read.text("strata.config"),
      .listen_address = read.text("web.listen-address"),
      .web_config_file = read.text("web.config.file"),
      .allow_unauthenticated = read.on("web.allow-unauthenticated"),
      .cors_origin = read.text("web.cors.origin"),
      .external_url = read.text("web.external-url"),
      .route_prefix = route_prefix(read.text("web.route-prefix"), read.text("web.external-url")),
      .lifecycle = read.on("web.enable-lifecycle"),
      .admin_api = read.on("web.enable-admin-api"),
      .remote_write_receiver = read.on("web.enable-remote-write-receiver"),
      .forward_only = read.on("forward-only"),
      .max_connections = read.number("web.max-connections"),
      .read_timeout = read.duration("web.read-timeout"),
      .storage_path = read.text("storage.tsdb.path"),
      .retention_time = read.duration("storage.tsdb.retention.time"),
      .retention_bytes = read.bytes("storage.tsdb.retention.size"),
      .remote_write_buffer = read.bytes("storage.remote-write-buffer"),
      .wal_sync = read.duration("storage.wal-sync"),
      .max_series = read.number("storage.max-series"),
      .memory_budget = read.bytes_or_auto("storage.memory-budget"),
      .lookback = read.duration("query.lookback-delta"),
      .query_timeout = read.duration("query.timeout"),
      .max_samples = read.number("query.max-samples"),
      .max_query_memory = read.bytes("query.max-memory"),
      .result_cache_bytes = read.bytes("query.result-cache-size"),
      .max_queries = read.at_least_one("query.max-concurrency"),
      .slow_query = read.duration("query.log-slow"),
      .alert_resend_delay = read.duration("rules.alert.resend-delay"),
      .alert_outage_tolerance = read.duration("rules.alert.for-outage-tolerance"),
      .alert_no_data_hold = read.duration("rules.alert.no-data-hold"),
      .shipped_rules = read.choice<ServeOptions::ShippedRules>(
          "rules.builtin", {{"auto", ServeOptions::ShippedRules::kAuto},
                            {"on", ServeOptions::ShippedRules::kOn},
                            {"off", ServeOptions::ShippedRules::kOff}}),
      .threads = read.number("work.threads"),
      .features = split(read.text("enable-feature")),
      .alertmanager_config_file = read.text("alertmanager.config.file"),
      .notification_queue_capacity = read.at_least_one("alertmanager.notification-queue-capacity"),
      .notification_batch_size = read.at_least_one("alertmanager.notification-batch-size"),
      .drain_notifications = read.on("alertmanager.drain-notification-queue-on-shutdown"),
      .procfs = read.text("path.procfs"),
      .sysfs = read.text("path.sysfs"),
      .rootfs = read.text("path.rootfs"),
      .log_level = read.choice<LogLevel>("log.level", {{"debug", LogLevel::kDebug},
                                                       {"info", LogLevel::kInfo},
                                                       {"warn", LogLevel::kWarn},
                                                       {"error", LogLevel::kError}}),
      .log_format = read.choice<LogFormat>(
          "log.format", {{"logfmt", LogFormat::kLogfmt}, {"json", LogFormat::kJson}}),
  };
  if (read.error()) return std::unexpected(*read.error());
  if (options.forward_only) {
    const bool kept = values.find("storage.tsdb.retention.time")->second != kKeep;
    if (!kept) options.retention_time = kKeepForwarded;
    options.shipped_rules = ServeOptions::ShippedRules::kOff;
  }
  return options;
}

std::string flags_markdown() {
  std::string out =
      "# Flags of `strata serve`\n\n"
      "Made from the table in src/app/flags.cc; a test compares.\n\n"
      "| flag | default | what it does |\n|---|---|---|\n";
  for (const auto& flag : kFlags) {
    out += fmt::format("| `--{}{}`{} | {} | {} |\n", flag.name,
                       flag.value_name.empty() ? "" : "=" + std::string(flag.value_name),
                       flag.alias.empty() ? "" : fmt::format(" or `--{}`", flag.alias),
                       flag.default_value.empty() ? "" : fmt::format("`{}`", flag.default_value),
                       flag.help);
  }
  return out;
}

}  // namespace strata::app
