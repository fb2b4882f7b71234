#include "scrape/metrics.h"

namespace strata::scrape {
namespace {
constexpr std::chrono::nanoseconds kForgetJob{0};  // at the next exposition after it went
}  // namespace

Metrics::Metrics(metrics::Registry& registry)
    : exceeded_sample_limit(registry.counter(
          "prometheus_target_scrapes_exceeded_sample_limit_total",
          "Scrapes that failed because the target exposed more samples than sample_limit.")),
      exceeded_body_size_limit(registry.counter(
          "prometheus_target_scrapes_exceeded_body_size_limit_total",
          "Scrapes that failed because the body was larger than body_size_limit.")),
      exceeded_label_limit(registry.counter(
          "prometheus_target_scrape_pool_exceeded_label_limits_total",
          "Scrapes that failed because a series was beyond one of the label limits.")),
      duplicate_timestamp(registry.counter(
          "prometheus_target_scrapes_sample_duplicate_timestamp_total",
          "Samples dropped because their series had another value at the same time.")),
      out_of_order(registry.counter(
          "prometheus_target_scrapes_sample_out_of_order_total",
          "Samples dropped because they were older than the out-of-order window.")),
      out_of_bounds(registry.counter(
          "prometheus_target_scrapes_sample_out_of_bounds_total",
          "Samples dropped because their own timestamp was too far ahead of the clock.")),
      series_refused(
          registry.counter("strata_scrape_series_refused_total",
                           "Series not stored because the store is at its limit of series.")),
      exceeded_bucket_limit(registry.counter(
          "prometheus_target_scrapes_exceeded_native_histogram_bucket_limit_total",
          "Scrapes that failed because a native histogram was beyond its bucket limit.")),
      histograms_invalid(
          registry.counter("strata_scrape_classic_histograms_invalid_total",
                           "Classic histograms not converted because their counts do not add up.")),
      store_failures(registry.counter("strata_scrape_store_failures_total",
                                      "Scrapes whose samples the store could not take.")),
      skipped(registry.counter("strata_scrapes_skipped_total",
                               "Scrapes not begun because the target's last one had not ended.")),
      queue_full(
          registry.counter("strata_scrape_queue_full_total",
                           "Scrapes dropped because the work pool had no room for their samples.")),
      scrapes(registry.counter("strata_scrapes_total", "Scrapes that ended, in any way.")),
      failures(registry.counter("strata_scrape_failures_total", "Scrapes that failed.")),
      samples(registry.counter("strata_scrape_samples_total",
                               "Samples of successful scrapes, after relabelling.")),
      canonical_samples(
          registry.counter("strata_scrape_canonical_samples_total",
                           "Samples that the catalog made of raw ones, beside them.")),
      jobs_made(registry.counter("prometheus_target_scrape_pools_total",
                                 "Jobs that scraping began for.")),
      jobs_reconfigured(registry.counter("prometheus_target_scrape_pool_reloads_total",
                                         "Times that a job got another configuration.")),
      exceeded_target_limit(
          registry.counter("prometheus_target_scrape_pool_exceeded_target_limit_total",
                           "Times that a job was found to have more targets than target_limit.")),
      targets(registry.expiring_gauge<"scrape_job">("prometheus_target_scrape_pool_targets",
                                                    "Targets of the job.", kForgetJob)),
      target_limit(registry.expiring_gauge<"scrape_job">(
          "prometheus_target_scrape_pool_target_limit",
          "Targets that the job may have; 0: no limit.", kForgetJob)),
      syncs(registry.expiring_counter<"scrape_job">("prometheus_target_scrape_pool_sync_total",
                                                    "Times that the job was given its targets.",
                                                    kForgetJob)),
      failed_targets(registry.expiring_counter<"scrape_job">(
          "prometheus_target_sync_failed_total",
          "Targets that could not be made of what was discovered.", kForgetJob)),
      sync_length(registry.summary<"scrape_job">("prometheus_target_sync_length_seconds",
                                                 "Time it took to give a job its targets.",
                                                 {0.01, 0.05, 0.5, 0.9, 0.99})),
      interval_length(registry.summary<"interval">("prometheus_target_interval_length_seconds",
                                                   "Time between scrapes of a target.",
                                                   {0.01, 0.05, 0.5, 0.9, 0.99})) {}

}  // namespace strata::scrape
