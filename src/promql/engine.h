// Evaluates PromQL over a SeriesSource.
//
// Evaluation is series-major: every operator produces, for one series at a time, the values of all
// steps of the query; a selected series is decoded once however many steps there are. Labels,
// groups and matches are worked out once a query; what does not depend on the step is evaluated
// once. So an instant query is a range query of one step, and there is no second engine.
//
// An Engine is thread-safe, and immutable but for its cache of results and the step of subqueries;
// a query runs on its caller, and on the work pool when there is one (results do not depend on it).
// Memory is bounded by max_samples and max_memory.
//
// A source that has an evaluator of its own (model/query_evaluator.h) is asked for results: then
// the expression is checked here, and evaluated there.
#pragma once
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/thread_pool.h"
#include "model/duration.h"
#include "model/query_value.h"
#include "model/series_source.h"
#include "promql/ast.h"
#include "promql/parser.h"

namespace strata::promql {

struct EngineOptions {
  Millis lookback = std::chrono::minutes(5);
  Millis timeout = std::chrono::minutes(2);
  Millis default_subquery_step = std::chrono::minutes(1);  // see set_default_subquery_step()
  size_t max_samples = 50'000'000;      // values a query holds at a time; more is kLimit
  size_t max_memory = size_t{1} << 30;  // bytes that a query holds at a time; more is kLimit
  size_t max_series = 0;                // one selector may select; 0: no limit
  size_t max_steps = 1'000'000;         // of a range query; the API's own limit is 11,000
  /// Bytes of answers to range queries that are kept for those that ask again (result_cache.h); 0:
  /// every query is evaluated whole.
  size_t result_cache_bytes = 0;
  ParserOptions syntax;
  bool delayed_name_removal = false;  // promql-delayed-name-removal
  bool type_and_unit_labels = false;  // type-and-unit-labels
  bool use_start_timestamps = false;  // use-start-timestamps
};

/// How far a query is: to be looked at while it runs, by any thread.
struct QueryProgress {
  std::atomic<uint64_t> samples_scanned = 0;
};

/// What a query did; filled also when it fails.
struct QueryStats {
  bool count_steps = false;  // asks for what follows
  /// Samples that each step looked at (that were in its windows); empty where not asked for.
  std::vector<uint64_t> samples_by_step;

  uint64_t series_selected = 0;
  uint64_t samples_scanned = 0;  // decoded
  uint64_t peak_samples = 0;     // held at a time
  uint64_t peak_bytes = 0;       // the same, with labels and histograms
  uint64_t steps_cached = 0;     // taken from the answer to an earlier query
};

/// One query's own terms.
struct QueryTerms {
  std::stop_token stop;            // kCanceled when requested
  std::optional<Millis> timeout;   // instead of the engine's, when shorter
  std::optional<Millis> lookback;  // instead of the engine's
  QueryStats* stats = nullptr;
  QueryProgress* progress = nullptr;
  bool use_cache = true;
  /// To be filled with what each part of the expression did, in the order of the text. The query is
  /// then evaluated on its caller alone, and whole, so that times add up.
  std::vector<QueryNode>* nodes = nullptr;
};

struct ResultCacheStats {
  uint64_t hits = 0;    // queries of which at least one step was not evaluated
  uint64_t misses = 0;  // that might have been, had there been an answer
  uint64_t answers = 0;
  uint64_t bytes = 0;
};

class ResultCache;

/// Errors: kBadData (does not parse; step or range not positive), kExecution (Prometheus' texts),
/// kLimit, kTimeout, kCanceled, and whatever the source answers.
class Engine {
 public:
  /// `pool` and `clock` outlive the engine; no pool: queries run on their caller alone.
  explicit Engine(EngineOptions options = {}, ThreadPool* pool = nullptr,
                  const Clock& clock = real_clock());
  ~Engine();

  /// A Scalar, a StringValue, a Vector, or a Matrix where the expression is a range vector. A
  /// vector is in the order of its labels unless the expression sorts (sort, topk, …).
  Result<QueryResult> instant(const SeriesSource& source, std::string_view query, TimestampMs at,
                              const QueryTerms& terms = {}) const;
  /// A Matrix in the order of its labels, at start, start + step, … <= end; a scalar expression
  /// gives one series without labels.
  Result<QueryResult> range(const SeriesSource& source, std::string_view query, TimestampMs start,
                            TimestampMs end, Millis step, const QueryTerms& terms = {}) const;

  /// The same for a parsed query. `text` is what it was parsed from: annotations point into it.
  Result<QueryResult> instant(const SeriesSource& source, const Expr& query, std::string_view text,
                              TimestampMs at, const QueryTerms& terms = {}) const;
  Result<QueryResult> range(const SeriesSource& source, const Expr& query, std::string_view text,
                            TimestampMs start, TimestampMs end, Millis step,
                            const QueryTerms& terms = {}) const;

  /// The step of `metric[1h:]`: global.evaluation_interval, which a reload may change. Holds for
  /// queries that begin later.
  void set_default_subquery_step(Millis step) { subquery_step_ = step.count(); }
  Millis default_subquery_step() const { return Millis(subquery_step_); }

  const EngineOptions& options() const { return options_; }
  ResultCacheStats result_cache() const;

 private:
  const std::unique_ptr<ResultCache> cache_;  // null: none
  EngineOptions options_;
  std::atomic<int64_t> subquery_step_;  // milliseconds
  ThreadPool* pool_;
  const Clock& clock_;
};

}  // namespace strata::promql
