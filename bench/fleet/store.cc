#include <bit>
#include <chrono>

#include "fleet/recording.h"
#include "model/labels.h"
#include "tsdb/db.h"

namespace strata::bench {
namespace {

// The labels of `name{a="b",…}`, which has no escapes.
Labels labels_of(std::string_view series) {
  LabelsBuilder labels;
  const size_t brace = series.find('{');
  labels.set(kMetricName, series.substr(0, brace));
  series.remove_prefix(brace + 1);
  while (series.size() > 1) {
    const size_t equals = series.find("=\"");
    const size_t quote = series.find('"', equals + 2);
    labels.set(series.substr(0, equals), series.substr(equals + 2, quote - equals - 2));
    series.remove_prefix(quote + 1);
    if (series.starts_with(',')) series.remove_prefix(1);
  }
  return labels.build();
}

struct StoreTarget {
  tsdb::TargetId id{};
  std::vector<tsdb::SeriesId> columns;
};

Result<std::vector<StoreTarget>> register_targets(Recording& recording, tsdb::Db& db) {
  std::vector<StoreTarget> targets;
  for (size_t i = 0; i < recording.targets().size(); ++i) {
    StoreTarget target{db.target(recording.instance(i)), {}};
    for (const auto& series : recording.targets()[i].series()) {
      target.columns.push_back(TRY(db.series(labels_of(series))));
    }
    targets.push_back(std::move(target));
  }
  return targets;
}

Result<> append_all(Recording& recording, tsdb::Db& db, ManualClock& clock) {
  const auto targets = TRY(register_targets(recording, db));
  for (int64_t step = 1; step <= recording.steps(); ++step) {
    const TimestampMs t = recording.time_of(step);
    clock.advance(std::chrono::milliseconds(t - clock.now_ms()));
    recording.advance(step);
    for (size_t i = 0; i < targets.size(); ++i) {
      auto& target = recording.targets()[i];
      if (target.series().empty()) continue;
      TRY(db.append_scrape(targets[i].id, t, targets[i].columns, target.values()));
    }
    db.maintain();
    while (TRY(db.compact())) {
    }
  }
  return db.flush();
}

struct Compared {
  uint64_t samples = 0;
  uint64_t differences = 0;
};

// Reads target `i` whole and compares it with `values`, by series and step.
Result<> compare(const tsdb::Db& db, const RecordedTarget& target, const Recording& recording,
                 const std::vector<std::vector<double>>& values, Compared& compared) {
  SampleColumns samples;
  for (size_t s = 0; s < target.series().size(); ++s) {
    std::vector<Matcher> matchers;
    const Labels labels = labels_of(target.series()[s]);
    for (const Label& label : labels) {
      matchers.push_back(Matcher::equal(std::string(label.name), std::string(label.value)));
    }
    const auto set = TRY(db.select(matchers, {}, 0));
    size_t found = 0;
    for (size_t i = 0; i < set->size(); ++i) {
      if (set->labels(i) != labels) continue;  // has more labels
      TRY(set->read(i, {}, samples));
      for (size_t k = 0; k < samples.size(); ++k) {
        const bool same =
            found < values[s].size() &&
            samples.t[k] == recording.time_of(static_cast<int64_t>(found) + 1) &&
            std::bit_cast<uint64_t>(samples.v[k]) == std::bit_cast<uint64_t>(values[s][found]);
        if (!same) ++compared.differences;
        ++found;
      }
    }
    compared.samples += found;
    if (found != values[s].size()) ++compared.differences;
  }
  return {};
}

// The same fleet again, one target at a time, against what the store gives back.
Result<Compared> verify(const RecordingOptions& options, const tsdb::Db& db) {
  Recording recording(options);
  std::vector<std::vector<std::vector<double>>> values;  // by target, series, step
  for (auto& target : recording.targets()) values.emplace_back(target.series().size());
  for (int64_t step = 1; step <= recording.steps(); ++step) {
    recording.advance(step);
    for (size_t i = 0; i < values.size(); ++i) {
      const auto row = recording.targets()[i].values();
      for (size_t s = 0; s < row.size(); ++s) values[i][s].push_back(row[s]);
    }
  }
  Compared compared;
  for (size_t i = 0; i < values.size(); ++i) {
    TRY(compare(db, recording.targets()[i], recording, values[i], compared));
  }
  return compared;
}

}  // namespace

Result<> store(const StoreOptions& options) {
  Recording recording(options.recording);
  ManualClock clock(recording.time_of(0));
  tsdb::Options db_options{.path = options.path, .wal_sync = std::chrono::hours(1)};
  auto db = TRY(tsdb::Db::open(db_options, real_fs(), clock));
  TRY(append_all(recording, *db, clock));
  const auto compared = TRY(verify(options.recording, *db));
  const tsdb::Stats stats = db->stats();
  uint64_t in_blocks = 0;
  for (const auto& block : stats.blocks) in_blocks += block.samples;
  fmt::print(
      "{{\"series\": {}, \"samples\": {}, \"differences\": {}, \"blocks\": {}, "
      "\"block_samples\": {}, \"block_bytes\": {}, \"tile_bytes\": {}, \"wal_bytes\": {}}}\n",
      recording.series(), compared.samples, compared.differences, stats.blocks.size(), in_blocks,
      stats.block_bytes, stats.tile_bytes, stats.wal_bytes_written);
  return {};
}

}  // namespace strata::bench
