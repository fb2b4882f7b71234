#include "promql/query.h"

#include <algorithm>
#include <optional>

#include "promql/profile.h"

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

Held held_rows(size_t rows, size_t values) {
  constexpr size_t kPerRow = sizeof(SeriesRef) + sizeof(std::vector<HistogramPtr>);
  return {values, values * sizeof(double) + rows * kPerRow};
}

size_t memory_of(const Labels& labels) { return sizeof(Labels) + labels.bytes().size(); }

size_t memory_of(std::span<const HistogramPtr> row) {
  size_t bytes = row.size_bytes();
  const FloatHistogram* last = nullptr;
  for (const HistogramPtr& h : row) {
    if (!h || h.get() == last) continue;
    last = h.get();
    bytes += sizeof(FloatHistogram) +
             (h->positive_spans.size() + h->negative_spans.size()) * sizeof(BucketSpan) +
             (h->positive_buckets.size() + h->negative_buckets.size() + h->custom_values.size()) *
                 sizeof(double);
  }
  return bytes;
}

Query::Query(const SeriesSource& query_source, const EngineOptions& engine_options,
             Millis default_subquery_step, ThreadPool* work_pool, const Clock& query_clock,
             const QueryTerms& terms)
    : source(query_source),
      options(engine_options),
      pool(terms.nodes == nullptr ? work_pool : nullptr),
      clock(query_clock),
      lookback(terms.lookback.value_or(engine_options.lookback)),
      subquery_step(default_subquery_step),
      stop_(terms.stop),
      deadline_(query_clock.steady() +
                std::min(terms.timeout.value_or(engine_options.timeout), engine_options.timeout)),
      stats_(terms.stats),
      progress_(terms.progress) {}

Query::~Query() {
  evaluated.clear();  // on the account, which goes before it would
  if (stats_ == nullptr) return;
  stats_->series_selected = selected_;
  stats_->samples_scanned = scanned_;
  stats_->peak_samples = samples_.peak;
  stats_->peak_bytes = bytes_.peak;
  stats_->steps_cached = steps_cached;
  stats_->samples_by_step = std::move(by_step_);
}

void Query::begin_steps(const Steps& steps) {
  own_steps_ = steps;
  if (wants_steps()) by_step_.assign(steps.count, 0);
}

Result<> Query::check() const {
  if (stop_.stop_requested()) {
    return fail(ErrorCode::kCanceled, "query was canceled in expression evaluation");
  }
  if (clock.steady() > deadline_) {
    return fail(ErrorCode::kTimeout, "query timed out in expression evaluation");
  }
  return room_for(0);
}

size_t Query::Account::add(size_t n) {
  const size_t now = held.fetch_add(n, std::memory_order_relaxed) + n;
  size_t most = peak.load(std::memory_order_relaxed);
  while (now > most && !peak.compare_exchange_weak(most, now, std::memory_order_relaxed)) {
  }
  return now;
}

std::unexpected<Error> Query::out_of_memory() const {
  return fail(ErrorCode::kLimit,
              fmt::format("the query would hold more than {} MiB in memory, the limit "
                          "(--query.max-memory): ask for fewer series, a shorter range or a longer "
                          "step",
                          options.max_memory >> 20));
}

Result<> Query::charge(Held held) {
  if (bytes_.add(held.bytes) > options.max_memory) {
    bytes_.held.fetch_sub(held.bytes, std::memory_order_relaxed);
    return out_of_memory();
  }
  if (samples_.add(held.samples) > options.max_samples) {
    release(held);
    return fail(ErrorCode::kLimit,
                "query processing would load too many samples into memory in query execution");
  }
  return {};
}

void Query::release(Held held) {
  samples_.held.fetch_sub(held.samples, std::memory_order_relaxed);
  bytes_.held.fetch_sub(held.bytes, std::memory_order_relaxed);
}

Result<> Query::room_for(size_t bytes) const {
  if (bytes_.held.load(std::memory_order_relaxed) + bytes > options.max_memory) {
    return out_of_memory();
  }
  return {};
}

const Labels* Query::keep(Labels labels) {
  bytes_.add(memory_of(labels));  // too much is said by the next check()
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
