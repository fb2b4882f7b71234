// prometheus_notifications_*: what dashboards and alerts about sending to Alertmanagers read.
// Thread-safe; outlives the queues.
#pragma once
#include <string_view>

#include "strata/metrics.h"

namespace strata::notify {

class Metrics {
 public:
  explicit Metrics(metrics::Registry& registry);

  /// Of one Alertmanager; its series go with the last holder.
  struct Alertmanager {
    metrics::Held<metrics::Counter> sent;
    metrics::Held<metrics::Counter> errors;
    metrics::Held<metrics::Counter> dropped;
    metrics::Held<metrics::Gauge> queue_length;
    metrics::Held<metrics::Summary> latency;
    metrics::Held<metrics::Histogram> latency_histogram;
  };
  Alertmanager of(std::string_view url);

  metrics::Gauge& queue_capacity;

 private:
  metrics::ExpiringFamily<metrics::Counter, "alertmanager">& sent_;
  metrics::ExpiringFamily<metrics::Counter, "alertmanager">& errors_;
  metrics::ExpiringFamily<metrics::Counter, "alertmanager">& dropped_;
  metrics::ExpiringFamily<metrics::Gauge, "alertmanager">& queue_length_;
  metrics::ExpiringFamily<metrics::Summary, "alertmanager">& latency_;
  metrics::ExpiringFamily<metrics::Histogram, "alertmanager">& latency_histogram_;
};

}  // namespace strata::notify
