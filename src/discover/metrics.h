// Discovery's own series, under Prometheus' names where it has them.
#pragma once
#include <string>
#include <string_view>

#include "strata/metrics.h"

namespace strata::discover {

/// Of one manager; outlives its providers. Thread-safe.
struct Metrics {
  /// `name` of the series that have one: whose discovery it is, "scrape" or "notify".
  Metrics(metrics::Registry& registry, std::string_view name);

  const std::string name;
  metrics::Family<metrics::Counter, "mechanism", "config">& refresh_failures;
  metrics::Family<metrics::Gauge, "name", "config">& discovered_targets;
  metrics::Family<metrics::Gauge, "name">& failed_configs;
  metrics::Family<metrics::Counter, "name">& received_updates;
  metrics::Family<metrics::Counter, "name">& updates;
  metrics::Counter& http_failures;
  metrics::Counter& dns_lookups;
  metrics::Counter& dns_lookup_failures;
  metrics::Counter& file_read_errors;
  metrics::Counter& kubernetes_failures;
  metrics::Family<metrics::Counter, "role", "event">& kubernetes_events;
};

}  // namespace strata::discover
