#include "tsdb/block_list.h"

#include <algorithm>
#include <set>

#include "base/log.h"
#include "tsdb/frame_file.h"
#include "tsdb/window.h"

namespace strata::tsdb {
namespace {

// A merge makes a block of three of the next smaller size, as Prometheus does, up to a tenth of the
// retention time and at most a month.
constexpr int kMergeFactor = 3;
constexpr Millis kLongestBlock = std::chrono::days(31);

std::string name_of(const BlockPtr& block) {
  const std::string& dir = block->dir();
  return dir.substr(dir.rfind('/') + 1);
}

}  // namespace

uint64_t block_bytes(const BlockMeta& meta) { return meta.data_bytes + meta.index_bytes; }

void BlockList::insert(BlockPtr block) {
  const auto key = [](const BlockPtr& b) { return std::pair(b->meta().min_time, b->dir()); };
  blocks_.insert(std::ranges::upper_bound(blocks_, key(block), {}, key), std::move(block));
}

Result<> BlockList::open(
    const std::function<void(const std::string& path, const Error& error)>& on_damage) {
  TRY(fs_.create_directories(dir_));
  std::set<std::string> replaced;
  std::vector<BlockPtr> opened;
  uint64_t sequence = 0;
  for (const DirEntry& entry : TRY(fs_.list(dir_))) {
    const std::string path = dir_ + "/" + entry.name;
    if (!entry.is_directory || entry.name.find(".damaged") != std::string::npos) continue;
    if (entry.name.ends_with(kTemporarySuffix)) {
      (void)fs_.remove_all(path);
      continue;
    }
    if (const size_t dash = entry.name.rfind('-'); dash != std::string::npos) {
      sequence = std::max(sequence, parse_numbered_name(entry.name.substr(dash + 1)));
    }
    auto block = BlockReader::open(fs_, path);
    if (block) {
      const auto& sources = (*block)->meta().sources;
      replaced.insert(sources.begin(), sources.end());
      opened.push_back(std::move(*block));
    } else if (block.error().code == ErrorCode::kIo || block.error().code == ErrorCode::kBadData) {
      return std::unexpected(std::move(block).error());  // not damage: a newer format, or no access
    } else {
      on_damage(path, block.error());
      keep_aside(fs_, path);
    }
  }
  MutexLock lock(mutex_);
  sequence_ = sequence;
  for (BlockPtr& block : opened) {
    if (replaced.contains(name_of(block))) {
      (void)fs_.remove_all(block->dir());
    } else {
      insert(std::move(block));
    }
  }
  return {};
}

std::vector<BlockPtr> BlockList::overlapping(TimeRange range) const {
  std::vector<BlockPtr> out;
  MutexLock lock(mutex_);
  for (const BlockPtr& block : blocks_) {
    if (range.overlaps({block->meta().min_time, block->meta().max_time})) out.push_back(block);
  }
  return out;
}

std::vector<BlockPtr> BlockList::all() const {
  MutexLock lock(mutex_);
  return blocks_;
}

std::string BlockList::new_path(TimestampMs start) {
  MutexLock lock(mutex_);
  return fmt::format("{}/{:013}-{}", dir_, start, numbered_name(++sequence_));
}

Result<> BlockList::add(const std::string& path) {
  auto block = TRY(BlockReader::open(fs_, path));
  MutexLock lock(mutex_);
  insert(std::move(block));
  return {};
}

void BlockList::remove(const BlockPtr& block) {
  {
    MutexLock lock(mutex_);
    std::erase(blocks_, block);
  }
  // Under its temporary name first: half a block must never be taken for one.
  const std::string doomed = block->dir() + std::string(kTemporarySuffix);
  auto removed = fs_.rename(block->dir(), doomed);
  if (removed) removed = fs_.remove_all(doomed);
  if (!removed) {
    log_warn("a block could not be removed",
             {{"block", block->dir()}, {"error", removed.error().message}});
  }
}

size_t BlockList::expire(TimestampMs newest) {
  std::vector<BlockPtr> expired;
  {
    MutexLock lock(mutex_);
    uint64_t total = 0;
    const TimestampMs keep = options_.retention_time.count();
    for (auto it = blocks_.rbegin(); it != blocks_.rend(); ++it) {
      const BlockMeta& meta = (*it)->meta();
      total += block_bytes(meta);
      const bool old = keep > 0 && newest > kMinTime + keep && meta.max_time < newest - keep;
      const bool beyond = options_.retention_bytes > 0 && total > options_.retention_bytes;
      const bool busy = std::ranges::find(merging_, *it) != merging_.end();
      if ((old || beyond) && !busy) expired.push_back(*it);
    }
  }
  for (const BlockPtr& block : expired) {
    log_info("a block has expired", {{"block", name_of(block)}});
    remove(block);
  }
  return expired.size();
}

/// The group to merge next, oldest and smallest first; empty when nothing is due. A window of time
/// is due when a block behind it exists, so that nothing is likely to be added to it.
std::vector<BlockPtr> BlockList::next_merge() const {
  MutexLock lock(mutex_);
  if (blocks_.size() < 3) return {};
  const TimestampMs newest = blocks_.back()->meta().min_time;
  Millis longest = kLongestBlock;
  if (options_.retention_time.count() > 0) {
    longest = std::min(longest, options_.retention_time / 10);
  }
  for (Millis length = options_.block_span; length <= std::max(longest, options_.block_span);
       length *= kMergeFactor) {
    for (size_t i = 0; i < blocks_.size();) {
      const TimestampMs end = window_end(blocks_[i]->meta().min_time, length);
      std::vector<BlockPtr> group;
      for (; i < blocks_.size() && blocks_[i]->meta().min_time < end; ++i) {
        if (blocks_[i]->meta().max_time < end) group.push_back(blocks_[i]);
      }
      if (group.size() >= 2 && end <= newest) return group;
    }
  }
  return {};
}

Result<bool> BlockList::compact() {
  MutexLock compact_lock(compact_mutex_);
  const std::vector<BlockPtr> group = next_merge();
  if (group.empty()) return false;
  {
    MutexLock lock(mutex_);
    merging_ = group;
  }
  auto merged = [&]() -> Result<std::string> {
    BlockOptions block_options;
    TimestampMs start = kMaxTime;
    for (const BlockPtr& block : group) {
      block_options.level = std::max(block_options.level, block->meta().level + 1);
      block_options.sources.push_back(name_of(block));
      start = std::min(start, block->meta().min_time);
    }
    std::string path = new_path(window_start(start, options_.block_span));
    auto writer = TRY(BlockWriter::create(fs_, path, std::move(block_options)));
    const MergeStats stats = TRY(merge_blocks(group, *writer, {}, true));
    for (const BlockDamage& damage : stats.damage) {
      log_error("a damaged tile was left out of a merged block",
                {{"error", damage.message}, {"samples_lost", damage.samples}});
    }
    TRY(writer->finish());
    TRY(add(path));
    return path;
  }();
  if (merged) {
    for (const BlockPtr& block : group) remove(block);
    log_info("blocks were merged", {{"blocks", group.size()}, {"into", *merged}});
  }
  MutexLock lock(mutex_);
  merging_.clear();
  TRY(std::move(merged));
  return true;
}

}  // namespace strata::tsdb
