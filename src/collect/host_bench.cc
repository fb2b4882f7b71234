// What a collection costs on the machine that runs this. The target for the required set is 2 ms of
// CPU time.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <iterator>
#include <string_view>
#include <vector>

#include "collect/host.h"
#include "collect/self.h"

namespace strata::collect {
namespace {

constexpr std::string_view kRequired[] = {"cpu",     "diskstats", "filefd", "filesystem",
                                          "loadavg", "meminfo",   "netdev", "pressure",
                                          "stat",    "time",      "uname",  "vmstat"};

void run(benchmark::State& state, HostOptions options) {
  auto host = *HostCollector::create(std::move(options));
  size_t samples = 0;
  std::vector<MetricFamily> families;
  for (auto _ : state) {
    families.clear();
    host->collect(families);
    samples = 0;
    for (const MetricFamily& family : families) samples += family.samples.size();
  }
  state.counters["samples"] = static_cast<double>(samples);
}

void required_collectors(benchmark::State& state) {
  HostOptions options;
  for (const HostCollectorInfo& info : host_collectors()) {
    options.collectors.emplace_back(info.name,
                                    std::ranges::find(kRequired, info.name) != std::end(kRequired));
  }
  run(state, std::move(options));
}
// The file systems' thread counts too.
BENCHMARK(required_collectors)->MeasureProcessCPUTime()->Unit(benchmark::kMicrosecond);

void all_collectors(benchmark::State& state) { run(state, {}); }
BENCHMARK(all_collectors)->MeasureProcessCPUTime()->Unit(benchmark::kMicrosecond);

void each_collector(benchmark::State& state) {
  const auto& wanted = host_collectors()[static_cast<size_t>(state.range(0))];
  HostOptions options;
  for (const HostCollectorInfo& info : host_collectors()) {
    options.collectors.emplace_back(info.name, info.name == wanted.name);
  }
  state.SetLabel(std::string(wanted.name));
  run(state, std::move(options));
}
BENCHMARK(each_collector)
    ->DenseRange(0, static_cast<int>(host_collectors().size()) - 1)
    ->MeasureProcessCPUTime()
    ->Unit(benchmark::kMicrosecond);

void self(benchmark::State& state) {
  for (auto _ : state) {
    std::vector<MetricFamily> families;
    collect_self(families);
    benchmark::DoNotOptimize(families.data());
  }
}
BENCHMARK(self)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace strata::collect
