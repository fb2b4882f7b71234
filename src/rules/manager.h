// All groups of the server: when each is due, and that it runs on the work pool.
//
// Groups run beside each other, each group's rules in order. A group's ticks are aligned to its
// interval, shifted by a hash of its name so that not all run at once, as in Prometheus; a tick
// that comes while the group still runs is missed, counted, and not caught up with. Rules stand in
// the ingestion lane, before queries, but at most one worker less than there are (at least one)
// works for rules at a time, and a group that has run for kSlice goes to the end of the line: slow
// rules hold up neither scrapes nor other groups.
//
// Groups that the settings name are evaluated when scrapes end as well (scrape_ended()), at most
// once a kScrapeGap however many targets there are: what a scrape found out is judged at once and
// not at the next tick.
//
// Owned by app/. apply(), end() by one thread at a time; poll() by the timer's thread; views by
// any.
#pragma once
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/gate.h"
#include "base/mutex.h"
#include "base/thread_pool.h"
#include "model/series_source.h"
#include "promql/engine.h"
#include "rules/group.h"
#include "strata/metrics.h"

namespace strata::rules {

struct ManagerDeps {
  const SeriesSource& source;
  const promql::Engine& engine;
  SeriesWriter& writer;
  ThreadPool& work;
  const Clock& clock;
  StateLog* state = nullptr;
  Sink* sink = nullptr;
};

class Manager {
 public:
  static constexpr std::chrono::milliseconds kSlice{20};
  static constexpr std::chrono::milliseconds kScrapeGap{1'000};

  explicit Manager(ManagerDeps deps);
  ~Manager();
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;

  /// These groups from now on. Groups that did not change go on undisturbed; of those that did, the
  /// rules that are still there keep their alerts and series; the series of those that are not
  /// there any more end. Waits for the iterations that run.
  void apply(std::vector<RuleFile> files, RuleSettings settings);

  /// Hands the groups that are due to the pool; returns how long until the next one is.
  std::chrono::nanoseconds poll();

  /// Something was scraped: the groups that wait for that are due, at the latest kScrapeGap from
  /// now. To be followed by poll(). Any thread.
  void scrape_ended();

  /// Returns when every group that was due has been evaluated. For tests and measurements.
  void wait_idle();

  /// Nothing is evaluated any more; waits for what runs. Once.
  void stop();

  /// By file and name.
  std::vector<GroupView> view() const;
  /// As view(), without rules.
  std::vector<GroupView> counters() const;
  std::vector<AlertingRule::Counts> alert_counts() const;  // one an alerting rule

  /// prometheus_rule_* as Prometheus names them, and strata_rule_*; they live as long as the
  /// callbacks, and the Manager longer.
  std::vector<metrics::Callback> register_metrics(metrics::Registry& registry);

 private:
  struct Slot {
    std::unique_ptr<Group> group;
    TimestampMs offset = 0;   // of its ticks within the interval
    TimestampMs next_at = 0;  // the next tick
    bool running = false;
    bool on_scrape = false;    // scrape_ended() makes it due
    bool asked = false;        // it did
    TimestampMs began_at = 0;  // of the last evaluation
  };
  using SlotPtr = std::shared_ptr<Slot>;

  Result<Vector> query(const promql::Expr& expr, const std::string& text, TimestampMs at) const;
  Result<Vector> text_query(std::string_view text, TimestampMs at) const;
  SlotPtr make_slot(const RuleFile& file, const GroupSpec& spec,
                    const std::shared_ptr<const RuleSettings>& settings, SlotPtr old);
  void schedule(Slot& slot, TimestampMs now) REQUIRES(mutex_);
  void begin(const SlotPtr& slot, TimestampMs at) REQUIRES(mutex_);
  TimestampMs poll_tick(const SlotPtr& slot, TimestampMs now) REQUIRES(mutex_);
  TimestampMs poll_asked(const SlotPtr& slot, TimestampMs now) REQUIRES(mutex_);
  void dispatch() REQUIRES(mutex_);
  std::vector<SlotPtr> slots() const;
  void work_on(const SlotPtr& slot);

  const ManagerDeps deps_;
  const GroupDeps group_deps_;
  const size_t max_running_;
  Gate gate_;
  bool stopped_ = false;
  bool restored_ = false;  // the state of the last run was taken over

  mutable Mutex mutex_;
  CondVar idle_;
  std::map<std::string, SlotPtr> slots_ GUARDED_BY(mutex_);  // by file and name
  std::deque<SlotPtr> line_ GUARDED_BY(mutex_);              // began or due, and no worker yet
  size_t running_ GUARDED_BY(mutex_) = 0;                    // tasks on the pool
  bool paused_ GUARDED_BY(mutex_) = false;                   // apply() is at work
};

}  // namespace strata::rules
