// What a sample costs from a body's bytes to the store, with and without canonical names. The body
// is an engine's; from scrape to scrape its counters move.
#include <benchmark/benchmark.h>

#include "base/temp_dir.h"
#include "catalog/catalog.h"
#include "scrape/target_ingest.h"

namespace strata::scrape {
namespace {

// The exposition of a busy engine in the n-th scrape: every third line's number has moved.
std::vector<std::string> bodies(const std::string& file, int count) {
  const auto text = real_fs().read_file(file);
  std::vector<std::string> out;
  for (int n = 0; text && n < count; ++n) {
    std::string body;
    size_t line_number = 0;
    for (size_t at = 0; at < text->size();) {
      const size_t end = text->find('\n', at);
      std::string line = text->substr(at, end - at);
      at = end + 1;
      if (!line.starts_with('#') && ++line_number % 3 == 0) line += std::to_string(n % 10);
      body += line + "\n";
    }
    out.push_back(std::move(body));
  }
  return out;
}

// 0: as they are; 1: with canonical series; 2: with canonical series instead of raw ones.
void ingest(benchmark::State& state) {
  const auto scrapes = bodies("tests/data/expositions/vllm_main.txt", 16);
  if (scrapes.empty()) return state.SkipWithError("run it in the repository's root");
  TempDir dir;
  ManualClock clock;
  clock.jump_to(1'700'000'000'000);
  tsdb::Options options;
  options.path = dir.file("data");
  options.wal_sync = {};
  auto db = *tsdb::Db::open(options, real_fs(), clock);
  metrics::Registry registry;
  Metrics metrics(registry);
  auto config = std::make_shared<config::ScrapeConfig>();
  config->job_name = "vllm";
  discover::Target target;
  target.labels = Labels{{"job", "vllm"}, {"instance", "gpu-node-01:8000"}};
  target.interval = target.timeout = Millis(15'000);
  TargetIngest ingest(*db, metrics, config, target);
  if (state.range(0) > 0) {
    const std::shared_ptr<const catalog::Catalog> builtin(std::shared_ptr<const void>(),
                                                          &catalog::Catalog::builtin());
    ingest.translate_by({.catalog = builtin, .keep_raw = state.range(0) == 1});
  }
  size_t samples = 0, n = 0;
  for (auto _ : state) {
    clock.advance(std::chrono::seconds(15));
    Report report;
    if (!ingest.ingest(clock.now_ms(), scrapes[n++ % scrapes.size()], wire::ExpositionFormat::kText,
                       report)) {
      return state.SkipWithError("the scrape failed");
    }
    samples += report.scraped;
  }
  state.SetItemsProcessed(static_cast<int64_t>(samples));
  state.counters["ns/sample"] =
      benchmark::Counter(static_cast<double>(samples) * 1e-9,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["canonical"] =
      static_cast<double>(metrics.canonical_samples.value()) / static_cast<double>(samples);
}
BENCHMARK(ingest)->Arg(0)->Arg(1)->Arg(2);

}  // namespace
}  // namespace strata::scrape
