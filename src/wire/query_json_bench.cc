// Bytes a second of writing and reading large matrices: counters, values with few decimals, and
// rates with all seventeen digits.
#include <benchmark/benchmark.h>

#include <random>

#include "base/check.h"
#include "wire/query_json.h"

namespace strata::wire {
namespace {

enum class Values { kIntegers, kDecimals, kRates };

QueryResult matrix_of(Values values) {
  std::mt19937_64 random(5);
  Matrix matrix;
  for (int i = 0; i < 200; ++i) {
    MatrixSeries& series = matrix.emplace_back();
    series.metric = {{"__name__", "engine_requests_total"},
                     {"instance", "gpu-" + std::to_string(i)},
                     {"job", "engines"}};
    for (int t = 0; t < 1000; ++t) {
      const auto sample = static_cast<double>(random() % 1'000'000);
      const double value = values == Values::kIntegers   ? sample
                           : values == Values::kDecimals ? sample / 1e3
                                                         : sample / 299.7;
      series.points.push_back({1726839814223 + t * 15'000, value, nullptr});
    }
  }
  return {std::move(matrix), {}, {}};
}

void write(benchmark::State& state, Values values) {
  const QueryResult result = matrix_of(values);
  std::string out;
  for (auto _ : state) {
    out.clear();
    append_query_response(out, result);
    benchmark::DoNotOptimize(out.data());
  }
  const auto runs = static_cast<int64_t>(state.iterations());
  state.SetBytesProcessed(runs * static_cast<int64_t>(out.size()));
  state.SetItemsProcessed(runs * 200'000);
}

void read(benchmark::State& state, Values values) {
  std::string json;
  append_query_response(json, matrix_of(values));
  for (auto _ : state) {
    const auto result = parse_query_response(json);
    CHECK(result.has_value());
  }
  const auto runs = static_cast<int64_t>(state.iterations());
  state.SetBytesProcessed(runs * static_cast<int64_t>(json.size()));
  state.SetItemsProcessed(runs * 200'000);
}

BENCHMARK_CAPTURE(write, integers, Values::kIntegers);
BENCHMARK_CAPTURE(write, decimals, Values::kDecimals);
BENCHMARK_CAPTURE(write, rates, Values::kRates);
BENCHMARK_CAPTURE(read, rates, Values::kRates);

}  // namespace
}  // namespace strata::wire
