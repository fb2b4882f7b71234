// The head at the size of a fleet: what a series takes of memory, what a sample takes of the log,
// how long a restart takes, and what a selection costs among that many series.
//
// A node is tile_fleet's: two engines, GPUs and host. The values of eight nodes are generated and
// shared by all the others, which differ by `instance`.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <time.h>

#include <array>

#include "base/check.h"
#include "base/log.h"
#include "base/temp_dir.h"
#include "tsdb/db.h"
#include "tsdb/row_code.h"
#include "tsdb/tile_fleet.h"

namespace strata::tsdb {
namespace {

constexpr size_t kTemplates = 8;
constexpr size_t kRows = 96;

/// One target's scrapes, row by row.
struct Tape {
  std::vector<Labels> series;
  std::vector<TimestampMs> times;
  std::vector<double> values;  // row after row
  std::span<const double> row(size_t r) const {
    return std::span(values).subspan(r * series.size(), series.size());
  }
};

Tape tape_of(const FleetTarget& target) {
  Tape tape{target.series, target.times, {}};
  for (size_t r = 0; r < target.times.size(); ++r) {
    for (const auto& column : target.values) tape.values.push_back(column[r]);
  }
  return tape;
}

/// The four targets of each template node.
const std::vector<std::array<Tape, 4>>& tapes() {
  static const auto made = [] {
    std::vector<std::array<Tape, 4>> out;
    for (uint64_t n = 1; n <= kTemplates; ++n) {
      out.push_back({tape_of(engine_target(kRows, n, false)),
                     tape_of(engine_target(kRows, 100 + n, true)), tape_of(gpu_target(kRows, n)),
                     tape_of(node_target(kRows, n))});
    }
    return out;
  }();
  return made;
}

struct Member {
  const Tape* tape = nullptr;
  TargetId id{};
  std::vector<SeriesId> columns;
};

class FleetHead {
 public:
  FleetHead(Db& db, size_t series) : db_(db) {
    for (size_t node = 0, made = 0; made < series; ++node) {
      const auto& tapes_of_node = tapes()[node % kTemplates];
      for (size_t k = 0; k < tapes_of_node.size(); ++k) {
        const Tape& tape = tapes_of_node[k];
        Member member{&tape, db.target(fmt::format("job-{}/node-{}", k, node)), {}};
        for (const Labels& labels : tape.series) {
          LabelsBuilder builder(labels);
          builder.set("instance", fmt::format("gpu-node-{}.cluster.example:{}", node, 9100 + k));
          member.columns.push_back(db.series(builder.build()).value());
        }
        made += member.columns.size();
        members_.push_back(std::move(member));
      }
    }
    for (const Member& member : members_) series_ += member.columns.size();
  }

  /// Scrapes everything `rows` times.
  void scrape(size_t rows, ManualClock& clock) {
    for (size_t r = 0; r < rows; ++r, ++next_row_) {
      clock.advance(std::chrono::seconds(15));
      for (const Member& member : members_) {
        const TimestampMs t = member.tape->times[next_row_];
        const auto stats =
            db_.append_scrape(member.id, t, member.columns, member.tape->row(next_row_));
        CHECK(stats && stats->appended == member.columns.size());
      }
      for (int i = 0; i < 8; ++i) db_.maintain();
    }
  }
  size_t series() const { return series_; }
  TimestampMs now() const { return members_[0].tape->times[next_row_ - 1]; }

