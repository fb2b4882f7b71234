#include "scrape/job_guard.h"

#include <algorithm>

#include "base/log.h"

namespace strata::scrape {
namespace {

// A histogram's or summary's series count as one metric.
std::string_view family_of(std::string_view metric) {
  for (const std::string_view suffix : {"_bucket", "_count", "_sum"}) {
    if (metric.ends_with(suffix)) return metric.substr(0, metric.size() - suffix.size());
  }
  return metric;
}

std::pair<std::string_view, std::string_view> split(std::string_view key) {
  const size_t nul = key.find('\0');
  return {key.substr(0, nul), key.substr(nul + 1)};
}

}  // namespace

GuardMetrics::GuardMetrics(metrics::Registry& registry)
    : series_refused(registry.counter<"job", "reason">(
          "strata_guard_series_refused_total",
          "New series that the cardinality guard did not let in as they were.")),
      samples_dropped(registry.counter<"job">(
          "strata_guard_samples_dropped_total",
          "Samples not stored because a label of theirs grows without end.")),
      samples_folded(registry.counter<"job">(
          "strata_guard_samples_folded_total",
          "Samples added to a folded series because a label of theirs grows without end.")) {}

JobGuard::JobGuard(std::string name, const GuardMetrics& metrics,
                   std::shared_ptr<GuardTotals> totals)
    : name_(std::move(name)),
      totals_(std::move(totals)),
      dropped_series_(metrics.series_refused.with(name_, "label_dropped")),
      folded_series_(metrics.series_refused.with(name_, "label_folded")),
      job_full_(metrics.series_refused.with(name_, "job_max_series")),
      all_full_(metrics.series_refused.with(name_, "max_total_series")),
      samples_dropped_(metrics.samples_dropped.with(name_)),
      samples_folded_(metrics.samples_folded.with(name_)) {}

JobGuard::~JobGuard() {
  MutexLock lock(mutex_);
  totals_->tracked_values -= tracked_;
}

void JobGuard::configure(const config::GuardRules& rules, Millis window) {
  MutexLock lock(mutex_);
  rules_ = rules;
  window_ms_ = window.count();
  ++generation_;
}

void JobGuard::enter(TargetGuard* target) {
  MutexLock lock(mutex_);
  targets_.insert(target);
}

void JobGuard::leave(TargetGuard* target) {
  forget(target->series_, target->t_);
  MutexLock lock(mutex_);
  created_of_gone_ += target->created_;
  ended_of_gone_ += target->ended_ + target->series_;
  targets_.erase(target);
}

uint64_t JobGuard::begin(TimestampMs t) {
  MutexLock lock(mutex_);
  if (t < next_settle_) return generation_;
  next_settle_ = t + window_ms_ / 8;
  bool freed = false;
  for (auto& [key, watch] : labels_) {
    if (!watch.settle(t, window_ms_)) continue;
    freed = true;
    const auto [metric, label] = split(key);
    log_info("a label no longer grows", {{"job", name_}, {"metric", metric}, {"label", label}});
  }
  if (freed) ++generation_;
  return generation_;
}

bool JobGuard::is_exempt(std::string_view label, const Labels& target) const {
  if (label == kMetricName || label == "le" || label == "quantile") return true;
  if (std::ranges::find(rules_.exempt_labels, label) != rules_.exempt_labels.end()) return true;
  return target.has(label);
}

// Null when there is no room to watch one more.
LabelWatch* JobGuard::watch(std::string_view metric, std::string_view label) {
  key_.assign(metric).append(1, '\0').append(label);
  const auto found = labels_.find(key_);
  if (found != labels_.end()) return &found->second;
  if (labels_.size() >= Guard::kMaxLabels) {
    ++unwatched_labels_;
    return nullptr;
  }
  return &labels_.emplace(key_, LabelWatch()).first->second;
}

void JobGuard::log_growth(std::string_view metric, std::string_view label,
                          const LabelWatch& watch) const {
  const auto& rise = *watch.rise();
  log_warn("a label grows without end", {{"job", name_},
                                         {"metric", metric},
                                         {"label", label},
                                         {"mode", config::to_string(rules_.mode)},
                                         {"target", rise.targets.front().first},
                                         {"example", rise.examples.front()}});
}

Verdict JobGuard::admit(const TargetGuard& target, LabelsBuilder& labels) {
  MutexLock lock(mutex_);
  std::vector<std::string> strays;
  if (rules_.mode != config::GuardMode::kOff) {
    const auto metric = family_of(labels.get(kMetricName));
    for (const auto& [label, value] : labels.labels()) {
      if (!is_exempt(label, target.labels_)) look(target, metric, label, value, strays);
    }
    if (rules_.mode == config::GuardMode::kReport) strays.clear();
    for (const auto& label : strays) ++watch(metric, label)->rise()->refused;
  }
  if (!strays.empty()) {
    // A sum of quantiles says nothing.
    const bool fold = rules_.mode == config::GuardMode::kFold && labels.get("quantile").empty();
    (fold ? folded_series_ : dropped_series_).inc();
    if (!fold) return Verdict::kDrop;
    for (const auto& label : strays) labels.set(label, kFoldedValue);
    return Verdict::kFold;
  }
  if (const auto room = budget(target.t_); room != Budget::kRoom) return refuse(room);
  series_.add();
  MutexLock all(totals_->mutex);
  totals_->series.add();
  return Verdict::kStore;
}

// One label of a new series; one whose value is a stray joins `strays`.
void JobGuard::look(const TargetGuard& target, std::string_view metric, std::string_view label,
                    std::string_view value, std::vector<std::string>& strays) {
  LabelWatch* watched = watch(metric, label);
  if (watched == nullptr) return;
  const size_t remembered = watched->remembered();
  const uint64_t untracked = watched->untracked();
  const uint64_t tracked = totals_->tracked_values;
  const size_t room = tracked < Guard::kMaxTracked ? Guard::kMaxTracked - tracked : 0;
  if (target.first_) {
    watched->learn(value, room);
  } else {
    const auto without_end = [&] { return watched->rise() && watched->rise()->without_end; };
    const bool before = without_end();
    const auto outcome = watched->arrive({value, target.name_, target.t_, target.round_},
                                         {rules_.new_values, window_ms_, room});
    if (outcome == LabelWatch::Outcome::kStray) strays.emplace_back(label);
    if (!before && without_end()) log_growth(metric, label, *watched);
  }
  const size_t added = watched->remembered() - std::min(remembered, watched->remembered());
  tracked_ += added;
  totals_->tracked_values += added;
  totals_->untracked_values += watched->untracked() - untracked;
}

Verdict JobGuard::refuse(Budget budget) {
  (budget == Budget::kJobFull ? job_full_ : all_full_).inc();
  return Verdict::kRefuse;
}

JobGuard::Budget JobGuard::budget(TimestampMs t) const {
  if (rules_.max_series > 0 && series_.at(t) >= rules_.max_series) return Budget::kJobFull;
  const uint64_t all = totals_->max_series;
  if (all == 0) return Budget::kRoom;
  MutexLock lock(totals_->mutex);
  return totals_->series.at(t) >= all ? Budget::kAllFull : Budget::kRoom;
}

void JobGuard::take_back(size_t n) {
  MutexLock lock(mutex_);
  series_.take_back(n);
  MutexLock all(totals_->mutex);
  totals_->series.take_back(n);
}

void JobGuard::forget(size_t n, TimestampMs t) {
  MutexLock lock(mutex_);
  series_.end(n, t);
  MutexLock all(totals_->mutex);
  totals_->series.end(n, t);
}

uint64_t JobGuard::labels_without_end() const {
  MutexLock lock(mutex_);
  return static_cast<uint64_t>(std::ranges::count_if(labels_, [](const auto& entry) {
    const auto* rise = entry.second.rise();
    return rise != nullptr && rise->without_end;
  }));
}

void JobGuard::add_to(GuardReport& report) const {
  MutexLock lock(mutex_);
  TimestampMs now = 0;
  JobSeries job{.job = name_, .mode = rules_.mode, .max_series = rules_.max_series};
  job.created = created_of_gone_;
  job.ended = ended_of_gone_;
  for (const auto* target : targets_) {
    const auto& one = report.targets.emplace_back(target->series());
    job.created += one.created;
    job.ended += one.ended;
    now = std::max<TimestampMs>(now, target->t_);
  }
  job.series = series_.at(now);
  for (const auto* counter : {&dropped_series_, &folded_series_, &job_full_, &all_full_}) {
    job.refused += counter->value();
  }
  report.now = std::max(report.now, now);
  report.jobs.push_back(std::move(job));
  report.unwatched_labels += unwatched_labels_;
  add_growth(report, now);
}

void JobGuard::add_growth(GuardReport& report, TimestampMs now) const {
  for (const auto& [key, watch] : labels_) {
    const auto* rise = watch.rise();
    if (rise == nullptr) continue;
    const auto [metric, label] = split(key);
    LabelGrowth growth{.job = name_,
                       .metric = std::string(metric),
                       .label = std::string(label),
                       .mode = rules_.mode,
                       .without_end = rise->without_end,
                       .since = rise->since,
                       .values = watch.values(),
                       .refused_series = rise->refused,
                       .targets = rise->targets,
                       .examples = rise->examples};
    growth.new_values = rise->lately();
    const int64_t before = rise->new_values_before > 0 ? window_ms_ : 0;
    const auto span = std::max<int64_t>(1'000, now - rise->window_began + before);
    growth.new_a_second = static_cast<double>(growth.new_values) * 1000 / static_cast<double>(span);
    report.labels.push_back(std::move(growth));
  }
}

TargetGuard::TargetGuard(std::shared_ptr<JobGuard> job, const discover::Target& target)
    : job_(std::move(job)),
      name_(target.url),
      labels_(target.labels),
      interval_ms_(std::max<int64_t>(1, target.interval.count())) {
  job_->enter(this);
}

TargetGuard::~TargetGuard() { job_->leave(this); }

bool TargetGuard::begin(TimestampMs t) {
  t_ = t;
  round_ = t / interval_ms_;
  const uint64_t generation = job_->begin(t);
  const bool same = generation_ == 0 || generation == generation_;
  generation_ = generation;
  return same;
}

Verdict TargetGuard::admit(LabelsBuilder& labels) {
  const auto verdict = job_->admit(*this, labels);
  if (verdict == Verdict::kStore) ++series_;
  return verdict;
}

void TargetGuard::take_back() {
  --series_;
  job_->take_back(1);
}

void TargetGuard::start_anew() {
  job_->take_back(series_);
  series_ = 0;
}

void TargetGuard::end(size_t created, size_t ended) {
  first_ = false;
  created_ += created;
  ended_ += ended;
}

void TargetGuard::forget(size_t n) {
  series_ -= n;
  job_->forget(n, t_);
}

void TargetGuard::count(size_t dropped, size_t folded) {
  if (dropped > 0) job_->samples_dropped_.inc(dropped);
  if (folded > 0) job_->samples_folded_.inc(folded);
}

TargetSeries TargetGuard::series() const {
  return {job_->name(), name_, series_, created_, ended_};
}

}  // namespace strata::scrape
