// The blocks on disk, by time, and what happens to them: opened, published, expired, merged.
//
// Thread-safe. Readers take a snapshot; a block that was removed stays readable for those who hold
// it. Bounded by retention.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/fs.h"
#include "base/mutex.h"
#include "base/result.h"
#include "tsdb/block.h"
#include "tsdb/db.h"
#include "tsdb/deletion_log.h"
#include "tsdb/retention.h"

namespace strata::tsdb {

using BlockPtr = std::shared_ptr<BlockReader>;

/// What upkeep has to know of the store: what to leave out, as of now.
struct Upkeep {
  DeletionLog& deletions;
  RetentionPtr retention;
  TimestampMs newest = 0;  // the time of the newest sample
};

class BlockList {
 public:
  BlockList(Fs& fs, std::string dir, const Options& options)
      : fs_(fs), dir_(std::move(dir)), options_(options) {}

  /// Opens what is there; removes unfinished blocks and those that a merge replaced. Those whose
  /// index is damaged are kept aside; `on_damage` is called for each, and for those that are served
  /// but for tiles that `data` is too short for.
  using OnDamage = std::function<void(const BlockDamage& damage, bool kept_aside)>;
  Result<> open(const OnDamage& on_damage);

  std::vector<BlockPtr> overlapping(TimeRange range) const;
  std::vector<BlockPtr> all() const;
  /// For a new block of the window that begins at `start`: a path that does not exist.
  std::string new_path(TimestampMs start);
  /// A directory that was just published becomes visible to readers.
  Result<> add(const std::string& path);

  /// Deletes blocks of which no series is to be kept any longer, and the oldest ones beyond the
  /// size; returns how many.
  size_t expire(const Upkeep& upkeep);
  /// Merges one group of neighbours, or writes one block anew of which something is deleted or
  /// expired, when one is due: true when it did.
  Result<bool> compact(const Upkeep& upkeep);
  /// Writes all blocks anew that a pending deletion concerns; returns how many.
  Result<size_t> clean(const Upkeep& upkeep);
  /// Checks every tile, writes blocks that have damaged ones anew without them, and makes blocks of
  /// what can be saved of those that were kept aside. What was damaged stays as NAME.damaged.
  Result<RepairReport> repair(const Upkeep& upkeep);

 private:
  std::vector<BlockPtr> next_merge(const Upkeep& upkeep) const;
  BlockPtr next_rewrite(const Upkeep& upkeep);
  bool is_old(const BlockPtr& block, const Upkeep& upkeep) const;
  bool has_deletion(const BlockPtr& block, const Upkeep& upkeep) const;
  std::vector<bool> classes_in(const BlockPtr& block, const RetentionPtr& retention);
  Result<std::string> merge(const std::vector<BlockPtr>& group, const Upkeep& upkeep)
      REQUIRES(compact_mutex_);
  Result<> salvage(const std::string& name, const Upkeep& upkeep, RepairReport& report)
      REQUIRES(compact_mutex_);
  Result<std::string> write_merged(const std::vector<BlockPtr>& group, const std::string& path,
                                   const Upkeep& upkeep, std::vector<BlockDamage>& damage);
  void remove(const BlockPtr& block, bool keep_aside_damaged = false);
  void insert(BlockPtr block) REQUIRES(mutex_);

  Fs& fs_;
  const std::string dir_;
  const Options& options_;
  Mutex compact_mutex_;  // one merge at a time; expire() leaves its inputs alone

  mutable Mutex mutex_;
  std::vector<BlockPtr> blocks_ GUARDED_BY(mutex_);  // by first sample, then name
  uint64_t sequence_ GUARDED_BY(mutex_) = 0;
  std::vector<BlockPtr> merging_ GUARDED_BY(mutex_);

  // Which classes of retention blocks have series of, by name: found once.
  Mutex classes_mutex_;
  RetentionPtr classes_retention_ GUARDED_BY(classes_mutex_);
  std::map<std::string, std::vector<bool>, std::less<>> classes_ GUARDED_BY(classes_mutex_);
};

uint64_t block_bytes(const BlockMeta& meta);

}  // namespace strata::tsdb