 private:
  Db& db_;
  std::vector<Member> members_;
  size_t series_ = 0;
  size_t next_row_ = 0;
};

std::unique_ptr<Db> open(const std::string& path, const Clock& clock) {
  configure_logging(LogLevel::kWarn, LogFormat::kLogfmt);
  Options options;
  options.path = path;
  return std::move(Db::open(options, real_fs(), clock).value());
}

/// Resident heap of this process, in bytes.
double rss_anon() {
  const std::string status = real_fs().read_file("/proc/self/status").value();
  const size_t at = status.find("RssAnon:");
  return at == std::string::npos ? 0 : std::stod(status.substr(at + 8)) * 1024;
}

/// Of this thread: other programs on the machine do not count.
double cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

/// range(0): series; range(1): scrapes of each. Timed: the restart.
void restart(benchmark::State& state) {
  TempDir dir;
  ManualClock clock(tapes()[0][0].times[0]);
  const double before = rss_anon();
  double series = 0;
  {
    auto db = open(dir.path(), clock);
    FleetHead fleet(*db, static_cast<size_t>(state.range(0)));
    series = static_cast<double>(fleet.series());
    const double start = cpu_seconds();
    fleet.scrape(static_cast<size_t>(state.range(1)), clock);
    const double took = cpu_seconds() - start;
    const Stats stats = db->stats();
    const auto samples = static_cast<double>(stats.samples.appended);
    state.counters["anon_B/series"] = (rss_anon() - before) / series;
    state.counters["wal_B/sample"] = static_cast<double>(stats.wal_bytes_written) / samples;
    state.counters["ns/sample"] = 1e9 * took / samples;
    for (const auto& [part, bytes] : stats.memory) {
      state.counters[std::string(part)] = static_cast<double>(bytes) / series;
    }
    state.counters["wal_MB"] = static_cast<double>(stats.wal_bytes) / 1e6;
    state.counters["samples"] = samples;
  }
  for (auto _ : state) {
    auto db = open(dir.path(), clock);
    state.PauseTiming();
    state.counters["replayed"] = static_cast<double>(db->stats().replayed_samples);
    db.reset();
    state.ResumeTiming();
  }
}
BENCHMARK(restart)
    ->Args({100'000, 24})
    ->Args({40'000, 96})
    ->Args({1'000'000, 20})
    ->Iterations(3)
    ->Unit(benchmark::kMillisecond);

/// The fleet's rows as the log codes them: range() is not used, one tape of each kind.
struct CodedTape {
  const Tape* tape;
  RowBase base;
  std::vector<std::string> rows;
};

std::vector<CodedTape> coded_tapes() {
  std::vector<CodedTape> out;
  for (const Tape& tape : tapes()[0]) {
    CodedTape coded{&tape, {}, {}};
    const auto row = [&](size_t r) { return std::vector(tape.row(r).begin(), tape.row(r).end()); };
    const RowBase before{1, 0, nullptr, row(0), plan_columns(row(0), nullptr)};
    coded.base = {2, 0, nullptr, row(32), plan_columns(row(32), &before)};
    for (size_t r = 33; r < 64; ++r) {
      encode_row(coded.rows.emplace_back(), coded.base.values, coded.base.plan, tape.row(r));
    }
    out.push_back(std::move(coded));
  }
  return out;
}

void code_rows(benchmark::State& state) {
  const auto coded = coded_tapes();
  std::string out;
  size_t samples = 0;
  size_t bytes = 0;
  for (auto _ : state) {
    for (const CodedTape& tape : coded) {
      for (size_t r = 33; r < 64; ++r) {
        out.clear();
        encode_row(out, tape.base.values, tape.base.plan, tape.tape->row(r));
        bytes += out.size();
        samples += tape.base.values.size();
      }
    }
  }
  state.SetItemsProcessed(static_cast<int64_t>(samples));
  state.counters["B/sample"] = static_cast<double>(bytes) / static_cast<double>(samples);
}
BENCHMARK(code_rows)->Unit(benchmark::kMicrosecond);

void decode_rows(benchmark::State& state) {
  const auto coded = coded_tapes();
  std::vector<double> out;
  size_t samples = 0;
  for (auto _ : state) {
    for (const CodedTape& tape : coded) {
      for (const std::string& row : tape.rows) {
        CHECK(decode_row(row, tape.base.values, tape.base.plan, out));
        samples += out.size();
      }
    }
  }
  state.SetItemsProcessed(static_cast<int64_t>(samples));
}
BENCHMARK(decode_rows)->Unit(benchmark::kMicrosecond);

/// Selectors of alert rules over a head of range(0) series, each read at its last sample.
void alert_select(benchmark::State& state) {
  static TempDir dir;
  static ManualClock clock(tapes()[0][0].times[0]);
  static const auto db = open(dir.path(), clock);
  static FleetHead fleet(*db, static_cast<size_t>(state.range(0)));
  static const bool scraped = [] { return fleet.scrape(12, clock), true; }();
  CHECK(scraped);
  const auto name = [](std::string text) {
    return Matcher::equal(std::string(kMetricName), std::move(text));
  };
  const auto regex = [](std::string label, Matcher::Op op, std::string pattern) {
    return Matcher::make(op, std::move(label), std::move(pattern)).value();
  };
  const std::vector<std::pair<std::string, std::vector<Matcher>>> cases = {
      {"one name", {name("node_load1")}},
      {"name and instance",
       {name("node_load1"), Matcher::equal("instance", "gpu-node-7.cluster.example:9103")}},
      {"regex over instances",
       {name("node_load1"), regex("instance", Matcher::Op::kRegex, "gpu-node-1.*")}},
      {"one instance by regex",
       {regex("instance", Matcher::Op::kRegex, "gpu-node-77[.].*"), name("node_load1")}},
      {"not",
       {name("node_filesystem_readonly"),
        regex("mountpoint", Matcher::Op::kNotRegex, "/boot|/data")}},
      {"not alone", {regex("instance", Matcher::Op::kNotRegex, "gpu-node-[1-9].*")}},
  };
  const auto& [label, matchers] = cases[static_cast<size_t>(state.range(1))];
  const TimeRange range{fleet.now() - 300'000, fleet.now()};
  Sample sample;
  HistogramPtr histogram;
  size_t series = 0;
  double longest = 0;
  for (auto _ : state) {
    const double start = cpu_seconds();
    const auto set = db->select(matchers, range, 0).value();
    for (size_t i = 0; i < set->size(); ++i) CHECK(set->read_last(i, range, sample, histogram));
    longest = std::max(longest, cpu_seconds() - start);
    series = set->size();
  }
  state.SetLabel(label);
  state.counters["series"] = static_cast<double>(series);
  state.counters["longest_ms"] = 1000 * longest;
}
BENCHMARK(alert_select)
    ->ArgsProduct({{1'000'000}, {0, 1, 2, 3, 4, 5}})
    ->Iterations(200)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace strata::tsdb
