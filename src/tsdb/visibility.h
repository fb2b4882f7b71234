// What readers and merges must leave out: samples that were deleted, and those beyond their
// retention. A value that holds as of one moment; thread-safe.
#pragma once
#include <optional>
#include <string_view>
#include <vector>

#include "model/labels.h"
#include "tsdb/deletion_log.h"
#include "tsdb/intervals.h"
#include "tsdb/retention.h"

namespace strata::tsdb {

class Visibility {
 public:
  /// Of samples in `range`. `newest` is the time that retention is counted back from.
  Visibility(DeletionsPtr deletions, RetentionPtr retention, TimestampMs newest, TimeRange range);
  Visibility(const Visibility&) = delete;  // it points into what it holds
  Visibility& operator=(const Visibility&) = delete;

  /// Nothing at all is hidden.
  bool complete() const { return concerned_.empty() && !by_retention_; }

  /// What one series has to do with it, found once for all the places that it is in.
  class Series {
   public:
    /// False for nearly all series.
    bool hides_anything() const { return !deletions_.empty() || cutoff_ != kMinTime; }
    bool is_deleted() const { return !deletions_.empty(); }
    Intervals in_head() const;
    Intervals in_block(std::string_view block) const;

   private:
    friend class Visibility;
    Intervals intervals(const std::vector<const Deletion*>& deletions) const;
    std::vector<const Deletion*> deletions_;
    TimestampMs cutoff_ = kMinTime;
  };
  Series of(const Labels& labels) const;

 private:
  DeletionsPtr deletions_;
  RetentionPtr retention_;
  std::vector<const Deletion*> concerned_;  // that overlap the range
  std::vector<TimestampMs> cutoffs_;        // by class
  bool by_retention_ = false;
};

}  // namespace strata::tsdb
