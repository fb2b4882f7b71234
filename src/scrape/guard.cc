#include "scrape/guard.h"

#include <algorithm>

#include "scrape/job_guard.h"

namespace strata::scrape {
namespace {

template <class T>
void keep_most(std::vector<T>& list, size_t limit) {
  std::ranges::stable_sort(list, std::greater<>(), &T::series);
  if (list.size() > limit) list.resize(limit);
}

}  // namespace

struct Guard::Metrics : GuardMetrics {
  using GuardMetrics::GuardMetrics;
};

Guard::Guard(metrics::Registry& registry) : metrics_(std::make_unique<Metrics>(registry)) {
  using ByJob = metrics::Emit<"job">;
  callbacks_.push_back(
      registry.callback_gauge<"job">("strata_guard_labels_without_end",
                                     "Labels that grow without end.", [this](const ByJob& emit) {
                                       MutexLock lock(mutex_);
                                       for (const auto& [name, job] : jobs_) {
                                         emit(static_cast<double>(job->labels_without_end()), name);
                                       }
                                     }));
  callbacks_.push_back(registry.callback_gauge(
      "strata_guard_tracked_values", "Label values that the cardinality guard remembers.",
      [this] { return static_cast<double>(totals_->tracked_values.load()); }));
  callbacks_.push_back(registry.callback_counter(
      "strata_guard_untracked_values_total",
      "Label values that the cardinality guard had no room to remember: their labels may grow.",
      [this] { return static_cast<double>(totals_->untracked_values.load()); }));
}

Guard::~Guard() = default;

void Guard::configure(const config::GuardConfig& config) {
  MutexLock lock(mutex_);
  config_ = config;
  totals_->max_series = config.max_total_series;
  for (const auto& [name, job] : jobs_) job->configure(config.of(name), config.window);
}

std::shared_ptr<JobGuard> Guard::job(const std::string& name) {
  MutexLock lock(mutex_);
  auto& job = jobs_[name];
  if (!job) {
    job = std::make_shared<JobGuard>(name, *metrics_, totals_);
    job->configure(config_.of(name), config_.window);
  }
  return job;
}

void Guard::remove_job(const std::string& name) {
  MutexLock lock(mutex_);
  jobs_.erase(name);
}

GuardReport Guard::report(size_t limit) const {
  GuardReport report;
  MutexLock lock(mutex_);
  for (const auto& [name, job] : jobs_) job->add_to(report);
  report.max_series = totals_->max_series;
  report.untracked_values = totals_->untracked_values;
  {
    MutexLock all(totals_->mutex);
    report.series = totals_->series.at(report.now);
  }
  std::ranges::sort(report.labels, [](const LabelGrowth& a, const LabelGrowth& b) {
    return std::tuple(!a.without_end, b.new_values, a.job, a.metric, a.label) <
           std::tuple(!b.without_end, a.new_values, b.job, b.metric, b.label);
  });
  if (report.labels.size() > limit) report.labels.resize(limit);
  keep_most(report.jobs, limit);
  keep_most(report.targets, limit);
  return report;
}

}  // namespace strata::scrape
