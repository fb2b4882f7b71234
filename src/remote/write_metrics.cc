#include "remote/write_metrics.h"

namespace strata::remote {

WriteMetrics::Target& WriteMetrics::target(std::string_view name, std::string_view url) {
  MutexLock lock(mutex_);
  auto& made = targets_[{std::string(name), std::string(url)}];
  if (made) return *made;
  auto& r = registry_;
  made = std::make_unique<Target>(Target{
      .samples = r.counter<"remote_name", "url">("prometheus_remote_storage_samples_total",
                                                 "Samples that were sent, or tried to be.")
                     .with(name, url),
      .histograms = r.counter<"remote_name", "url">("prometheus_remote_storage_histograms_total",
                                                    "Native histograms that were sent.")
                        .with(name, url),
      .metadata = r.counter<"remote_name", "url">("prometheus_remote_storage_metadata_total",
                                                  "Requests with metadata that were sent.")
                      .with(name, url),
      .bytes = r.counter<"remote_name", "url">("prometheus_remote_storage_bytes_total",
                                               "Bytes of samples that were sent, compressed.")
                   .with(name, url),
      .failed = r.counter<"remote_name", "url">("prometheus_remote_storage_samples_failed_total",
                                                "Samples that the target will not take.")
                    .with(name, url),
      .retried = r.counter<"remote_name", "url">("prometheus_remote_storage_samples_retried_total",
                                                 "Samples that were sent again.")
                     .with(name, url),
      .dropped = r.counter<"remote_name", "url">(
                      "prometheus_remote_storage_samples_dropped_total",
                      "Samples that relabelling or their age kept from being sent.")
                     .with(name, url),
      .skipped_log = r.counter<"remote_name", "url">(
                          "strata_remote_write_skipped_log_parts_total",
                          "Parts of the log that were gone, or damaged, before they were sent.")
                         .with(name, url),
      .pending = r.gauge<"remote_name", "url">("prometheus_remote_storage_samples_pending",
                                               "Samples of the round that is being sent.")
                     .with(name, url),
      .shards = r.gauge<"remote_name", "url">("prometheus_remote_storage_shards",
                                              "Requests in flight of the last round.")
                    .with(name, url),
      .shards_min = r.gauge<"remote_name", "url">("prometheus_remote_storage_shards_min",
                                                  "Requests in flight of the smallest round.")
                        .with(name, url),
      .shards_max = r.gauge<"remote_name", "url">("prometheus_remote_storage_shards_max",
                                                  "Requests that may be in flight.")
                        .with(name, url),
      .shards_desired =
          r.gauge<"remote_name", "url">("prometheus_remote_storage_shards_desired",
                                        "Requests in flight with which the target would keep up.")
              .with(name, url),
      .highest_sent = r.gauge<"remote_name", "url">(
                           "prometheus_remote_storage_queue_highest_sent_timestamp_seconds",
                           "The newest sample that the target has.")
                          .with(name, url),
      .highest_read = r.gauge<"remote_name", "url">(
                           "prometheus_remote_storage_queue_highest_timestamp_seconds",
                           "The newest sample that was read from the log for the target.")
                          .with(name, url),
      .duration =
          r.histogram<"remote_name", "url">("prometheus_remote_storage_sent_batch_duration_seconds",
                                            "From a request to its answer.")
              .with(name, url)});
  return *made;
}

}  // namespace strata::remote
