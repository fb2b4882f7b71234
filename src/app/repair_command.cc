// strata tsdb repair: what Db::open() and Db::repair() find and save, for a person to read.
#include <cstdio>

#include "base/rfc3339.h"
#include "app/tsdb_commands.h"
#include "base/fs.h"
#include "tsdb/db.h"

namespace strata::app {
namespace {

void print_block(const tsdb::RepairReport::Block& block) {
  if (!block.error.empty()) {
    fmt::print("{}: nothing can be saved: {}\n", block.block, block.error);
    return;
  }
  fmt::print("{}:\n", block.block);
  for (const auto& lost : block.lost) {
    fmt::print("  lost: up to {} samples from {} to {}: {}\n", lost.samples,
               rfc3339(lost.range.min), rfc3339(lost.range.max), lost.message);
  }
  if (block.into.empty()) {
    fmt::print("  no sample of it could be read\n");
  } else {
    fmt::print("  saved: {} samples, in {}\n", block.samples, block.into);
  }
}

Result<int> repair(const std::string& store) {
  Fs& fs = real_fs();
  if (!fs.exists(store + "/blocks")) {
    return fail(ErrorCode::kNotFound, fmt::format("{} is no store of Strata", store));
  }
  // Nothing may expire on the way: what is damaged may be old.
  tsdb::Options options{.path = store, .retention_time = Millis::zero(), .cold_after = Millis(0)};
  options.keep_damaged = std::chrono::days(36'500);
  options.max_damaged = SIZE_MAX;
  const auto db = TRY(tsdb::Db::open(options, fs, real_clock()));
  const tsdb::Stats found = db->stats();
  const tsdb::RepairReport report = TRY(db->repair());
  TRY(db->flush());
  size_t lost = found.lost_samples > 0 ? 1 : 0;
  if (found.damaged_records > 0) {
    fmt::print(
        "log, tiles, definitions and block indexes: {} record(s) damaged, {} bytes; at least "
        "{} samples lost (the log above says where)\n",
        found.damaged_records, found.damaged_bytes, found.lost_samples);
  }
  for (const auto& block : report.blocks) {
    print_block(block);
    lost += !block.lost.empty() || block.into.empty();
  }
  if (found.damaged_records == 0 && report.blocks.empty()) {
    fmt::print("{} block(s) checked; nothing is damaged\n", report.checked);
  } else {
    fmt::print("{} block(s) checked; what was damaged is kept as NAME.damaged until it expires\n",
               report.checked);
  }
  return lost == 0 ? 0 : 1;
}

}  // namespace

int tsdb_repair(const std::string& store) {
  const auto code = repair(store);
  if (code) return *code;
  fmt::print(stderr, "strata: {}\n", code.error().message);
  return 1;
}

}  // namespace strata::app
