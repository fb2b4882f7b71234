#include "scrape/metrics.h"

namespace strata::scrape {

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
                           "Samples that the catalog made of raw ones, beside them.")) {}

}  // namespace strata::scrape
