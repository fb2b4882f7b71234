// The store's own costs: appending a scrape, recovery, selecting and reading. Fleet-like values:
// counters with realistic increments, gauges, idle buckets.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <random>

#include "base/log.h"
#include "base/temp_dir.h"
#include "tsdb/db.h"

namespace strata::tsdb {
namespace {

constexpr TimestampMs kStart = 1'700'000'000'000;
constexpr TimestampMs kInterval = 15'000;

/// Scrapes of one target: a third of the series move, as node and engine exporters do.
class FakeTarget {
 public:
  FakeTarget(Db& db, int number, size_t series) : random_(static_cast<unsigned>(number)) {
    target_ = db.target(fmt::format("job/instance-{}", number));
    for (size_t i = 0; i < series; ++i) {
      columns_.push_back(*db.series({{kMetricName, fmt::format("metric_{}_total", i % 250)},
                                     {"instance", fmt::format("node-{}:9100", number)},
                                     {"job", "node"},
                                     {"device", fmt::format("d{}", i / 250)}}));
      values_.push_back(static_cast<double>(random_() % 1'000'000));
    }
  }

  void scrape(Db& db, TimestampMs t) {
    for (size_t i = 0; i < values_.size(); ++i) {
      switch (i % 12) {
        case 0: values_[i] += static_cast<double>(random_() % 200); break;
        case 1: values_[i] += static_cast<double>(random_() % 100'000); break;
        case 2: values_[i] = static_cast<double>(random_() % 1000) / 10; break;
        case 3: values_[i] += static_cast<double>(random_() % 1000) / 1000; break;
        default: break;
      }
    }
    auto stats = db.append_scrape(target_, t, columns_, values_);
    if (!stats || stats->appended != columns_.size()) std::abort();
  }

 private:
  std::mt19937 random_;
  TargetId target_{};
  std::vector<SeriesId> columns_;
  std::vector<double> values_;
};

std::unique_ptr<Db> open(const std::string& path, const Clock& clock) {
  configure_logging(LogLevel::kWarn, LogFormat::kLogfmt);
  Options options;
  options.path = path;
  return std::move(Db::open(options, real_fs(), clock).value());
}

void append_scrape(benchmark::State& state) {
  const auto series = static_cast<size_t>(state.range(0));
  TempDir dir;
  ManualClock clock(kStart);
  auto db = open(dir.path(), clock);
  FakeTarget target(*db, 1, series);
  TimestampMs t = kStart;
  int n = 0;
  for (auto _ : state) {
    target.scrape(*db, t += kInterval);
    clock.advance(Millis(kInterval));
    if (++n % 100 == 0) db->maintain();
  }
  const auto samples = static_cast<double>(state.iterations()) * static_cast<double>(series);
  state.SetItemsProcessed(static_cast<int64_t>(samples));
  const Stats stats = db->stats();
  state.counters["wal_B/sample"] = static_cast<double>(stats.wal_bytes_written) / samples;
  state.counters["blocks"] = static_cast<double>(stats.blocks_cut);
}
BENCHMARK(append_scrape)->Arg(50)->Arg(500)->Arg(5000);

/// A head of 20 M samples (maintained, as a running server's), killed and opened again.
void recover_20m(benchmark::State& state) {
  TempDir dir;
  ManualClock clock(kStart);
  {
    auto db = open(dir.path(), clock);
    std::vector<FakeTarget> targets;
    for (int i = 0; i < 100; ++i) targets.emplace_back(*db, i, 500);
    for (int row = 0; row < 400; ++row) {
      clock.advance(Millis(kInterval));
      for (FakeTarget& target : targets) target.scrape(*db, kStart + row * kInterval);
      db->maintain();
    }
    const Stats stats = db->stats();
    state.counters["samples"] = static_cast<double>(stats.samples.appended);
    state.counters["tile_B/sample"] =
        static_cast<double>(stats.tile_bytes) / static_cast<double>(stats.samples.appended);
    state.counters["wal_MB"] = static_cast<double>(stats.wal_bytes) / 1e6;
  }
  for (auto _ : state) {
    auto db = open(dir.path(), clock);
    state.counters["replayed"] = static_cast<double>(db->stats().replayed_samples);
    state.PauseTiming();
    db.reset();
    state.ResumeTiming();
  }
}
BENCHMARK(recover_20m)->Unit(benchmark::kMillisecond);

/// As above, all of it in the log: nothing was sealed.
void replay_log_2m(benchmark::State& state) {
  TempDir dir;
  ManualClock clock(kStart);
  {
    auto db = open(dir.path(), clock);
    std::vector<FakeTarget> targets;
    for (int i = 0; i < 150; ++i) targets.emplace_back(*db, i, 500);
    for (int row = 0; row < 30; ++row) {
      clock.advance(Millis(kInterval));
      for (FakeTarget& target : targets) target.scrape(*db, kStart + row * kInterval);
    }
  }
  double replayed = 0;
  for (auto _ : state) {
    auto db = open(dir.path(), clock);
    replayed = static_cast<double>(db->stats().replayed_samples);
    state.PauseTiming();
    db.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(static_cast<int64_t>(replayed) *
                          static_cast<int64_t>(state.iterations()));
}
BENCHMARK(replay_log_2m)->Unit(benchmark::kMillisecond);

void select_and_read(benchmark::State& state) {
  TempDir dir;
  ManualClock clock(kStart);
  auto db = open(dir.path(), clock);
  std::vector<FakeTarget> targets;
  for (int i = 0; i < 20; ++i) targets.emplace_back(*db, i, 500);
  const bool blocks = state.range(0) != 0;
  const int rows = blocks ? 24 * 240 : 480;
  TimestampMs t = kStart;
  for (int row = 0; row < rows; ++row) {
    clock.advance(Millis(kInterval));
    t += kInterval;
    for (FakeTarget& target : targets) target.scrape(*db, t);
    db->maintain();
  }
  while (blocks && *db->compact()) {
  }
  const std::vector matchers{Matcher::equal(std::string(kMetricName), "metric_1_total"),
                             Matcher::equal("job", "node")};
  size_t samples = 0;
  SampleColumns out;
  for (auto _ : state) {
    auto set = db->select(matchers, {}, 0).value();
    for (size_t i = 0; i < set->size(); ++i) {
      if (!set->read(i, {}, out)) std::abort();
      samples += out.size();
    }
  }
  state.SetItemsProcessed(static_cast<int64_t>(samples));
}
BENCHMARK(select_and_read)->ArgName("blocks")->Arg(0)->Arg(1);

void instant_select(benchmark::State& state) {
  TempDir dir;
  ManualClock clock(kStart);
  auto db = open(dir.path(), clock);
  std::vector<FakeTarget> targets;
  for (int i = 0; i < 100; ++i) targets.emplace_back(*db, i, 500);
  TimestampMs t = kStart;
  for (int row = 0; row < 40; ++row) {
    clock.advance(Millis(kInterval));
    t += kInterval;
    for (FakeTarget& target : targets) target.scrape(*db, t);
    db->maintain();
  }
  const std::vector matchers{Matcher::equal("job", "node")};
  size_t series = 0;
  for (auto _ : state) {
    auto set = db->select(matchers, {t - 300'000, t}, 0).value();
    Sample sample;
    HistogramPtr histogram;
    for (size_t i = 0; i < set->size(); ++i) {
      series += *set->read_last(i, {t - 300'000, t}, sample, histogram);
    }
  }
  state.SetItemsProcessed(static_cast<int64_t>(series));
}
BENCHMARK(instant_select)->Unit(benchmark::kMillisecond);

/// Resident heap of this process, in bytes.
double rss_anon() {
  const std::string status = real_fs().read_file("/proc/self/status").value();
  const size_t at = status.find("RssAnon:");
  return at == std::string::npos ? 0 : std::stod(status.substr(at + 8)) * 1024;
}

/// Creates series, then scrapes them: what they take of the heap.
void create_series(benchmark::State& state) {
  const auto series = static_cast<int>(state.range(0));
  for (auto _ : state) {
    TempDir dir;
    ManualClock clock(kStart);
    auto db = open(dir.path(), clock);
    const double before = rss_anon();
    std::vector<FakeTarget> targets;
    for (int i = 0; i < series / 500; ++i) targets.emplace_back(*db, i, 500);
    const double bench_own = series * 12.0;
    state.counters["created_B/series"] = (rss_anon() - before - bench_own) / series;
    for (int row = 0; row < 64; ++row) {
      clock.advance(Millis(kInterval));
      for (FakeTarget& target : targets) target.scrape(*db, kStart + row * kInterval);
      db->maintain();
    }
    state.counters["scraped_B/series"] = (rss_anon() - before - bench_own) / series;
    state.counters["open_tiles_B/series"] =
        static_cast<double>(db->stats().open_tile_bytes) / series;
  }
  state.SetItemsProcessed(static_cast<int64_t>(series) * static_cast<int64_t>(state.iterations()));
}
BENCHMARK(create_series)->Arg(200'000)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace strata::tsdb
