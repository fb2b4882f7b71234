// A program that counts what it does and shows it on http://127.0.0.1:9400/metrics, until Enter.
#include <strata/metrics.h>
#include <strata/metrics/http_endpoint.h>

#include <cstdio>

namespace metrics = strata::metrics;

enum class Result { kHit, kMiss };
template <>
struct metrics::EnumLabel<Result> {
  static constexpr metrics::Key key = "result";
  static constexpr std::array<std::string_view, 2> values = {"hit", "miss"};
};

int main() {
  metrics::Registry& registry = metrics::default_registry();
  auto& lookups = registry.enum_counter<Result>("cache_lookups_total", "Lookups by their result.");
  auto& latency = registry.native_histogram("cache_lookup_seconds", "Duration of a lookup.");
  auto& sizes = registry.histogram<"kind">("cache_object_bytes", "Sizes of what is kept.",
                                           metrics::exponential_buckets(256, 4, 8));

  const auto endpoint = metrics::HttpEndpoint::start({.port = 9400});
  if (!endpoint) {
    std::fprintf(stderr, "%s\n", endpoint.error.c_str());
    return 1;
  }
  for (int i = 0; i < 1000; ++i) {
    const auto timer = latency.time();
    lookups.with(i % 7 == 0 ? Result::kMiss : Result::kHit).inc();
    sizes.with("image").observe(i * 100.0, {{"trace_id", "4bf92f3577b34da6a3ce929d0e0e4736"}});
  }
  std::puts("http://127.0.0.1:9400/metrics; Enter ends");
  std::getchar();
}
