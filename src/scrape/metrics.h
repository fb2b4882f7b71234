// Scraping's own series, under Prometheus' names where it has them.
#pragma once
#include "strata/metrics.h"

namespace strata::scrape {

/// One for the process; outlives all targets. Thread-safe.
struct Metrics {
  explicit Metrics(metrics::Registry& registry);

  metrics::Counter& exceeded_sample_limit;
  metrics::Counter& exceeded_body_size_limit;
  metrics::Counter& exceeded_label_limit;
  metrics::Counter& duplicate_timestamp;
  metrics::Counter& out_of_order;
  metrics::Counter& out_of_bounds;
  metrics::Counter& series_refused;  // the store is at its limit of series
  metrics::Counter& exceeded_bucket_limit;
  metrics::Counter& histograms_invalid;  // classic ones that could not be converted
  metrics::Counter& store_failures;      // scrapes whose samples the store could not take
  metrics::Counter& skipped;             // scrapes not begun: the last one of the target still ran
  metrics::Counter& queue_full;          // scrapes dropped: the work pool's queue was full
  metrics::Counter& scrapes;
  metrics::Counter& failures;
  metrics::Counter& samples;
  metrics::Counter& canonical_samples;

  metrics::Counter& jobs_made;
  metrics::Counter& jobs_reconfigured;
  metrics::Counter& exceeded_target_limit;  // times that a job's targets were found to be too many
  metrics::ExpiringFamily<metrics::Gauge, "scrape_job">& targets;
  metrics::ExpiringFamily<metrics::Gauge, "scrape_job">& target_limit;
  metrics::ExpiringFamily<metrics::Counter, "scrape_job">& syncs;
  metrics::ExpiringFamily<metrics::Counter, "scrape_job">& failed_targets;
  metrics::Family<metrics::Summary, "scrape_job">& sync_length;
  metrics::Family<metrics::Summary, "interval">& interval_length;
};

}  // namespace strata::scrape
