// What an operator asks of the store: deletions, snapshots, retention by series.
#include <algorithm>

#include "base/log.h"
#include "tsdb/db_impl.h"
#include "tsdb/window.h"

namespace strata::tsdb {
namespace {

// A block may be merged away while it is linked: then its successor is there, at the latest when
// that many looks were had.
constexpr int kSnapshotTries = 10;

Result<> copy_file(Fs& fs, const std::string& from, const std::string& to) {
  const std::string bytes = TRY(fs.read_file(from));
  auto file = TRY(fs.create(to));
  TRY(file->append(bytes));
  return file->sync();
}

}  // namespace

Result<> Db::delete_series(std::span<const Matcher> matchers, TimeRange range) {
  return impl_->delete_series(matchers, range);
}
Result<size_t> Db::clean_tombstones() { return impl_->clean_tombstones(); }
Result<> Db::snapshot(const std::string& dir, bool with_head) {
  return impl_->snapshot(dir, with_head);
}
void Db::set_retention(std::vector<RetentionRule> rules) {
  impl_->retention.set(
      std::make_shared<const Retention>(std::move(rules), impl_->options.retention_time));
  impl_->changes.note(kMinTime);
}

Result<> Db::Impl::delete_series(std::span<const Matcher> matchers, TimeRange range) {
  if (matchers.empty()) return bad_data("a deletion needs at least one matcher");
  // What is stored later is not meant: the range ends with the newest sample of now.
  TimestampMs newest = head_max.load();
  const auto all_blocks = blocks.all();
  for (const BlockPtr& block : all_blocks) newest = std::max(newest, block->meta().max_time);
  range.max = std::min(range.max, newest);
  if (range.min > range.max) return {};

  Deletion deletion{.matchers = {matchers.begin(), matchers.end()},
                    .range = range,
                    .asked_at = clock.now_ms(),
                    .in_head = false,
                    .blocks = {}};
  // The head first: what a cut moves from there meanwhile is in a block that is being written,
  // which the deletion log knows of, or in one that is found below.
  if (head_overlaps(range)) {
    deletion.in_head = !TRY(table.select(matchers, 0))
    .series.empty();
  }
  for (const BlockPtr& block : blocks.overlapping(range)) {
    const auto found = block->select(matchers);
    // One that cannot be read now may be read later.
    if (!found || !found->empty()) deletion.blocks.emplace_back(block->name());
  }
  if (!deletion.in_head && deletion.blocks.empty()) return {};
  log_info("series are deleted", {{"matchers", matchers.size()},
                                  {"first", matchers.front().to_string()},
                                  {"min_time_ms", range.min},
                                  {"max_time_ms", range.max},
                                  {"blocks", deletion.blocks.size()}});
  changes.note(range.min);
  TRY(deletions->add(std::move(deletion)));
  changes.note(range.min);
  return {};
}

void Db::Impl::forget_deletions() {
  if (deletions->pending()->empty()) return;
  std::set<std::string, std::less<>> names;
  for (const BlockPtr& block : blocks.all()) names.emplace(block->name());
  // By whole windows: tiles that a cut has dropped come back at a start when others of their
  // window are left.
  const TimestampMs oldest = head_min.load();
  const TimestampMs head_begins =
      oldest == kMaxTime ? kMaxTime : window_start(oldest, options.block_span);
  const auto done = deletions->forget(
      [&](const std::string& block) { return names.contains(block); }, head_begins);
  if (!done) {
    log_warn("deletions that are carried out could not be forgotten; it will be tried again",
             {{"error", done.error().message}});
  } else if (*done > 0) {
    log_info("deletions are carried out", {{"deletions", *done}});
  }
}

Result<size_t> Db::Impl::clean_tombstones() {
  const size_t cleaned = TRY(blocks.clean(upkeep()));
  forget_deletions();
  return cleaned;
}

Result<RepairReport> Db::repair() {
  auto report = TRY(impl_->blocks.repair(impl_->upkeep()));
  impl_->forget_deletions();
  return report;
}

/// The series' definitions last: they must have every series that the other files name.
Result<> Db::Impl::snapshot_head(const std::string& dir) {
  const uint64_t log_end = wal->roll();
  const uint64_t tiles_end = tiles->close_segments();
  TRY(series_log->sync());
  TRY(wal->sync());
  TRY(tiles->sync());
  const auto link_before = [&](const std::string& part, uint64_t end) -> Result<> {
    TRY(fs.create_directories(dir + "/" + part));
    for (const DirEntry& entry : TRY(fs.list(options.path + "/" + part))) {
      const uint64_t number = parse_numbered_name(entry.name);
      if (number == 0 || number >= end) continue;
      TRY(fs.link(fmt::format("{}/{}/{}", options.path, part, entry.name),
                  fmt::format("{}/{}/{}", dir, part, entry.name)));
    }
    return fs.sync_dir(dir + "/" + part);
  };
  TRY(link_before("wal", log_end));
  TRY(link_before("tiles", tiles_end));
  return copy_file(fs, options.path + "/series", dir + "/series");
}

Result<> Db::Impl::snapshot_blocks(const std::string& dir) {
  TRY(fs.create_directories(dir));
  for (const BlockPtr& block : blocks.all()) {
    const std::string to = fmt::format("{}/{}", dir, block->name());
    TRY(fs.create_directories(to));
    for (const DirEntry& entry : TRY(fs.list(block->dir()))) {
      TRY(fs.link(block->dir() + "/" + entry.name, to + "/" + entry.name));
    }
    TRY(fs.sync_dir(to));
  }
  return fs.sync_dir(dir);
}

Result<> Db::Impl::snapshot(const std::string& dir, bool with_head) {
  if (fs.exists(dir)) return fail(ErrorCode::kConflict, fmt::format("{} exists already", dir));
  const std::string temporary = dir + ".tmp";
  const auto written = [&]() -> Result<> {
    if (fs.exists(temporary)) TRY(fs.remove_all(temporary));
    TRY(fs.create_directories(temporary));
    // The store thread waits: nothing is cut, dropped or expired between the parts.
    MutexLock lock_maintain(maintain_mutex);
    if (with_head) TRY(snapshot_head(temporary));
    Result<> linked;
    for (int i = 0; i < kSnapshotTries; ++i) {
      linked = snapshot_blocks(temporary + "/blocks");
      if (linked || linked.error().code != ErrorCode::kNotFound) break;
      TRY(fs.remove_all(temporary + "/blocks"));
    }
    TRY(std::move(linked));
    if (!deletions->pending()->empty()) {
      TRY(copy_file(fs, options.path + "/tombstones", temporary + "/tombstones"));
    }
    TRY(fs.sync_dir(temporary));
    TRY(fs.rename(temporary, dir));
    return fs.sync_dir(dir.substr(0, dir.rfind('/')));
  }();
  if (!written) {
    (void)fs.remove_all(temporary);
    return std::unexpected(written.error().within(fmt::format("making the snapshot {}", dir)));
  }
  log_info("a snapshot was made", {{"directory", dir}});
  return {};
}

}  // namespace strata::tsdb
