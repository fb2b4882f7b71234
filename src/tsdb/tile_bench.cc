// Speed of the tile codec a mode, and bytes a sample on generated fleets.
//
// Counters: "samples/s" of one core, "B/sample" of the encoded tile with all its headers.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <bit>
#include <random>

#include "base/check.h"
#include "tsdb/family.h"
#include "tsdb/tile.h"
#include "tsdb/tile_fleet.h"

namespace strata::tsdb {
namespace {

constexpr size_t kColumns = 64;

// Columns of one mode.
struct Mode {
  const char* name;
  double (*next)(double last, size_t row, std::mt19937_64& random);
};

constexpr Mode kModes[] = {
    {"constant", [](double, size_t, std::mt19937_64&) { return 3.0; }},
    {"step", [](double last, size_t, std::mt19937_64&) { return last + 250; }},
    {"counter_10bit",
     [](double last, size_t, std::mt19937_64& r) { return last + double(r() % 1000); }},
    {"gauge_5bit", [](double, size_t, std::mt19937_64& r) { return double(r() % 30); }},
    {"sparse", [](double last, size_t, std::mt19937_64& r) { return last + double(r() % 8 == 0); }},
    {"rare", [](double last, size_t, std::mt19937_64& r) { return last + double(r() % 300 == 0); }},
    {"decimal", [](double, size_t, std::mt19937_64& r) { return double(r() % 90'000) / 1000; }},
    {"ratio", [](double, size_t, std::mt19937_64& r) { return double(r() % 27'000) / 27'863; }},
    {"sum",
     [](double last, size_t, std::mt19937_64& r) { return last + double(r() >> 11) * 0x1p-53; }},
};

struct Tile {
  std::vector<TimestampMs> times;
  std::vector<std::vector<double>> values;
  std::vector<FamilyHint> hints;

  std::string encode(const TileOptions& options = {}) const {
    std::vector<ColumnInput> columns;
    for (size_t i = 0; i < values.size(); ++i) {
      columns.push_back({values[i], nullptr, hints.empty() ? FamilyHint() : hints[i]});
    }
    std::string bytes;
    encode_tile(times, columns, bytes, options);
    return bytes;
  }
  size_t samples() const { return times.size() * values.size(); }
};

Tile tile_of(const Mode& mode, size_t rows) {
  std::mt19937_64 random(7);
  Tile tile;
  for (size_t r = 0; r < rows; ++r) {
    tile.times.push_back(1'750'000'000'000 + TimestampMs(r) * 15'000 + TimestampMs(random() % 7));
  }
  for (size_t c = 0; c < kColumns; ++c) {
    double last = static_cast<double>(random() % 100'000);
    auto& column = tile.values.emplace_back();
    for (size_t r = 0; r < rows; ++r) column.push_back(last = mode.next(last, r, random));
  }
  return tile;
}

void report(benchmark::State& state, const Tile& tile, size_t bytes) {
  const auto samples = static_cast<double>(tile.samples());
  state.counters["samples/s"] = benchmark::Counter(
      samples * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
  state.counters["B/sample"] = static_cast<double>(bytes) / samples;
}

void encode(benchmark::State& state, const Tile& tile, const TileOptions& options = {}) {
  size_t bytes = 0;
  for (auto _ : state) {
    const auto out = tile.encode(options);
    bytes = out.size();
    benchmark::DoNotOptimize(out.data());
  }
  report(state, tile, bytes);
}

void decode(benchmark::State& state, const Tile& tile, const TileOptions& options = {}) {
  const auto bytes = tile.encode(options);
  TileScratch scratch;
  SampleColumns out;
  for (auto _ : state) {
    scratch.clear();
    const auto view = TileView::open(bytes);
    CHECK(view.has_value());
    for (size_t i = 0; i < view->columns(); ++i) {
      out.clear();
      CHECK(view->column(i, {}, out, &scratch).has_value());
      benchmark::DoNotOptimize(out.v.data());
    }
  }
  report(state, tile, bytes.size());
}

void last(benchmark::State& state, const Tile& tile) {
  const auto bytes = tile.encode();
  const auto view = *TileView::open(bytes);
  TileScratch scratch;
  Sample sample;
  for (auto _ : state) {
    for (size_t i = 0; i < view.columns(); ++i) {
      CHECK(view.last(i, {}, sample, &scratch).has_value());
      benchmark::DoNotOptimize(sample);
    }
  }
  state.counters["columns/s"] = benchmark::Counter(
      static_cast<double>(tile.values.size()) * static_cast<double>(state.iterations()),
      benchmark::Counter::kIsRate);
}

Tile fleet_tile(const FleetTarget& target, size_t rows, size_t from = 0) {
  Tile tile;
  const auto begin = static_cast<ptrdiff_t>(from);
  const auto end = static_cast<ptrdiff_t>(from + rows);
  tile.times.assign(target.times.begin() + begin, target.times.begin() + end);
  for (const auto& column : target.values) {
    tile.values.emplace_back(column.begin() + begin, column.begin() + end);
  }
  tile.hints = histogram_families(target.series);
  return tile;
}

// A day of one target in tiles of `rows`, with and without family coding; every value compared.
void fleet_size(benchmark::State& state, const FleetTarget& day, size_t rows, bool families) {
  size_t bytes = 0;
  size_t samples = 0;
  for (auto _ : state) {
    bytes = samples = 0;
    for (size_t from = 0; from + rows <= day.times.size(); from += rows) {
      const auto tile = fleet_tile(day, rows, from);
      const auto encoded = tile.encode({.families = families});
      bytes += encoded.size();
      samples += tile.samples();
      const auto view = *TileView::open(encoded);
      TileScratch scratch;
      SampleColumns out;
      for (size_t i = 0; i < view.columns(); ++i) {
        out.clear();
        CHECK(view.column(i, {}, out, &scratch).has_value());
        for (size_t r = 0; r < rows; ++r) {
          CHECK(std::bit_cast<uint64_t>(out.v[r]) == std::bit_cast<uint64_t>(tile.values[i][r]));
        }
      }
    }
  }
  state.counters["series"] = static_cast<double>(day.series.size());
  state.counters["B/sample"] = static_cast<double>(bytes) / static_cast<double>(samples);
}

const FleetTarget& day_of(size_t kind) {
  constexpr size_t kRows = 5760;
  static const FleetTarget targets[] = {engine_target(kRows, 1, false),
                                        engine_target(kRows, 2, true), gpu_target(kRows, 3),
                                        node_target(kRows, 4)};
  return targets[kind];
}

[[maybe_unused]] const bool kRegistered = [] {
  for (const auto& mode : kModes) {
    for (const size_t rows : {32u, 480u, 5760u}) {
      const auto name = fmt::format("{}/{}", mode.name, rows);
      const auto tile = std::make_shared<Tile>(tile_of(mode, rows));
      benchmark::RegisterBenchmark(("tile_encode/" + name).c_str(),
                                   [tile](benchmark::State& state) { encode(state, *tile); });
      benchmark::RegisterBenchmark(("tile_decode/" + name).c_str(),
                                   [tile](benchmark::State& state) { decode(state, *tile); });
    }
  }
  static constexpr const char* kKinds[] = {"engine_wide", "engine_narrow", "gpu", "node"};
  for (size_t kind = 0; kind < std::size(kKinds); ++kind) {
    for (const size_t rows : {32u, 480u, 5760u}) {
      for (const bool families : {true, false}) {
        if (kind > 1 && !families) continue;
        const auto name = fmt::format("tile_fleet_size/{}/{}{}", kKinds[kind], rows,
                                      families ? "" : "/without_families");
        benchmark::RegisterBenchmark(
            name.c_str(),
            [=](benchmark::State& state) { fleet_size(state, day_of(kind), rows, families); })
            ->Iterations(1)
            ->Unit(benchmark::kMillisecond);
      }
      const auto name = fmt::format("{}/{}", kKinds[kind], rows);
      benchmark::RegisterBenchmark(
          ("tile_fleet_encode/" + name).c_str(),
          [=](benchmark::State& state) { encode(state, fleet_tile(day_of(kind), rows)); });
      benchmark::RegisterBenchmark(
          ("tile_fleet_decode/" + name).c_str(),
          [=](benchmark::State& state) { decode(state, fleet_tile(day_of(kind), rows)); });
      benchmark::RegisterBenchmark(("tile_fleet_encode_cold/" + name).c_str(),
                                   [=](benchmark::State& state) {
                                     encode(state, fleet_tile(day_of(kind), rows), {.cold = true});
                                   });
      benchmark::RegisterBenchmark(("tile_fleet_decode_cold/" + name).c_str(),
                                   [=](benchmark::State& state) {
                                     decode(state, fleet_tile(day_of(kind), rows), {.cold = true});
                                   });
      benchmark::RegisterBenchmark(
          ("tile_fleet_last/" + name).c_str(),
          [=](benchmark::State& state) { last(state, fleet_tile(day_of(kind), rows)); });
    }
  }
  return true;
}();

}  // namespace
}  // namespace strata::tsdb
