// Deletions that are asked for and not yet carried out: what Prometheus calls tombstones.
//
// A deletion hides samples of the series that its matchers select, in its range of time, from every
// read at once; the blocks that have them are written anew by and by, and then it is forgotten. It
// names the places it concerns (the head, blocks), so that what is appended or imported later is
// not hidden by it.
//
// The file `tombstones` (docs/formats/tombstones.md) holds them all and is replaced whole, synced,
// before a deletion is acknowledged. Thread-safe. Bounded: kMaxDeletions, one more is kLimit.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/fs.h"
#include "base/mutex.h"
#include "base/result.h"
#include "model/matcher.h"
#include "model/sample.h"
#include "tsdb/frame.h"

namespace strata::tsdb {

struct Deletion {
  std::vector<Matcher> matchers;
  TimeRange range;
  TimestampMs asked_at = 0;
  bool in_head = false;
  std::vector<std::string> blocks;  // names of the directories

  bool concerns(std::string_view block) const;
  bool selects(const Labels& labels) const;
};
std::string encode_deletion(const Deletion& deletion);
/// Error: kCorruption, or kBadData for a newer version.
Result<Deletion> decode_deletion(std::string_view payload);

using Deletions = std::vector<Deletion>;
using DeletionsPtr = std::shared_ptr<const Deletions>;

class DeletionLog {
 public:
  static constexpr size_t kMaxDeletions = 1000;

  /// A damaged file is kept aside, and what is whole of it is used; `on_damage` is called for each
  /// damage. Error: kIo, or kBadData for a file of a newer version.
  static Result<std::unique_ptr<DeletionLog>> open(
      Fs& fs, std::string dir, const std::function<void(const FrameDamage&)>& on_damage);

  DeletionsPtr pending() const;
  /// Durable when it returns; concerns the blocks that are being written, too.
  Result<> add(Deletion deletion);

  /// A block is about to be made from others, with what is pending now (returned) left out:
  /// deletions that come later concern it. Until written().
  DeletionsPtr writing(const std::string& block);
  /// The same for one made from the head, with nothing left out: all that concerns the head
  /// concerns the block. Durable when it returns.
  Result<> writing_from_head(const std::string& block);
  void written(const std::string& block);

  /// Forgets what is carried out: places that are gone, and the head when its samples begin after
  /// the deletion's range. Returns how many deletions are done.
  Result<size_t> forget(const std::function<bool(const std::string&)>& block_exists,
                        TimestampMs head_min);

 private:
  DeletionLog(Fs& fs, std::string dir) : fs_(fs), dir_(std::move(dir)) {}
  Result<> save(Deletions deletions) REQUIRES(mutex_);

  Fs& fs_;
  const std::string dir_;
  mutable Mutex mutex_;
  DeletionsPtr pending_ GUARDED_BY(mutex_) = std::make_shared<const Deletions>();
  std::set<std::string> writing_ GUARDED_BY(mutex_);
};

}  // namespace strata::tsdb
