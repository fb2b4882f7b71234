// strata import, export and tsdb: argument checking, and what a person reads.
#include "app/tsdb_commands.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>

#include "api/call.h"
#include "base/rfc3339.h"
#include "base/fs.h"
#include "interop/export_prometheus.h"
#include "interop/store_import.h"
#include "promql/parser.h"
#include "tsdb/block.h"
#include "tsdb/db.h"
#include "tsdb/frame.h"

namespace strata::app {
namespace {

int failed(const Error& error) {
  fmt::print(stderr, "strata: {}\n", error.message);
  return 1;
}

void print_progress(const std::string& line) { fmt::print(stderr, "{}\n", line); }

std::string time_text(TimestampMs t) { return rfc3339(t); }

int report(const Result<interop::ImportStats>& stats, const std::string& store) {
  if (!stats) return failed(stats.error());
  if (stats->without_time > 0) {
    fmt::print(stderr, "warning: {} samples have no timestamp and were left out\n",
               stats->without_time);
  }
  if (stats->duplicates > 0) {
    fmt::print(stderr, "warning: {} samples repeat a time of their series; the first was kept\n",
               stats->duplicates);
  }
  if (stats->samples == 0) return fmt::print("nothing to import\n"), 0;
  fmt::print("imported {} samples in {} block(s), {} bytes, from {} to {}, into {}\n",
             stats->samples, stats->blocks, stats->bytes, time_text(stats->range.min),
             time_text(stats->range.max), store);
  fmt::print("Samples older than --storage.tsdb.retention.time are deleted when a server runs.\n");
  return 0;
}

Result<> need_store(const std::string& path) {
  if (real_fs().exists(path + "/blocks")) return {};
  return fail(ErrorCode::kNotFound, fmt::format("{} is no store of Strata", path));
}

// From the first to the last sample of the store.
TimeRange extent(const tsdb::Stats& stats) {
  TimeRange range{kMaxTime, kMinTime};
  if (stats.head_series > 0) range = {stats.head_min_time, stats.head_max_time};
  for (const auto& block : stats.blocks) {
    range.min = std::min(range.min, block.min_time);
    range.max = std::max(range.max, block.max_time);
  }
  return range;
}

Result<size_t> run_export(const ExportCommand& command) {
  interop::ExportOptions options{.out = command.out};
  TRY(need_store(command.store));
  if (!command.match.empty()) options.matchers = TRY(promql::parse_selector(command.match));
  tsdb::Options store_options{.path = command.store, .retention_time = Millis::zero()};
  const auto db = TRY(tsdb::Db::open(store_options, real_fs(), real_clock()));
  options.range = extent(db->stats());
  if (!command.min_time.empty()) {
    options.range.min = std::max(options.range.min, TRY(api::parse_time(command.min_time)));
  }
  if (!command.max_time.empty()) {
    options.range.max = std::min(options.range.max, TRY(api::parse_time(command.max_time)));
  }
  const auto blocks =
      TRY(interop::export_prometheus_blocks(*db, options, real_fs(), real_clock(), print_progress));
  return blocks.size();
}

struct OpenedBlocks {
  std::vector<std::shared_ptr<tsdb::BlockReader>> blocks;
  std::vector<std::string> damage;  // of those that could not be opened
};

Result<OpenedBlocks> open_blocks(const std::string& store) {
  TRY(need_store(store));
  OpenedBlocks out;
  for (const DirEntry& entry : TRY(real_fs().list(store + "/blocks"))) {
    if (!entry.is_directory || entry.name.find('.') != std::string::npos) continue;
    auto block = tsdb::BlockReader::open(real_fs(), store + "/blocks/" + entry.name);
    if (block) {
      out.blocks.push_back(std::move(*block));
    } else if (block.error().code != ErrorCode::kNotFound) {  // a merge removed it meanwhile
      out.damage.push_back(block.error().message);
    }
  }
  return out;
}

using Counts = std::map<std::string, uint64_t>;

void print_top(const char* title, const Counts& counts, size_t limit) {
  std::vector<std::pair<uint64_t, std::string>> rows;
  for (const auto& [name, count] : counts) rows.emplace_back(count, name);
  std::ranges::sort(rows, [](const auto& a, const auto& b) {
    return std::tie(b.first, a.second) < std::tie(a.first, b.second);
  });
  if (rows.size() > limit) rows.resize(limit);
  fmt::print("\n{}\n", title);
  for (const auto& [count, name] : rows) fmt::print("{:>12}  {}\n", count, name);
}

// Frames of the log, the tiles and the series' definitions. Returns how many damages were found.
Result<size_t> verify_frames(const std::string& path) {
  const auto file = TRY(real_fs().map(path));
  tsdb::FrameReader reader(file->bytes());
  tsdb::Frame frame;
  while (reader.next(frame)) {
  }
  size_t damaged = 0;
  for (const auto& d : reader.damage()) {
    if (d.torn) {
      fmt::print("{}: the last {} bytes are a write that did not finish\n", path, d.bytes);
      continue;
    }
    ++damaged;
    fmt::print("{}: {} bytes are damaged at byte {}, {} record(s) lost\n", path, d.bytes, d.offset,
               d.frames);
  }
  return damaged;
}

Result<size_t> verify_head(const std::string& store) {
  size_t damaged = 0;
  if (real_fs().exists(store + "/series")) damaged += TRY(verify_frames(store + "/series"));
  for (const char* part : {"wal", "tiles"}) {
    const std::string dir = store + "/" + part;
    if (!real_fs().exists(dir)) continue;
    for (const DirEntry& file : TRY(real_fs().list(dir))) {
      if (file.is_directory || file.name.find('.') != std::string::npos) continue;
      auto found = verify_frames(dir + "/" + file.name);
      if (!found && found.error().code == ErrorCode::kNotFound) continue;  // removed meanwhile
      damaged += TRY(std::move(found));
    }
  }
  return damaged;
}

}  // namespace

int import_prometheus(const std::string& dir, const std::string& store) {
  return report(interop::import_prometheus_blocks(real_fs(), dir, store, print_progress), store);
}

int import_text(const std::vector<std::string>& files, const std::string& store) {
  return report(interop::import_text(real_fs(), files, store, print_progress), store);
}

int export_prometheus(const ExportCommand& command) {
  const auto blocks = run_export(command);
  if (!blocks) return failed(blocks.error());
  fmt::print("exported {} block(s) to {}\n", *blocks, command.out);
  return 0;
}

int tsdb_list(const std::string& store) {
  const auto opened = open_blocks(store);
  if (!opened) return failed(opened.error());
  fmt::print("{:<24} {:<25} {:<25} {:>9} {:>12} {:>12} {:>8}\n", "block", "first sample",
             "last sample", "series", "samples", "bytes", "B/sample");
  for (const auto& block : opened->blocks) {
    const auto& meta = block->meta();
    const uint64_t bytes = meta.data_bytes + meta.index_bytes;
    const double each =
        static_cast<double>(bytes) / static_cast<double>(std::max(meta.samples, uint64_t{1}));
    fmt::print("{:<24} {:<25} {:<25} {:>9} {:>12} {:>12} {:>8.3f}\n", meta.id,
               time_text(meta.min_time), time_text(meta.max_time), meta.series, meta.samples, bytes,
               each);
  }
  for (const auto& message : opened->damage) fmt::print(stderr, "damaged: {}\n", message);
  return opened->damage.empty() ? 0 : 1;
}

int tsdb_analyze(const std::string& store, size_t limit) {
  const auto opened = open_blocks(store);
  if (!opened) return failed(opened.error());
  std::map<std::string, Counts, std::less<>> values_of;  // label name -> value -> series
  Counts series_by_name, series_by_label, values_by_label, series_by_pair;
  std::map<Labels, bool> seen;
  for (const auto& block : opened->blocks) {
    for (uint32_t i = 0; i < block->series_count(); ++i) {
      const auto labels = block->labels(i);
      if (!labels) return failed(labels.error());
      if (!seen.emplace(*labels, true).second) continue;
      ++series_by_name[std::string(labels->metric_name())];
      for (const Label& label : *labels) {
        ++series_by_label[std::string(label.name)];
        ++values_of[std::string(label.name)][std::string(label.value)];
      }
    }
  }
  for (const auto& [name, values] : values_of) {
    values_by_label[name] = values.size();
    for (const auto& [value, n] : values) series_by_pair[fmt::format("{}={}", name, value)] = n;
  }
  fmt::print("{} block(s), {} series, {} label names, {} label pairs\n", opened->blocks.size(),
             seen.size(), values_of.size(), series_by_pair.size());
  print_top("series by metric", series_by_name, limit);
  print_top("values by label", values_by_label, limit);
  print_top("series by label", series_by_label, limit);
  print_top("series by label pair", series_by_pair, limit);
  return 0;
}

int tsdb_verify(const std::string& store) {
  const auto opened = open_blocks(store);
  if (!opened) return failed(opened.error());
  size_t damaged = opened->damage.size();
  for (const auto& message : opened->damage) fmt::print("{}\n", message);
  for (const auto& block : opened->blocks) {
    const auto damage = block->damage();
    for (const auto& d : damage) fmt::print("{} (up to {} samples lost)\n", d.message, d.samples);
    damaged += damage.size();
    fmt::print("{}: {}\n", block->dir(), damage.empty() ? "good" : "damaged");
  }
  const auto head = verify_head(store);
  if (!head) return failed(head.error());
  damaged += *head;
  fmt::print("{} block(s) checked, {} damage(s) found\n", opened->blocks.size(), damaged);
  return damaged == 0 ? 0 : 1;
}

}  // namespace strata::app
