#include "notify/metrics.h"

namespace strata::notify {
namespace {

using std::chrono::nanoseconds;

}  // namespace

Metrics::Metrics(metrics::Registry& r)
    : queue_capacity(r.gauge("prometheus_notifications_queue_capacity",
                             "Alerts that may wait for one Alertmanager.")),
      sent_(r.expiring_counter<"alertmanager">("prometheus_notifications_sent_total",
                                               "Alerts that the Alertmanager took.",
                                               nanoseconds(0))),
      errors_(r.expiring_counter<"alertmanager">(
          "prometheus_notifications_errors_total",
          "Alerts of requests that the Alertmanager did not answer, or refused.", nanoseconds(0))),
      dropped_(r.expiring_counter<"alertmanager">(
          "prometheus_notifications_dropped_total",
          "Alerts given up: of failed requests, of full queues, or left when stopping.",
          nanoseconds(0))),
      queue_length_(r.expiring_gauge<"alertmanager">(
          "prometheus_notifications_queue_length", "Alerts that wait to be sent.", nanoseconds(0))),
      latency_(r.expiring_summary<"alertmanager">("prometheus_notifications_latency_seconds",
                                                  "From a request to its answer, of those sent.",
                                                  nanoseconds(0), {0.5, 0.9, 0.99})),
      latency_histogram_(r.expiring_histogram<"alertmanager">(
          "prometheus_notifications_latency_histogram_seconds",
          "From a request to its answer, of those sent.", nanoseconds(0), {0.01, 0.1, 1, 10})) {}

Metrics::Alertmanager Metrics::of(std::string_view url) {
  return {.sent = sent_.with(url),
          .errors = errors_.with(url),
          .dropped = dropped_.with(url),
          .queue_length = queue_length_.with(url),
          .latency = latency_.with(url),
          .latency_histogram = latency_histogram_.with(url)};
}

}  // namespace strata::notify
