// Bytes a second of reading an exposition: a cold scrape (labels decoded), a warm one (series known
// to the caller), and one whose series come as expected.
#include <benchmark/benchmark.h>

#include "base/check.h"
#include "wire/exposition.h"
#include "wire/testing.h"

namespace strata::wire {
namespace {

std::string generated_body() {
  std::string body;
  for (int family = 0; family < 200; ++family) {
    const std::string name = "engine_request_stage_" + std::to_string(family) + "_seconds";
    body += "# HELP " + name + " Time that requests spent in one stage of the engine.\n";
    body += "# TYPE " + name + " gauge\n";
    for (int i = 0; i < 25; ++i) {
      body += name + "{model_name=\"llama\",engine=\"" + std::to_string(i) + "\",node=\"gpu-0";
      body += std::to_string(i % 8) + "\"} " + std::to_string(i * 7919 % 1000) + "." +
              std::to_string(family) + "\n";
    }
  }
  return body;
}

const std::string& body_of(int64_t which) {
  static const auto bodies = [] {
    std::vector<std::string> found;
    for (auto& [name, body] : shared_bodies()) found.push_back(std::move(body));
    found.resize(5);
    return found;
  }();
  static const std::string generated = generated_body();
  const std::string& shared = bodies[static_cast<size_t>(which == 0 ? 0 : 3)];
  return which == 2 || shared.empty() ? generated : shared;
}

const char* name_of(int64_t which) {
  return which == 0 ? "node_exporter" : which == 1 ? "alltypes.237mfs" : "generated";
}

enum class Mode { kSeries, kLabels, kExpected };

void parse(benchmark::State& state, Mode mode) {
  const std::string& body = body_of(state.range(0));
  std::vector<std::string> series;
  ExpositionParser first(body, ExpositionFormat::kText);
  for (auto entry = first.next(); entry != Entry::kEnd; entry = first.next()) {
    CHECK(entry.has_value());
    if (*entry == Entry::kSample) series.emplace_back(first.series());
  }
  series.emplace_back();

  std::vector<Label> labels;
  for (auto _ : state) {
    ExpositionParser parser(body, ExpositionFormat::kText);
    double sum = 0;
    size_t samples = 0;
    for (;;) {
      const auto entry = mode == Mode::kExpected ? parser.next(series[samples]) : parser.next();
      if (*entry == Entry::kEnd) break;
      if (*entry != Entry::kSample) continue;
      ++samples;
      sum += parser.value();
      if (mode == Mode::kLabels) CHECK(parser.labels(labels).has_value());
    }
    benchmark::DoNotOptimize(sum);
  }
  const auto runs = static_cast<int64_t>(state.iterations());
  state.SetBytesProcessed(runs * static_cast<int64_t>(body.size()));
  state.SetItemsProcessed(runs * static_cast<int64_t>(series.size() - 1));
  state.SetLabel(name_of(state.range(0)));
}

BENCHMARK_CAPTURE(parse, series, Mode::kSeries)->DenseRange(0, 2);
BENCHMARK_CAPTURE(parse, expected, Mode::kExpected)->DenseRange(0, 2);
BENCHMARK_CAPTURE(parse, labels, Mode::kLabels)->DenseRange(0, 2);

}  // namespace
}  // namespace strata::wire
