// What range and instant queries cost, without a store: samples come from memory.
//   promql_bench --benchmark_filter=Range
// `s/sample` is CPU time for each sample that a query scans.
#include <benchmark/benchmark.h>

#include <random>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "promql/engine.h"
#include "promql/memory_source.h"

namespace strata::promql {
namespace {

constexpr int64_t kScrape = 15'000;
constexpr int64_t kDay = 24 * 3600 * 1000;

SampleColumns timestamps(int64_t from, int64_t to) {
  SampleColumns out;
  for (int64_t t = from; t <= to; t += kScrape) out.t.push_back(t);
  out.v.resize(out.t.size());
  return out;
}

/// A day of 40 instances' histograms of 22 buckets, and of 80 gauges.
const MemorySource& day_of_samples() {
  static const MemorySource* const source = [] {
    auto* made = new MemorySource;
    std::mt19937_64 random(1);
    SampleColumns samples = timestamps(0, kDay);
    for (int instance = 0; instance < 40; ++instance) {
      std::vector<double> below(samples.size());  // observations up to the bucket before
      for (int le = 0; le < 22; ++le) {
        double in_bucket = 0;
        for (size_t i = 0; i < samples.size(); ++i) {
          in_bucket += static_cast<double>(random() % 50);
          samples.v[i] = below[i] += in_bucket;
        }
        made->add({{"__name__", "latency_seconds_bucket"},
                   {"job", "engine"},
                   {"instance", "node-" + std::to_string(instance) + ":8000"},
                   {"le", le == 21 ? "+Inf" : std::to_string(0.001 * (1 << le))}},
                  samples);
      }
    }
    for (int gauge = 0; gauge < 80; ++gauge) {
      for (double& v : samples.v) v = static_cast<double>(random() % 1000) / 10;
      made->add({{"__name__", "gpu_utilization"},
                 {"node", "node-" + std::to_string(gauge / 8)},
                 {"gpu", std::to_string(gauge % 8)}},
                samples);
    }
    return made;
  }();
  return *source;
}

/// Many series with a few samples each.
const MemorySource& many_series() {
  static const MemorySource* const source = [] {
    auto* made = new MemorySource;
    SampleColumns samples = timestamps(0, 5 * 60'000);
    for (int i = 0; i < 200'000; ++i) {
      made->add({{"__name__", "node_metric_" + std::to_string(i % 400)},
                 {"instance", "node-" + std::to_string(i / 400) + ":9100"},
                 {"job", "node"}},
                samples);
    }
    return made;
  }();
  return *source;
}

void report(benchmark::State& state, const QueryStats& stats) {
  state.counters["samples"] = static_cast<double>(stats.samples_scanned);
  state.counters["s/sample"] = benchmark::Counter(
      static_cast<double>(stats.samples_scanned),
      benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void run_range(benchmark::State& state, const char* query) {
  const Engine engine;
  const MemorySource& source = day_of_samples();
  QueryStats stats;
  QueryTerms terms;
  terms.stats = &stats;
  for (auto _ : state) {
    auto result = engine.range(source, query, 0, kDay, Millis(state.range(0) * 1000), terms);
    if (!result) return state.SkipWithError(result.error().message.c_str());
    benchmark::DoNotOptimize(result);
  }
  report(state, stats);
}

void run_instant(benchmark::State& state, const char* query, const MemorySource& source,
                 TimestampMs at) {
  const Engine engine;
  QueryStats stats;
  QueryTerms terms;
  terms.stats = &stats;
  for (auto _ : state) {
    auto result = engine.instant(source, query, at, terms);
    if (!result) return state.SkipWithError(result.error().message.c_str());
    benchmark::DoNotOptimize(result);
  }
  report(state, stats);
}

#define RANGE_QUERY(name, query)                                  \
  void name(benchmark::State& state) { run_range(state, query); } \
  BENCHMARK(name)->Arg(15)->Arg(60)->Unit(benchmark::kMillisecond)

RANGE_QUERY(RangeSumByLe, "sum by (le) (rate(latency_seconds_bucket[5m]))");
RANGE_QUERY(RangeQuantileByLe,
            "histogram_quantile(0.99, sum by (le) (rate(latency_seconds_bucket[5m])))");
RANGE_QUERY(RangeQuantileByInstance,
            "histogram_quantile(0.99, sum by (le, instance) (rate(latency_seconds_bucket[5m])))");
RANGE_QUERY(RangeAvgOverTime, "avg_over_time(gpu_utilization[1h])");
RANGE_QUERY(RangeMaxOverTime, "max_over_time(gpu_utilization[1h])");
RANGE_QUERY(RangeQuantileOverTime, "quantile_over_time(0.99, gpu_utilization[1h])");
RANGE_QUERY(RangeStddevOverTime, "stddev_over_time(gpu_utilization[1h])");
RANGE_QUERY(RangeDeriv, "deriv(gpu_utilization[1h])");
RANGE_QUERY(RangeSelect, "gpu_utilization");
RANGE_QUERY(RangeAvgByNode, "avg by (node) (gpu_utilization)");
RANGE_QUERY(RangeRatio, "gpu_utilization / on (node, gpu) gpu_utilization");
RANGE_QUERY(RangeTopk, "topk(3, gpu_utilization)");

void InstantCount(benchmark::State& state) {
  run_instant(state, "count({__name__=~\"node_.*\"})", many_series(), 300'000);
}
BENCHMARK(InstantCount)->Unit(benchmark::kMillisecond);

void InstantCountByName(benchmark::State& state) {
  run_instant(state, "count by (__name__) ({__name__=~\"node_.*\"})", many_series(), 300'000);
}
BENCHMARK(InstantCountByName)->Unit(benchmark::kMillisecond);

void InstantSumByLe(benchmark::State& state) {
  run_instant(state, "sum by (le) (rate(latency_seconds_bucket[5m]))", day_of_samples(), kDay / 2);
}
BENCHMARK(InstantSumByLe)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace strata::promql
