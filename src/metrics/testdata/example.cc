#include <strata/metrics.h>

#include <cstdio>
#include <thread>
#include <vector>

namespace metrics = strata::metrics;

// Metrics live with the code that counts. References stay valid as long as the registry.
struct ServerMetrics {
  explicit ServerMetrics(metrics::Registry& registry)
      : requests(registry.counter<"method", "code">("http_requests_total", "Requests served.")),
        latency(registry.histogram<"method">("http_request_duration_seconds",
                                             "From the first byte in to the last byte out.",
                                             metrics::exponential_buckets(0.001, 2, 14))),
        in_flight(registry.gauge("http_requests_in_flight", "Requests being served.")),
        bytes(registry.counter("http_response_bytes_total", "Bytes of answers.")) {}

  metrics::Family<metrics::Counter, "method", "code">& requests;
  metrics::Family<metrics::Histogram, "method">& latency;
  metrics::Gauge& in_flight;
  metrics::Counter& bytes;
};

class Server {
 public:
  Server() : metrics_(metrics::default_registry()), get_ok_(metrics_.requests.with("GET", "200")) {}

  void serve_get() {
    metrics::Timer timer = metrics_.latency.with("GET").time();  // observes when it goes away
    metrics_.in_flight.inc();
    metrics_.bytes.inc(512);
    get_ok_.inc();  // bound once: about a nanosecond
    metrics_.in_flight.dec();
  }

 private:
  ServerMetrics metrics_;
  metrics::Counter& get_ok_;
};

int main() {
  metrics::Registry& registry = metrics::default_registry();

  // A value that somebody else keeps is asked for when it is scraped.
  std::vector<int> queue{1, 2, 3};
  const metrics::Callback depth = registry.callback_gauge(
      "queue_depth", "Jobs waiting.", [&queue] { return static_cast<double>(queue.size()); });

  Server server;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([&server] { server.serve_get(); });
  for (std::thread& thread : threads) thread.join();

  std::puts(registry.text().c_str());  // the body of GET /metrics
}
