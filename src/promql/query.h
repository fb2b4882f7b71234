// What one running query shares between its operators: the source, its limits, what it allocated,
// and what there is to say about it. Private to the evaluator; lives as long as the query.
#pragma once
#include <atomic>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
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

class Frame;
class Profile;

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

/// What something held in memory comes to, on the two accounts of a query.
struct Held {
  size_t samples = 0;
  size_t bytes = 0;
};
/// `values` floats, and what there is a row besides.
Held held_rows(size_t rows, size_t values);
/// What they take in memory. Of histograms in a row that are the same one, it is counted once.
size_t memory_of(const Labels& labels);
size_t memory_of(std::span<const HistogramPtr> row);

class Query {
 public:
  Query(const SeriesSource& query_source, const EngineOptions& engine_options,
        Millis default_subquery_step, ThreadPool* work_pool, const Clock& query_clock,
        const QueryTerms& terms);
  ~Query();

  /// Asked between rows: kCanceled, kTimeout, and kLimit when what was kept does not fit.
  Result<> check() const;

  /// Counts what is held in memory; kLimit beyond max_samples and max_memory.
  Result<> charge(Held held);
  void release(Held held);
  /// Whether so much more would fit: for what is held only for a moment.
  Result<> room_for(size_t bytes) const;
  void count_scanned(size_t samples) {
    scanned_.fetch_add(samples, std::memory_order_relaxed);
    if (progress_ != nullptr) {
      progress_->samples_scanned.fetch_add(samples, std::memory_order_relaxed);
    }
  }
  /// Counts for the statistics by step what the windows of a slice hold: samples(w) of window w.
  /// What is evaluated at other `steps` than the query's own, as in a subquery, counts for its
  /// last.
  template <class Samples>
  void count_steps(const Steps& steps, size_t first, size_t n, Samples samples) {
    if (by_step_.empty()) return;
    const bool own = steps == own_steps_;
    MutexLock lock(mutex_);
    for (size_t w = 0; w < n; ++w) by_step_[own ? first + w : by_step_.size() - 1] += samples(w);
  }
  /// Begins that, when it was asked for.
  void begin_steps(const Steps& steps);
  bool wants_steps() const { return stats_ != nullptr && stats_->count_steps; }
  uint64_t scanned() const { return scanned_.load(std::memory_order_relaxed); }
  size_t bytes_held() const { return bytes_.held.load(std::memory_order_relaxed); }
  void count_series(size_t series) { selected_.fetch_add(series, std::memory_order_relaxed); }

  /// Keeps `labels` until the query ends, on its account. Thread-safe.
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
  const Millis subquery_step;  // of subqueries that name none
  TimestampMs start = 0;       // of the whole query
  TimestampMs end = 0;
  Millis step{0};
  uint64_t steps_cached = 0;
  Annotations annotations;
  std::unique_ptr<Profile> profile;  // null: not asked for
  std::unordered_set<const Expr*> step_invariant;
  /// What the query asks for more than once, by a number that equal expressions share; and the
  /// rows of those that were evaluated. Of the query's own thread (repeated.cc).
  std::unordered_map<const Expr*, uint32_t> repeated;
  std::map<std::pair<uint32_t, Steps>, std::shared_ptr<const Frame>> evaluated;

 private:
  const std::stop_token stop_;
  const std::chrono::nanoseconds deadline_;
  QueryStats* const stats_;
  QueryProgress* const progress_;
  /// One account, and the most that was ever on it.
  struct Account {
    std::atomic<size_t> held = 0;
    std::atomic<size_t> peak = 0;
    size_t add(size_t n);
  };
  std::unexpected<Error> out_of_memory() const;

  Account samples_;
  Account bytes_;
  std::atomic<uint64_t> scanned_ = 0;
  std::atomic<uint64_t> selected_ = 0;
  Mutex mutex_;
  Steps own_steps_;
  std::vector<uint64_t> by_step_;  // its size is fixed when operators are made
  std::deque<Labels> labels_ GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<const SeriesSet>> sets_ GUARDED_BY(mutex_);
};

/// A share of the query's memory accounts, given back when it goes.
class Charge {
 public:
  explicit Charge(Query& query) : query_(query) {}
  ~Charge() { query_.release({samples_, bytes_}); }
  Charge(const Charge&) = delete;
  Charge& operator=(const Charge&) = delete;
  /// Thread-safe.
  Result<> add(Held held) {
    TRY(query_.charge(held));
    samples_ += held.samples;
    bytes_ += held.bytes;
    return {};
  }

 private:
  Query& query_;
  std::atomic<size_t> samples_ = 0;
  std::atomic<size_t> bytes_ = 0;
};

}  // namespace strata::promql
