// prometheus_remote_storage_*: what dashboards and alerts about remote write read, by target.
// Thread-safe; outlives the writers.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "strata/metrics.h"

namespace strata::remote {

class WriteMetrics {
 public:
  explicit WriteMetrics(metrics::Registry& registry) : registry_(registry) {}

  /// Of one target; lives as long as this.
  struct Target {
    metrics::Counter& samples;
    metrics::Counter& histograms;
    metrics::Counter& metadata;
    metrics::Counter& bytes;
    metrics::Counter& failed;
    metrics::Counter& retried;
    metrics::Counter& dropped;
    metrics::Counter& skipped_log;
    metrics::Gauge& pending;
    metrics::Gauge& shards;
    metrics::Gauge& shards_min;
    metrics::Gauge& shards_max;
    metrics::Gauge& shards_desired;
    metrics::Gauge& highest_sent;
    metrics::Gauge& highest_read;
    metrics::Histogram& duration;
  };
  Target& target(std::string_view name, std::string_view url);

 private:
  metrics::Registry& registry_;
  Mutex mutex_;
  std::map<std::pair<std::string, std::string>, std::unique_ptr<Target>, std::less<>> targets_
      GUARDED_BY(mutex_);
};

}  // namespace strata::remote
