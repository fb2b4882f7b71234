// The scrape targets that the head knows.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "tsdb/series_log.h"
#include "tsdb/target_head.h"

namespace strata::tsdb {

/// Thread-safe. A TargetHead lives as long as this, so that handles stay good.
class Targets {
 public:
  /// Get or create; a new one is noted in the log.
  TargetId get_or_create(std::string_view key, SeriesLog& log);
  /// Recovery: the target as the log has it. The first of two with one id or key stays.
  TargetHead& restore(TargetId id, std::string_view key);
  /// Null when there is no such target.
  TargetHead* find(TargetId id) const;
  /// All of them, by id.
  std::vector<TargetHead*> all() const;
  size_t size() const;

 private:
  mutable SharedMutex mutex_;
  std::vector<std::unique_ptr<TargetHead>> heads_ GUARDED_BY(mutex_);  // null: a hole in the log
  std::unordered_map<std::string, TargetId> ids_ GUARDED_BY(mutex_);
};

}  // namespace strata::tsdb
