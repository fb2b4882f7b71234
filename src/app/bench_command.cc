// strata tsdb bench: a store of its own, filled as scraping fills it, on the disk that is asked
// about. Times are this machine's; the data are gauges and counters that move like real ones.
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <random>

#include "app/tsdb_commands.h"
#include "base/fs.h"
#include "tsdb/db.h"

namespace strata::app {
namespace {

using Seconds = std::chrono::duration<double>;

constexpr size_t kTargets = 20;
constexpr size_t kColumns = 500;  // of a target
constexpr int kScrapes = 960;     // four hours at 15 s
constexpr TimestampMs kStep = 15'000;
constexpr size_t kSyncs = 50;

double seconds_since(std::chrono::steady_clock::time_point start) {
  return Seconds(std::chrono::steady_clock::now() - start).count();
}

struct Target {
  tsdb::TargetId id{};
  std::vector<tsdb::SeriesId> columns;
  std::vector<double> values;
};

Result<std::vector<Target>> make_targets(tsdb::Db& db) {
  std::vector<Target> targets(kTargets);
  for (size_t t = 0; t < kTargets; ++t) {
    targets[t].id = db.target(fmt::format("bench/{}", t));
    targets[t].values.resize(kColumns);
    for (size_t c = 0; c < kColumns; ++c) {
      targets[t].columns.push_back(TRY(db.series({{kMetricName, fmt::format("bench_{}", c % 50)},
                                                  {"column", std::to_string(c)},
                                                  {"instance", std::to_string(t)}})));
    }
  }
  return targets;
}

// A third stands still, a third counts, a third wanders.
void move(std::vector<double>& values, std::mt19937_64& random) {
  for (size_t c = 0; c < values.size(); ++c) {
    if (c % 3 == 1) values[c] += static_cast<double>(random() % 300);
    if (c % 3 == 2) {
      values[c] = std::round(values[c] * 1000 + static_cast<double>(random() % 2001) - 1000) / 1000;
    }
  }
}

Result<> write(tsdb::Db& db, ManualClock& clock) {
  auto targets = TRY(make_targets(db));
  std::mt19937_64 random(1);
  double appending = 0;
  double upkeep = 0;
  for (int scrape = 0; scrape < kScrapes; ++scrape) {
    clock.advance(std::chrono::milliseconds(kStep));
    for (Target& target : targets) {
      move(target.values, random);
      const auto start = std::chrono::steady_clock::now();
      TRY(db.append_scrape(target.id, clock.now_ms(), target.columns, target.values));
      appending += seconds_since(start);
    }
    const auto start = std::chrono::steady_clock::now();
    db.maintain();
    upkeep += seconds_since(start);
  }
  const auto samples = static_cast<double>(kTargets * kColumns * kScrapes);
  const tsdb::Stats stats = db.stats();
  fmt::print("append   {:8.2f} M samples/s on one thread ({:.2f} bytes of log a sample)\n",
             samples / appending / 1e6, static_cast<double>(stats.wal_bytes_written) / samples);
  fmt::print("upkeep   {:8.2f} M samples/s (sealing, cutting blocks)\n", samples / upkeep / 1e6);
  uint64_t in_blocks = 0;
  for (const auto& block : stats.blocks) in_blocks += block.samples;
  if (in_blocks > 0) {
    fmt::print("blocks   {:8.3f} bytes a sample\n",
               static_cast<double>(stats.block_bytes) / static_cast<double>(in_blocks));
  }
  return {};
}

Result<> read(const tsdb::Db& db) {
  const auto start = std::chrono::steady_clock::now();
  const Matcher all = TRY(Matcher::make(Matcher::Op::kRegex, std::string(kMetricName), "bench_.+"));
  const auto set = TRY(db.select({&all, 1}, {}, 0));
  SampleColumns samples;
  size_t found = 0;
  for (size_t i = 0; i < set->size(); ++i) {
    TRY(set->read(i, {}, samples));
    found += samples.size();
  }
  fmt::print("read     {:8.2f} M samples/s on one thread, all of {} series\n",
             static_cast<double>(found) / seconds_since(start) / 1e6, set->size());
  return {};
}

Result<> sync(const std::string& path) {
  auto file = TRY(real_fs().create(path + "/sync"));
  std::vector<double> took;
  for (size_t i = 0; i < kSyncs; ++i) {
    TRY(file->append(std::string(64 << 10, 'x')));
    const auto start = std::chrono::steady_clock::now();
    TRY(file->sync());
    took.push_back(seconds_since(start) * 1000);
  }
  std::ranges::sort(took);
  fmt::print("sync     {:8.2f} ms median, {:.2f} ms at worst, of 64 KiB\n", took[kSyncs / 2],
             took.back());
  return {};
}

Result<> bench(const std::string& path) {
  ManualClock clock(1'700'006'400'000);
  tsdb::Options options{.path = path + "/store", .retention_time = Millis::zero()};
  options.wal_sync =
      std::chrono::hours(1);  // of the time that is played: syncs have their own line
  {
    const auto db = TRY(tsdb::Db::open(options, real_fs(), clock));
    TRY(write(*db, clock));
    TRY(db->flush());
    TRY(read(*db));
  }
  const auto start = std::chrono::steady_clock::now();
  TRY(tsdb::Db::open(options, real_fs(), clock));
  fmt::print("open     {:8.3f} s\n", seconds_since(start));
  return sync(path);
}

}  // namespace

int tsdb_bench(const std::string& dir) {
  const std::string path = fmt::format("{}/strata-bench-{}", dir, ::getpid());
  auto done = real_fs().create_directories(path);
  if (done) done = bench(path);
  if (auto removed = real_fs().remove_all(path); done && !removed) done = removed;
  if (done) return 0;
  fmt::print(stderr, "strata: {}\n", done.error().message);
  return 1;
}

}  // namespace strata::app
