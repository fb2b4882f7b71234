#include <benchmark/benchmark.h>

#include "config/load.h"
#include "discover/relabel.h"
#include "discover/targets.h"

namespace strata::discover {
namespace {

constexpr std::string_view kConfig = R"(
scrape_configs:
- job_name: vllm
  relabel_configs:
  - {source_labels: [__address__], regex: '([^:]+):.*', target_label: node}
  - {source_labels: [__meta_role], regex: engine, action: keep}
  - {regex: '__meta_label_(.+)', action: labelmap}
  metric_relabel_configs:
  - {source_labels: [__name__], regex: 'go_.*|python_.*', action: drop}
  - {regex: 'model_version', action: labeldrop}
)";

config::ScrapeConfig job() {
  return config::parse_config(kConfig, "bench.yml")->config.scrape_configs[0];
}

void relabel_series(benchmark::State& state) {
  const config::ScrapeConfig config = job();
  const Labels series{{"__name__", "vllm:time_to_first_token_seconds_bucket"},
                      {"engine", "0"},
                      {"le", "0.25"},
                      {"model_name", "meta-llama/Llama-3.1-8B-Instruct"}};
  LabelsBuilder labels;
  for (auto _ : state) {
    labels.reset(series);
    benchmark::DoNotOptimize(relabel(config.metric_relabel_configs, labels));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(relabel_series);

void make_thousand_targets(benchmark::State& state) {
  const config::ScrapeConfig config = job();
  TargetGroup group{.source = "bench", .labels = {{"__meta_role", "engine"}}, .targets = {}};
  for (int i = 0; i < 1000; ++i) {
    group.targets.push_back(Labels{{"__address__", "node" + std::to_string(i) + ":8000"},
                                   {"__meta_label_rack", "r" + std::to_string(i / 40)}});
  }
  for (auto _ : state) benchmark::DoNotOptimize(make_targets(config, std::span(&group, 1)));
  state.SetItemsProcessed(state.iterations() * 1000);
}
BENCHMARK(make_thousand_targets);

void parse_target_file(benchmark::State& state) {
  std::string text = "[";
  for (int i = 0; i < 1000; ++i) {
    text += (i == 0 ? "" : ",\n") + std::string("{\"targets\": [\"node") + std::to_string(i) +
            ":8000\"], \"labels\": {\"rack\": \"r1\", \"zone\": \"a\"}}";
  }
  text += "]";
  for (auto _ : state) benchmark::DoNotOptimize(config::parse_target_file(text, "t.json"));
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(text.size()));
}
BENCHMARK(parse_target_file);

}  // namespace
}  // namespace strata::discover
