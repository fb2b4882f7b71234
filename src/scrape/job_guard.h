// One job's part of the Guard: the labels of its metrics, and the number of its series. Shared by
// its targets' TargetGuards; thread-safe. Private to guard.cc and its tests.
#pragma once
#include <boost/unordered/unordered_flat_map.hpp>
#include <set>

#include "scrape/guard.h"
#include "scrape/label_watch.h"

namespace strata::scrape {

/// The guard's own series, by job.
struct GuardMetrics {
  explicit GuardMetrics(metrics::Registry& registry);
  metrics::Family<metrics::Counter, "job", "reason">& series_refused;
  metrics::Family<metrics::Counter, "job">& samples_dropped;
  metrics::Family<metrics::Counter, "job">& samples_folded;
};

class JobGuard {
 public:
  JobGuard(std::string name, const GuardMetrics& metrics, std::shared_ptr<GuardTotals> totals);
  ~JobGuard();

  void configure(const config::GuardRules& rules, Millis window);
  void add_to(GuardReport& report) const;
  const std::string& name() const { return name_; }
  uint64_t labels_without_end() const;

 private:
  friend class TargetGuard;
  enum class Budget : uint8_t { kRoom, kJobFull, kAllFull };

  void enter(TargetGuard* target);
  void leave(TargetGuard* target);
  uint64_t begin(TimestampMs t);  // the generation
  Verdict admit(const TargetGuard& target, LabelsBuilder& labels);
  void take_back(size_t n);
  void forget(size_t n, TimestampMs t);

  LabelWatch* watch(std::string_view metric, std::string_view label) REQUIRES(mutex_);
  bool is_exempt(std::string_view label, const Labels& target) const REQUIRES(mutex_);
  void look(const TargetGuard& target, std::string_view metric, std::string_view label,
            std::string_view value, std::vector<std::string>& strays) REQUIRES(mutex_);
  void log_growth(std::string_view metric, std::string_view label, const LabelWatch& watch) const
      REQUIRES(mutex_);
  Verdict refuse(Budget budget) REQUIRES(mutex_);
  Budget budget(TimestampMs t) const REQUIRES(mutex_);
  void add_growth(GuardReport& report, TimestampMs now) const REQUIRES(mutex_);

  const std::string name_;
  const std::shared_ptr<GuardTotals> totals_;
  metrics::Counter& dropped_series_;
  metrics::Counter& folded_series_;
  metrics::Counter& job_full_;
  metrics::Counter& all_full_;
  metrics::Counter& samples_dropped_;
  metrics::Counter& samples_folded_;

  mutable Mutex mutex_;
  config::GuardRules rules_ GUARDED_BY(mutex_);
  int64_t window_ms_ GUARDED_BY(mutex_) = 0;
  /// By metric (of a histogram without _bucket, _sum, _count), a NUL, and label.
  boost::unordered_flat_map<std::string, LabelWatch> labels_ GUARDED_BY(mutex_);
  std::string key_ GUARDED_BY(mutex_);  // scratch
  uint64_t generation_ GUARDED_BY(mutex_) = 1;
  TimestampMs next_settle_ GUARDED_BY(mutex_) = 0;
  uint64_t unwatched_labels_ GUARDED_BY(mutex_) = 0;
  uint64_t tracked_ GUARDED_BY(mutex_) = 0;  // our part of GuardTotals::tracked_values

  SeriesCount series_ GUARDED_BY(mutex_);
  uint64_t created_of_gone_ GUARDED_BY(mutex_) = 0;
  uint64_t ended_of_gone_ GUARDED_BY(mutex_) = 0;
  std::set<const TargetGuard*> targets_ GUARDED_BY(mutex_);
};

}  // namespace strata::scrape
