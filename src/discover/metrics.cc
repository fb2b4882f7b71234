#include "discover/metrics.h"

namespace strata::discover {

Metrics::Metrics(metrics::Registry& registry, std::string_view of)
    : name(of),
      refresh_failures(registry.counter<"mechanism", "config">(
          "prometheus_sd_refresh_failures_total", "Refreshes that failed, at least in part.")),
      discovered_targets(registry.gauge<"name", "config">("prometheus_sd_discovered_targets",
                                                          "Targets there are now.")),
      failed_configs(
          registry.gauge<"name">("prometheus_sd_failed_configs",
                                 "Discovery configurations that cannot be used as they are.")),
      received_updates(registry.counter<"name">("prometheus_sd_received_updates_total",
                                                "Lists of targets received from providers.")),
      updates(registry.counter<"name">("prometheus_sd_updates_total",
                                       "Lists of targets handed on because they changed.")),
      http_failures(registry.counter("prometheus_sd_http_failures_total",
                                     "Lists of targets that HTTP servers did not give.")),
      dns_lookups(registry.counter("prometheus_sd_dns_lookups_total", "Lookups of DNS names.")),
      dns_lookup_failures(registry.counter("prometheus_sd_dns_lookup_failures_total",
                                           "Lookups of DNS names that failed.")),
      file_read_errors(registry.counter("prometheus_sd_file_read_errors_total",
                                        "Target files that could not be read or parsed.")),
      kubernetes_failures(registry.counter("prometheus_sd_kubernetes_failures_total",
                                           "Lists and watches of Kubernetes objects that failed.")),
      kubernetes_events(registry.counter<"role", "event">("prometheus_sd_kubernetes_events_total",
                                                          "Changes of Kubernetes objects.")) {}

}  // namespace strata::discover
