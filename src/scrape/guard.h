// The cardinality guard: keeps labels that grow without end (request, user, trace and session ids)
// from filling the store, and says who brought them.
//
// Every series that a target's bodies did not have before passes here on its way to the store;
// lines that are known never do, so a steady target costs nothing. For each label of each metric of
// a job the guard knows which values there were. What a target's first body has is what the target
// is; what comes later is growth. A label *grows without end* when, within one window, one metric
//   - has at least `new_values` values of it that were never seen before,
//   - which came in at least kRounds rounds of scraping, not all at once as with a deployment, and
//   - these values are in at least half of the metric's new series: it is this label that grows.
// From then on a series with another unknown value of it is reported, dropped or folded
// (config::GuardMode); the series that there are go on. After a whole window without an unknown
// value the label is free again.
//
// Labels of the target (instance, pod, …) are discovery's and not watched; nor are le and quantile.
//
// Owned by the Manager; thread-safe. Bounds: kMaxLabels a job, kMaxValues a label, kMaxTracked
// values in all (about 10 bytes each); what is beyond them is not watched, and counted.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "config/guard_config.h"
#include "discover/targets.h"
#include "model/sample.h"
#include "scrape/series_count.h"
#include "strata/metrics.h"

namespace strata::scrape {

/// What is put in the place of a folded label's value.
inline constexpr std::string_view kFoldedValue = "folded";

enum class Verdict : uint8_t {
  kStore,
  kDrop,    // for good: a label's unknown value
  kRefuse,  // for now: the job, or all jobs together, have their number of series
  kFold,    // the labels were changed; its value is to be added to those of the same labels
};

/// A label that grew within the last two windows.
struct LabelGrowth {
  std::string job;
  std::string metric;
  std::string label;
  config::GuardMode mode = config::GuardMode::kReport;
  bool without_end = false;
  TimestampMs since = 0;        // when that was found
  uint64_t values = 0;          // known and new; an estimate when without_end
  uint64_t new_values = 0;      // within the window that is under way and the one before
  double new_a_second = 0;      // likewise
  uint64_t refused_series = 0;  // dropped or folded
  /// Which targets brought the new values, most first; at most kMaxShares.
  std::vector<std::pair<std::string, uint64_t>> targets;
  std::vector<std::string> examples;
};

struct TargetSeries {
  std::string job;
  std::string target;
  uint64_t series = 0;
  uint64_t created = 0;  // since the target was found
  uint64_t ended = 0;
};

struct JobSeries {
  std::string job;
  config::GuardMode mode = config::GuardMode::kReport;
  uint64_t series = 0;      // in the head: live, and ended within about three hours
  uint64_t max_series = 0;  // 0: no limit
  uint64_t created = 0;     // since the job was found
  uint64_t ended = 0;
  uint64_t refused = 0;
};

struct GuardReport {
  TimestampMs now = 0;              // of the newest scrape
  uint64_t series = 0;              // of all jobs, as JobSeries::series
  uint64_t max_series = 0;          // 0: no limit
  uint64_t unwatched_labels = 0;    // for want of room: kMaxLabels
  uint64_t untracked_values = 0;    // likewise: kMaxValues, kMaxTracked
  std::vector<LabelGrowth> labels;  // those without end first, then by new values
  std::vector<JobSeries> jobs;      // by series
  std::vector<TargetSeries> targets;
};

class JobGuard;

/// What all jobs share.
struct GuardTotals {
  mutable Mutex mutex;  // within a JobGuard's
  SeriesCount series GUARDED_BY(mutex);
  std::atomic<uint64_t> max_series = 0;
  std::atomic<uint64_t> tracked_values = 0;
  std::atomic<uint64_t> untracked_values = 0;
};

/// One target's part, owned by its TargetIngest and used by one thread at a time.
class TargetGuard {
 public:
  TargetGuard(std::shared_ptr<JobGuard> job, const discover::Target& target);
  ~TargetGuard();
  TargetGuard(const TargetGuard&) = delete;
  TargetGuard& operator=(const TargetGuard&) = delete;

  /// Before a body is read. False when what was decided before counts no more (the configuration
  /// changed, a label is free again): then every line is to be looked up anew.
  bool begin(TimestampMs t);
  /// For a series that the bodies did not have before; changes `labels` to fold them.
  Verdict admit(LabelsBuilder& labels);
  /// What admit() let in could not be stored after all.
  void take_back();
  /// A body was stored: now the target is known, and what is new from here on is growth.
  void end(size_t created, size_t ended);
  /// `n` of the series that were admitted are remembered no longer: they ended, or all are about
  /// to be admitted anew.
  void forget(size_t n);
  void start_anew();
  /// Samples that were not stored, or added to another, because of earlier verdicts.
  void count(size_t dropped, size_t folded);

  const std::string& name() const { return name_; }
  TargetSeries series() const;

 private:
  friend class JobGuard;
  const std::shared_ptr<JobGuard> job_;
  const std::string name_;
  const Labels labels_;
  std::atomic<TimestampMs> t_ = 0;
  int64_t round_ = 0;  // which interval t_ lies in
  const int64_t interval_ms_;
  bool first_ = true;
  uint64_t generation_ = 0;
  std::atomic<uint64_t> series_ = 0;
  std::atomic<uint64_t> created_ = 0;
  std::atomic<uint64_t> ended_ = 0;
};

class Guard {
 public:
  static constexpr int kRounds = 3;
  static constexpr size_t kMaxLabels = 20'000;
  static constexpr size_t kMaxValues = 50'000;
  static constexpr size_t kMaxTracked = 2'000'000;
  static constexpr size_t kMaxShares = 8;
  static constexpr size_t kMaxExamples = 3;

  explicit Guard(metrics::Registry& registry);
  ~Guard();

  /// Takes effect with each target's next scrape.
  void configure(const config::GuardConfig& config);
  /// Get or create.
  std::shared_ptr<JobGuard> job(const std::string& name);
  void remove_job(const std::string& name);
  /// At most `limit` entries a list.
  GuardReport report(size_t limit) const;

 private:
  struct Metrics;
  std::unique_ptr<Metrics> metrics_;
  /// Shared: a target's part may end a little later than the Guard.
  const std::shared_ptr<GuardTotals> totals_ = std::make_shared<GuardTotals>();
  mutable Mutex mutex_;
  config::GuardConfig config_ GUARDED_BY(mutex_);
  std::map<std::string, std::shared_ptr<JobGuard>> jobs_ GUARDED_BY(mutex_);
  std::vector<metrics::Callback> callbacks_;
};

}  // namespace strata::scrape
