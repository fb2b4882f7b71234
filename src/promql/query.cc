#include "promql/query.h"

#include <algorithm>
#include <optional>

namespace strata::promql {

bool is_metadata_label(std::string_view name) {
  return name == kMetricName || name == "__type__" || name == "__unit__";
}

Labels without_metadata(const Labels& labels) {
  std::vector<Label> kept;
  for (const Label& label : labels) {
    if (!is_metadata_label(label.name)) kept.push_back(label);
  }
  return Labels::from_sorted(kept);
}

std::unexpected<Error> execution_error(std::string message) {
  return fail(ErrorCode::kExecution, std::move(message));
}

std::unexpected<Error> same_labelset_error() {
  return execution_error("vector cannot contain metrics with the same labelset");
}

Query::Query(const SeriesSource& query_source, const EngineOptions& engine_options,
             ThreadPool* work_pool, const Clock& query_clock, const QueryTerms& terms)
    : source(query_source),
      options(engine_options),
      pool(work_pool),
      clock(query_clock),
      lookback(terms.lookback.value_or(engine_options.lookback)),
      stop_(terms.stop),
      deadline_(query_clock.steady() +
                std::min(terms.timeout.value_or(engine_options.timeout), engine_options.timeout)),
      stats_(terms.stats),
      progress_(terms.progress) {}

Query::~Query() {
  if (stats_ == nullptr) return;
  stats_->series_selected = selected_;
  stats_->samples_scanned = scanned_;
  stats_->peak_samples = peak_;
}

Result<> Query::check() const {
  if (stop_.stop_requested()) {
    return fail(ErrorCode::kCanceled, "query was canceled in expression evaluation");
  }
  if (clock.steady() > deadline_) {
    return fail(ErrorCode::kTimeout, "query timed out in expression evaluation");
  }
  return {};
}

Result<> Query::charge(size_t samples) {
  const size_t held = held_.fetch_add(samples, std::memory_order_relaxed) + samples;
  if (held > options.max_samples) {
    held_.fetch_sub(samples, std::memory_order_relaxed);
    return fail(ErrorCode::kLimit,
                "query processing would load too many samples into memory in query execution");
  }
  size_t peak = peak_.load(std::memory_order_relaxed);
  while (held > peak && !peak_.compare_exchange_weak(peak, held, std::memory_order_relaxed)) {
  }
  return {};
}

void Query::release(size_t samples) { held_.fetch_sub(samples, std::memory_order_relaxed); }

const Labels* Query::keep(Labels labels) {
  MutexLock lock(mutex_);
  return &labels_.emplace_back(std::move(labels));
}

void Query::keep(std::shared_ptr<const SeriesSet> set) {
  MutexLock lock(mutex_);
  sets_.push_back(std::move(set));
}

SeriesRef Query::drop_name(SeriesRef series) {
  if (options.delayed_name_removal) return {series.labels, true};
  const bool has_metadata = std::ranges::any_of(
      *series.labels, [](const Label& label) { return is_metadata_label(label.name); });
  if (!has_metadata) return {series.labels, true};
  return {keep(without_metadata(*series.labels)), true};
}

Result<> Query::parallel(size_t n, const std::function<Result<>(size_t)>& body) {
  if (pool == nullptr || n < 2) {
    for (size_t i = 0; i < n; ++i) TRY(body(i));
    return {};
  }
  Mutex mutex;
  size_t failed_at = n;
  std::optional<Error> error;
  std::atomic<bool> failed = false;
  pool->parallel_for(Lane::kQuery, n, [&](size_t i) {
    if (failed.load(std::memory_order_relaxed)) return;
    auto result = body(i);
    if (result) return;
    MutexLock lock(mutex);
    failed = true;
    if (i < failed_at) failed_at = i, error = std::move(result).error();
  });
  if (error) return std::unexpected(*std::move(error));
  return {};
}

}  // namespace strata::promql
