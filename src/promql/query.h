// What one running query shares between its operators: the source, its limits, what it allocated,
// and what there is to say about it. Private to the evaluator; lives as long as the query.
#pragma once
#include <atomic>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/mutex.h"
#include "base/thread_pool.h"
#include "model/labels.h"
#include "model/series_source.h"
#include "promql/annotations.h"
#include "promql/ast.h"
#include "promql/engine.h"
#include "promql/row.h"

namespace strata::promql {

/// __name__, and the labels that only describe a metric.
bool is_metadata_label(std::string_view name);
Labels without_metadata(const Labels& labels);

/// A series of an intermediate result. `labels` lives as long as the query.
struct SeriesRef {
  const Labels* labels = nullptr;
  /// The name does not describe the values any more; with delayed name removal it goes at the end.
  bool drop_name = false;
};

/// kExecution.
std::unexpected<Error> execution_error(std::string message);
/// "vector cannot contain metrics with the same labelset".
std::unexpected<Error> same_labelset_error();

class Query {
 public:
  Query(const SeriesSource& query_source, const EngineOptions& engine_options,
        ThreadPool* work_pool, const Clock& query_clock, const QueryTerms& terms);
  ~Query();

  /// Asked between rows: kCanceled, kTimeout.
  Result<> check() const;

  /// Counts values held in memory; kLimit beyond max_samples.
  Result<> charge(size_t samples);
  void release(size_t samples);
  void count_scanned(size_t samples) {
    scanned_.fetch_add(samples, std::memory_order_relaxed);
    if (progress_ != nullptr) {
      progress_->samples_scanned.fetch_add(samples, std::memory_order_relaxed);
    }
  }
  void count_series(size_t series) { selected_.fetch_add(series, std::memory_order_relaxed); }

  /// Keeps `labels` until the query ends. Thread-safe.
  const Labels* keep(Labels labels);
  /// Keeps alive what intermediate labels point into. Thread-safe.
  void keep(std::shared_ptr<const SeriesSet> set);
  /// `series` as an operation leaves it that changes what its values mean.
  SeriesRef drop_name(SeriesRef series);

  /// body(i) for each i < n, in parallel where there is a pool. The first error (by i) is returned.
  Result<> parallel(size_t n, const std::function<Result<>(size_t)>& body);
  bool is_parallel() const { return pool != nullptr; }

  const SeriesSource& source;
  const EngineOptions& options;
  ThreadPool* const pool;
  const Clock& clock;
  const Millis lookback;
  TimestampMs start = 0;  // of the whole query
  TimestampMs end = 0;
  Millis step{0};
  Annotations annotations;
  std::unordered_set<const Expr*> step_invariant;

 private:
  const std::stop_token stop_;
  const std::chrono::nanoseconds deadline_;
  QueryStats* const stats_;
  QueryProgress* const progress_;
  std::atomic<size_t> held_ = 0;
  std::atomic<size_t> peak_ = 0;
  std::atomic<uint64_t> scanned_ = 0;
  std::atomic<uint64_t> selected_ = 0;
  Mutex mutex_;
  std::deque<Labels> labels_ GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<const SeriesSet>> sets_ GUARDED_BY(mutex_);
};

/// A share of the query's memory account, given back when it goes.
class Charge {
 public:
  explicit Charge(Query& query) : query_(query) {}
  ~Charge() { query_.release(samples_); }
  Charge(const Charge&) = delete;
  Charge& operator=(const Charge&) = delete;
  Result<> add(size_t samples) {
    TRY(query_.charge(samples));
    samples_ += samples;
    return {};
  }

 private:
  Query& query_;
  size_t samples_ = 0;
};

}  // namespace strata::promql
