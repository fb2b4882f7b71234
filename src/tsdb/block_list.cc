#include "tsdb/block_list.h"

#include <algorithm>
#include <set>

#include "base/log.h"
#include "tsdb/block_format.h"
#include "tsdb/frame_file.h"
#include "tsdb/visibility.h"
#include "tsdb/window.h"

namespace strata::tsdb {
namespace {

// A merge makes a block of three of the next smaller size, as Prometheus does, up to a tenth of the
// retention time and at most a month.
constexpr int kMergeFactor = 3;
constexpr Millis kLongestBlock = std::chrono::days(31);

// Where the window begins that a block's first tile is in.
Result<TimestampMs> block_start(const BlockReader& block, Millis span) {
  TimestampMs start = kMaxTime;
  for (uint32_t i = 0; i < block.tile_count(); ++i) {
    const BlockTile tile = TRY(block.tile(i));
    start = std::min(start, tile.range.min);
  }
  return window_start(start, span);
}

}  // namespace

uint64_t block_bytes(const BlockMeta& meta) {
  return meta.data_bytes + meta.index_bytes + meta.histogram_bytes;
}

void BlockList::insert(BlockPtr block) {
  const auto key = [](const BlockPtr& b) { return std::pair(b->meta().min_time, b->dir()); };
  blocks_.insert(std::ranges::upper_bound(blocks_, key(block), {}, key), std::move(block));
}

Result<> BlockList::open(const OnDamage& on_damage) {
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
      for (const BlockDamage& damage : (*block)->known_damage()) on_damage(damage, false);
      opened.push_back(std::move(*block));
    } else if (block.error().code == ErrorCode::kIo || block.error().code == ErrorCode::kBadData) {
      return std::unexpected(std::move(block).error());  // not damage: a newer format, or no access
    } else {
      const auto json = fs_.read_file(path + "/" + std::string(kMetaFile));
      const BlockMeta lost = peek_meta_json(json ? *json : std::string());
      on_damage({block.error().message, path, {lost.min_time, lost.max_time}, lost.samples}, true);
      keep_aside(fs_, path);
    }
  }
  MutexLock lock(mutex_);
  sequence_ = sequence;
  for (BlockPtr& block : opened) {
    if (replaced.contains(std::string(block->name()))) {
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

void BlockList::remove(const BlockPtr& block, bool keep_aside_damaged) {
  {
    MutexLock lock(mutex_);
    std::erase(blocks_, block);
  }
  {
    MutexLock lock(classes_mutex_);
    if (const auto known = classes_.find(block->name()); known != classes_.end()) {
      classes_.erase(known);
    }
  }
  if (keep_aside_damaged) return keep_aside(fs_, block->dir());
  // Under its temporary name first: half a block must never be taken for one.
  const std::string doomed = block->dir() + std::string(kTemporarySuffix);
  auto removed = fs_.rename(block->dir(), doomed);
  if (removed) removed = fs_.remove_all(doomed);
  if (!removed) {
    log_warn("a block could not be removed",
             {{"block", block->dir()}, {"error", removed.error().message}});
  }
}

std::vector<bool> BlockList::classes_in(const BlockPtr& block, const RetentionPtr& retention) {
  if (!retention->has_rules()) return {true};
  {
    MutexLock lock(classes_mutex_);
    if (classes_retention_ != retention) {
      classes_.clear();
      classes_retention_ = retention;
    }
    if (const auto known = classes_.find(block->name()); known != classes_.end()) {
      return known->second;
    }
  }
  auto classes = retention->classes_in(*block);
  MutexLock lock(classes_mutex_);
  if (classes_retention_ == retention) classes_.emplace(block->name(), classes);
  return classes;
}

size_t BlockList::expire(const Upkeep& upkeep) {
  const Retention& retention = *upkeep.retention;
  uint64_t total = 0;
  size_t expired = 0;
  const std::vector<BlockPtr> blocks = all();
  for (auto it = blocks.rbegin(); it != blocks.rend(); ++it) {
    const BlockPtr& block = *it;
    const auto classes = classes_in(block, upkeep.retention);
    bool old = true;
    for (size_t c = 0; c < classes.size(); ++c) {
      if (classes[c]) old &= block->meta().max_time < retention.cutoff(c, upkeep.newest);
    }
    total += block_bytes(block->meta());
    const bool beyond = options_.retention_bytes > 0 && total > options_.retention_bytes;
    if (!old && !beyond) continue;
    {
      MutexLock lock(mutex_);
      if (std::ranges::find(merging_, block) != merging_.end()) continue;
    }
    log_info("a block has expired", {{"block", block->name()}});
    remove(block);
    ++expired;
  }
  return expired;
}

/// The group to merge next, oldest and smallest first; empty when nothing is due. A window of time
/// is due when a block behind it exists, so that nothing is likely to be added to it. Blocks longer
/// than a tenth of the retention are made only where just what is kept longer is left.
std::vector<BlockPtr> BlockList::next_merge(const Upkeep& upkeep) const {
  MutexLock lock(mutex_);
  if (blocks_.size() < 3) return {};
  const TimestampMs newest = blocks_.back()->meta().min_time;
  const auto longest_for = [](Millis keep) {
    return keep.count() > 0 ? std::min(kLongestBlock, keep / 10) : kLongestBlock;
  };
  const Retention& retention = *upkeep.retention;
  const size_t otherwise = retention.classes() - 1;
  const Millis longest = std::max(longest_for(retention.keep(otherwise)), options_.block_span);
  const Millis longest_kept = std::max(longest_for(retention.longest()), options_.block_span);
  const TimestampMs cutoff = retention.cutoff(otherwise, upkeep.newest);
  for (Millis length = options_.block_span; length <= std::max(longest, longest_kept);
       length *= kMergeFactor) {
    for (size_t i = 0; i < blocks_.size();) {
      const TimestampMs end = window_end(blocks_[i]->meta().min_time, length);
      std::vector<BlockPtr> group;
      for (; i < blocks_.size() && blocks_[i]->meta().min_time < end; ++i) {
        if (blocks_[i]->meta().max_time < end) group.push_back(blocks_[i]);
      }
      if (length > longest && end > cutoff) continue;
      if (group.size() >= 2 && end <= newest) return group;
    }
  }
  return {};
}

bool BlockList::has_deletion(const BlockPtr& block, const Upkeep& upkeep) const {
  return std::ranges::any_of(*upkeep.deletions.pending(), [&](const Deletion& deletion) {
    return deletion.concerns(block->name());
  });
}

bool BlockList::is_old(const BlockPtr& block, const Upkeep& upkeep) const {
  const TimestampMs after = options_.cold_after.count();
  // Nothing is newest while the head is empty: kMinTime.
  return after > 0 && upkeep.newest > kMinTime + after &&
         block->meta().max_time < upkeep.newest - after;
}

/// A block of which something is deleted or damaged, that has series to be kept and others that are
/// not, or that is old and not yet coded for that.
BlockPtr BlockList::next_rewrite(const Upkeep& upkeep) {
  for (const BlockPtr& block : all()) {
    if (has_deletion(block, upkeep) || !block->known_damage().empty()) return block;
    if (is_old(block, upkeep) && !block->is_cold()) return block;
    const auto classes = classes_in(block, upkeep.retention);
    bool some_expired = false;
    bool some_kept = false;
    for (size_t c = 0; c < classes.size(); ++c) {
      if (!classes[c]) continue;
      const bool old = block->meta().max_time < upkeep.retention->cutoff(c, upkeep.newest);
      some_expired |= old;
      some_kept |= !old;
    }
    if (some_expired && some_kept) return block;
  }
  return nullptr;
}

/// Writes `group` to the block `path` and shows it to readers; empty when nothing was left of it.
Result<std::string> BlockList::write_merged(const std::vector<BlockPtr>& group,
                                            const std::string& path, const Upkeep& upkeep,
                                            std::vector<BlockDamage>& damage) {
  const Visibility visibility(upkeep.deletions.writing(path.substr(path.rfind('/') + 1)),
                              upkeep.retention, upkeep.newest, {});
  BlockOptions block_options;
  block_options.tiles.cold =
      std::ranges::all_of(group, [&](const BlockPtr& block) { return is_old(block, upkeep); });
  for (const BlockPtr& block : group) {
    const uint32_t level = block->meta().level + (group.size() > 1 ? 1 : 0);
    block_options.level = std::max(block_options.level, level);
    block_options.sources.emplace_back(block->name());
  }
  auto writer = TRY(BlockWriter::create(fs_, path, std::move(block_options)));
  MergeStats stats = TRY(merge_blocks(group, *writer, {}, true, &visibility));
  for (const BlockDamage& d : stats.damage) {
    log_error("a damaged tile was left out of a merged block; its block is kept aside",
              {{"error", d.message}, {"samples_lost", d.samples}});
  }
  damage = std::move(stats.damage);
  if (stats.samples == 0) return std::string();
  TRY(writer->finish());
  if (auto added = add(path); !added) {
    // On disk it would stand for its sources at the next start.
    const std::string doomed = path + std::string(kTemporarySuffix);
    if (fs_.rename(path, doomed)) (void)fs_.remove_all(doomed);
    return std::unexpected(std::move(added).error());
  }
  return path;
}

/// Returns the new block's path; empty when nothing is left.
Result<std::string> BlockList::merge(const std::vector<BlockPtr>& group, const Upkeep& upkeep) {
  {
    MutexLock lock(mutex_);
    merging_ = group;
  }
  TimestampMs start = kMaxTime;
  for (const BlockPtr& block : group) start = std::min(start, block->meta().min_time);
  const std::string path = new_path(window_start(start, options_.block_span));
  std::vector<BlockDamage> damage;
  auto merged = write_merged(group, path, upkeep, damage);
  upkeep.deletions.written(path.substr(path.rfind('/') + 1));
  if (merged) {
    for (const BlockPtr& block : group) {
      remove(block, std::ranges::find(damage, block->dir(), &BlockDamage::block) != damage.end());
    }
    log_info(group.size() > 1 ? "blocks were merged" : "a block was written anew",
             {{"blocks", group.size()},
              {"first", group.front()->name()},
              {"into", merged->empty() ? "nothing: no sample is left" : *merged}});
  }
  MutexLock lock(mutex_);
  merging_.clear();
  return merged;
}

Result<bool> BlockList::compact(const Upkeep& upkeep) {
  MutexLock compact_lock(compact_mutex_);
  std::vector<BlockPtr> group = next_merge(upkeep);
  if (group.empty()) {
    if (BlockPtr block = next_rewrite(upkeep)) group.push_back(std::move(block));
  }
  if (group.empty()) return false;
  TRY(merge(group, upkeep));
  return true;
}

Result<size_t> BlockList::clean(const Upkeep& upkeep) {
  MutexLock compact_lock(compact_mutex_);
  size_t cleaned = 0;
  for (const BlockPtr& block : all()) {
    if (!has_deletion(block, upkeep)) continue;
    TRY(merge({block}, upkeep));
    ++cleaned;
  }
  return cleaned;
}

/// Of a block that was kept aside: `name` is NAME.damaged, perhaps with a number behind.
Result<> BlockList::salvage(const std::string& name, const Upkeep& upkeep, RepairReport& report) {
  const std::string path = dir_ + "/" + name;
  const std::string original = name.substr(0, name.find(".damaged"));
  for (const BlockPtr& block : all()) {
    const auto& sources = block->meta().sources;
    // What could be saved was saved before: the block was merged or repaired since.
    if (block->name() == original || std::ranges::find(sources, original) != sources.end()) {
      return {};
    }
  }
  const auto block = BlockReader::open(fs_, path, BlockVerify::kSalvage);
  if (!block) {
    report.blocks.push_back(
        {.block = path, .into = {}, .lost = {}, .error = block.error().message});
    return {};
  }
  const std::string to = new_path(TRY(block_start(**block, options_.block_span)));
  BlockOptions block_options{.level = (*block)->meta().level, .sources = {original}};
  auto writer = TRY(BlockWriter::create(fs_, to, std::move(block_options)));
  upkeep.deletions.writing(to.substr(to.rfind('/') + 1));
  auto written = [&]() -> Result<MergeStats> {
    auto stats = TRY(merge_blocks({&*block, 1}, *writer, {}, true));
    if (stats.samples == 0) return stats;
    TRY(writer->finish());
    TRY(add(to));
    return stats;
  }();
  upkeep.deletions.written(to.substr(to.rfind('/') + 1));
  const MergeStats stats = TRY(std::move(written));
  report.blocks.push_back({.block = path,
                           .into = stats.samples > 0 ? to : std::string(),
                           .samples = stats.samples,
                           .lost = stats.damage,
                           .error = {}});
  return {};
}

Result<RepairReport> BlockList::repair(const Upkeep& upkeep) {
  MutexLock compact_lock(compact_mutex_);
  RepairReport report;
  for (const BlockPtr& block : all()) {
    ++report.checked;
    auto damage = block->damage();
    if (damage.empty()) continue;
    const std::string path = block->dir();
    const std::string into = TRY(merge({block}, upkeep));
    report.blocks.push_back({.block = path, .into = into, .lost = std::move(damage), .error = {}});
    for (const BlockPtr& made : all()) {
      if (made->dir() == into) report.blocks.back().samples = made->meta().samples;
    }
  }
  for (const DirEntry& entry : TRY(fs_.list(dir_))) {
    if (!entry.is_directory || entry.name.find(".damaged") == std::string::npos) continue;
    TRY(salvage(entry.name, upkeep, report));
  }
  return report;
}

}  // namespace strata::tsdb
