// What counting costs, in CPU time an operation (each thread counts on the same series), beside the
// obvious way: a map of doubles behind a mutex. And what an exposition of 10,000 series costs.
#include <benchmark/benchmark.h>

#include <map>
#include <mutex>

#include "strata/metrics.h"

namespace strata::metrics {

enum class Outcome { kOk, kError };
template <>
struct EnumLabel<Outcome> {
  static constexpr Key key = "outcome";
  static constexpr std::array<std::string_view, 2> values = {"ok", "error"};
};

namespace {

// The baseline: what prometheus-cpp's Family::Add and Histogram::Observe do, without their copies.
class MutexMap {
 public:
  void inc(const std::string& labels) {
    std::lock_guard lock(mutex_);
    ++counts_[labels];
  }
  void observe(const std::string& labels, double value) {
    std::lock_guard lock(mutex_);
    auto& buckets = buckets_[labels];
    buckets.resize(bounds_.size() + 1);
    ++buckets[static_cast<size_t>(std::ranges::lower_bound(bounds_, value) - bounds_.begin())];
    sums_[labels] += value;
  }

 private:
  std::mutex mutex_;
  const std::vector<double> bounds_ = default_buckets();
  std::map<std::string, double> counts_, sums_;
  std::map<std::string, std::vector<double>> buckets_;
};

void threads(benchmark::internal::Benchmark* bench) { bench->Threads(1)->Threads(2)->Threads(16); }

// 64 latencies that no branch predictor learns.
std::vector<double> latencies() {
  std::vector<double> values;
  uint64_t state = 1;
  for (int i = 0; i < 64; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    values.push_back(static_cast<double>(state >> 40) / 2e6);
  }
  return values;
}

void counter_inc(benchmark::State& state) {
  Counter& counter = default_registry().counter("bench_total", "Bench.");
  for (auto _ : state) {
    counter.inc();
    benchmark::ClobberMemory();
  }
}
BENCHMARK(counter_inc)->Apply(threads);

void counter_lookup_and_inc(benchmark::State& state) {
  auto& family = default_registry().counter<"method", "code">("bench_requests_total", "Bench.");
  for (auto _ : state) {
    family.with("GET", "200").inc();
    benchmark::ClobberMemory();
  }
}
BENCHMARK(counter_lookup_and_inc)->Apply(threads);

void gauge_set(benchmark::State& state) {
  Gauge& gauge = default_registry().gauge("bench_gauge", "Bench.");
  double value = 0;
  for (auto _ : state) gauge.set(++value);
}
BENCHMARK(gauge_set)->Apply(threads);

void histogram_observe(benchmark::State& state) {
  Histogram& histogram = default_registry().histogram("bench_seconds", "Bench.");
  const std::vector<double> values = latencies();
  size_t i = 0;
  for (auto _ : state) {
    histogram.observe(values[i++ % 64]);
    benchmark::ClobberMemory();
  }
}
BENCHMARK(histogram_observe)->Apply(threads);

void native_histogram_observe(benchmark::State& state) {
  NativeHistogram& histogram = default_registry().native_histogram("bench_native", "Bench.");
  const std::vector<double> values = latencies();
  size_t i = 0;
  for (auto _ : state) {
    histogram.observe(values[i++ % 64]);
    benchmark::ClobberMemory();
  }
}
BENCHMARK(native_histogram_observe)->Apply(threads);

void enum_lookup_and_inc(benchmark::State& state) {
  auto& family = default_registry().enum_counter<Outcome>("bench_outcomes_total", "Bench.");
  for (auto _ : state) {
    family.with(Outcome::kError).inc();
    benchmark::ClobberMemory();
  }
}
BENCHMARK(enum_lookup_and_inc)->Apply(threads);

MutexMap baseline;

void baseline_counter_inc(benchmark::State& state) {
  const std::string labels = "method=\"GET\",code=\"200\"";
  for (auto _ : state) baseline.inc(labels);
}
BENCHMARK(baseline_counter_inc)->Apply(threads);

void baseline_histogram_observe(benchmark::State& state) {
  const std::string labels = "method=\"GET\",code=\"200\"";
  const std::vector<double> values = latencies();
  size_t i = 0;
  for (auto _ : state) baseline.observe(labels, values[i++ % 64]);
}
BENCHMARK(baseline_histogram_observe)->Apply(threads);

// 5,000 counters and 385 histograms of 13 lines each, all moving.
void expose_10000_series(benchmark::State& state) {
  Registry registry;
  auto& counters = registry.counter<"k">("c_total", "C.", {.max_series = 5000});
  auto& histograms = registry.histogram<"k">("h_seconds", "H.");
  for (int i = 0; i < 5000; ++i) {
    counters.with("value-" + std::to_string(i)).inc(static_cast<uint64_t>(i) * 977);
  }
  for (int i = 0; i < 385; ++i) histograms.with("value-" + std::to_string(i)).observe(i * 0.01);
  std::string text;
  for (auto _ : state) {
    text.clear();
    registry.expose(text, static_cast<Format>(state.range(0)));
  }
  state.counters["bytes"] = static_cast<double>(text.size());
}
BENCHMARK(expose_10000_series)->DenseRange(0, 2)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace strata::metrics
