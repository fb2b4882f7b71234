// Blocks of a generated fleet: bytes a sample with the index, and the speed of writing, merging,
// opening, selecting and reading.
//
// A node is two model servers, eight GPUs and the host: 1288 series. Blocks of two hours are
// written with one tile a target, and merged into a day.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "base/check.h"
#include "base/temp_dir.h"
#include "tsdb/block.h"
#include "tsdb/tile_fleet.h"

namespace strata::tsdb {
namespace {

constexpr size_t kNodes = 4;
constexpr size_t kRowsOfBlock = 480;
constexpr size_t kBlocksOfDay = 12;

std::vector<FleetTarget> fleet() {
  std::vector<FleetTarget> targets;
  for (size_t node = 0; node < kNodes; ++node) {
    constexpr size_t kRows = kRowsOfBlock * kBlocksOfDay;
    targets.push_back(engine_target(kRows, node * 10 + 1, false));
    targets.push_back(engine_target(kRows, node * 10 + 2, true));
    targets.push_back(gpu_target(kRows, node * 10 + 3));
    targets.push_back(node_target(kRows, node * 10 + 4));
  }
  return targets;
}

BlockMeta write_block(std::span<const FleetTarget> targets, const std::string& dir, size_t from) {
  auto writer = *BlockWriter::create(real_fs(), dir);
  for (const auto& target : targets) {
    std::vector<uint32_t> ids;
    std::vector<ColumnInput> columns;
    for (size_t i = 0; i < target.series.size(); ++i) {
      ids.push_back(writer->add_series(target.series[i]));
      columns.push_back({std::span(target.values[i]).subspan(from, kRowsOfBlock), nullptr, {}});
    }
    const auto times = std::span(target.times).subspan(from, kRowsOfBlock);
    CHECK(writer->add_tile(times, ids, columns).has_value());
  }
  return *writer->finish();
}

BlockMeta merge(std::span<const std::shared_ptr<BlockReader>> blocks, const std::string& dir) {
  auto writer = *BlockWriter::create(real_fs(), dir, {.level = 2});
  CHECK(merge_blocks(blocks, *writer).has_value());
  return *writer->finish();
}

struct Day {
  TempDir dir;
  std::vector<FleetTarget> targets = fleet();
  BlockMeta first;
  std::vector<std::shared_ptr<BlockReader>> blocks;
  BlockMeta merged_meta;
  std::shared_ptr<BlockReader> merged;

  Day() {
    for (size_t b = 0; b < kBlocksOfDay; ++b) {
      const auto path = dir.file(fmt::format("b{}", b));
      first = write_block(targets, path, b * kRowsOfBlock);
      blocks.push_back(*BlockReader::open(real_fs(), path));
    }
    merged_meta = merge(blocks, dir.file("day"));
    merged = *BlockReader::open(real_fs(), dir.file("day"));
  }
};

const Day& day() {
  static const Day day;
  return day;
}

void rate(benchmark::State& state, uint64_t samples) {
  state.counters["samples/s"] =
      benchmark::Counter(static_cast<double>(samples) * static_cast<double>(state.iterations()),
                         benchmark::Counter::kIsRate);
}

void size_counters(benchmark::State& state, const BlockMeta& meta) {
  const auto samples = static_cast<double>(meta.samples);
  state.counters["B/sample"] = static_cast<double>(meta.data_bytes + meta.index_bytes) / samples;
  state.counters["index_B/sample"] = static_cast<double>(meta.index_bytes) / samples;
  state.counters["index_B/series"] =
      static_cast<double>(meta.index_bytes) / static_cast<double>(meta.series);
}

void block_write(benchmark::State& state) {
  TempDir dir;
  BlockMeta meta;
  int n = 0;
  const auto& targets = day().targets;  // made before time is taken
  for (auto _ : state) meta = write_block(targets, dir.file(std::to_string(n++)), 0);
  size_counters(state, meta);
  rate(state, meta.samples);
}
BENCHMARK(block_write)->Unit(benchmark::kMillisecond);

void block_merge_day(benchmark::State& state) {
  TempDir dir;
  BlockMeta meta;
  int n = 0;
  for (auto _ : state) meta = merge(day().blocks, dir.file(std::to_string(n++)));
  size_counters(state, meta);
  rate(state, meta.samples);
}
BENCHMARK(block_merge_day)->Unit(benchmark::kMillisecond);

void block_open(benchmark::State& state) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(BlockReader::open(real_fs(), day().dir.file("day"))->get());
  }
}
BENCHMARK(block_open)->Unit(benchmark::kMicrosecond);

std::vector<Matcher> buckets() {
  return {Matcher::equal("job", "vllm"),
          *Matcher::make(Matcher::Op::kRegex, std::string(kMetricName),
                         "vllm:(time_to_first_token|e2e_request_latency)_seconds_bucket")};
}

void block_select(benchmark::State& state) {
  const auto matchers = buckets();
  for (auto _ : state) benchmark::DoNotOptimize(day().merged->select(matchers)->size());
  state.counters["series"] = static_cast<double>(day().merged->select(matchers)->size());
}
BENCHMARK(block_select)->Unit(benchmark::kMicrosecond);

// Series after series, as a query reads them; `blocks` of two hours or one of a day.
void read(benchmark::State& state, std::span<const std::shared_ptr<BlockReader>> blocks,
          std::span<const Matcher> matchers) {
  uint64_t samples = 0;
  SampleColumns out;
  for (auto _ : state) {
    samples = 0;
    const auto found = *blocks[0]->select(matchers);
    for (const uint32_t series : found) {
      out.clear();
      // The blocks have the same series in the same order.
      for (const auto& block : blocks) CHECK(block->read(series, {}, out).has_value());
      samples += out.size();
    }
  }
  rate(state, samples);
}

void block_read_buckets_of_day(benchmark::State& state) {
  read(state, {&day().merged, 1}, buckets());
}
BENCHMARK(block_read_buckets_of_day)->Unit(benchmark::kMillisecond);

void block_read_buckets_of_12_blocks(benchmark::State& state) {
  read(state, day().blocks, buckets());
}
BENCHMARK(block_read_buckets_of_12_blocks)->Unit(benchmark::kMillisecond);

void block_read_all_of_day(benchmark::State& state) { read(state, {&day().merged, 1}, {}); }
BENCHMARK(block_read_all_of_day)->Unit(benchmark::kMillisecond);

void block_read_last_of_all(benchmark::State& state) {
  const auto& block = *day().merged;
  Sample sample;
  for (auto _ : state) {
    for (uint32_t series = 0; series < block.series_count(); ++series) {
      benchmark::DoNotOptimize(block.read_last(series, {}, sample).has_value());
    }
  }
  state.counters["series/s"] = benchmark::Counter(
      static_cast<double>(block.series_count()) * static_cast<double>(state.iterations()),
      benchmark::Counter::kIsRate);
}
BENCHMARK(block_read_last_of_all)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace strata::tsdb
