// The blocks on disk, by time, and what happens to them: opened, published, expired, merged.
//
// Thread-safe. Readers take a snapshot; a block that was removed stays readable for those who hold
// it. Bounded by retention.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/fs.h"
#include "base/mutex.h"
#include "base/result.h"
#include "tsdb/block.h"
#include "tsdb/db.h"

namespace strata::tsdb {

using BlockPtr = std::shared_ptr<BlockReader>;

class BlockList {
 public:
  BlockList(Fs& fs, std::string dir, const Options& options)
      : fs_(fs), dir_(std::move(dir)), options_(options) {}

  /// Opens what is there; removes unfinished blocks and those that a merge replaced. Damaged ones
  /// are kept aside; `on_damage` is called for each with what is lost.
  Result<> open(const std::function<void(const std::string& path, const Error& error)>& on_damage);

  std::vector<BlockPtr> overlapping(TimeRange range) const;
  std::vector<BlockPtr> all() const;
  /// For a new block of the window that begins at `start`: a path that does not exist.
  std::string new_path(TimestampMs start);
  /// A directory that was just published becomes visible to readers.
  Result<> add(const std::string& path);

  /// Deletes blocks by age (against `newest`, the time of the newest sample) and by size; returns
  /// how many.
  size_t expire(TimestampMs newest);
  /// Merges one group of neighbours, when some are due: true when it did.
  Result<bool> compact();

 private:
  std::vector<BlockPtr> next_merge() const;
  void remove(const BlockPtr& block);
  void insert(BlockPtr block) REQUIRES(mutex_);

  Fs& fs_;
  const std::string dir_;
  const Options& options_;
  Mutex compact_mutex_;  // one merge at a time; expire() leaves its inputs alone

  mutable Mutex mutex_;
  std::vector<BlockPtr> blocks_ GUARDED_BY(mutex_);  // by first sample, then name
  uint64_t sequence_ GUARDED_BY(mutex_) = 0;
  std::vector<BlockPtr> merging_ GUARDED_BY(mutex_);
};

uint64_t block_bytes(const BlockMeta& meta);

}  // namespace strata::tsdb
