// Answers of range queries, kept for dashboards that refresh: the same expression, step and
// alignment over a range that has moved on. Steps that nothing written since can have changed are
// taken from the last answer (SeriesSource::unchanged_before says which those are, so late samples
// and deletions are seen); the others are evaluated.
//
// Owned by an Engine; thread-safe. Bounded in bytes: the answers least recently used go first, and
// one that is larger than an eighth of the cache is not kept. Answers are immutable.
#pragma once
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "model/query_value.h"
#include "promql/ast.h"
#include "promql/engine.h"
#include "promql/row.h"

namespace strata::promql {

/// A matrix of floats, series by series in the order of their labels.
struct CachedAnswer {
  struct Series {
    Labels metric;
    std::vector<double> values;  // one a step; absent() where there is none
  };
  Steps steps;
  uint64_t version = 0;  // of the source, before it was read
  std::vector<Series> series;

  size_t bytes() const;
  /// How many of `wanted`, from the first on, are here and not affected by anything at
  /// `changed_from` or later, when a step depends on samples up to `reach` beyond it.
  size_t valid_steps(const Steps& wanted, TimestampMs changed_from, Millis reach) const;
  /// `wanted`: its first `count` steps from here, the others from `rest`, which is sorted.
  Matrix joined(const Steps& wanted, size_t count, Matrix rest) const;
  /// Null when the answer has histograms, which are not kept.
  static std::shared_ptr<const CachedAnswer> of(const Matrix& matrix, const Steps& steps,
                                                uint64_t version);
};

/// How far beyond a step's own time the samples may lie that it depends on; none when an answer to
/// `expr` cannot be put together from parts: it depends on the whole range (@ end(), range()), has
/// series without a fixed name, which may only clash at steps apart, or selects nothing.
std::optional<Millis> reach_of(const Expr& expr, Millis lookback);

class ResultCache {
 public:
  explicit ResultCache(size_t max_bytes) : max_bytes_(max_bytes) {}

  /// The last answer under `key`, or null.
  std::shared_ptr<const CachedAnswer> find(const std::string& key);
  void keep(const std::string& key, std::shared_ptr<const CachedAnswer> answer);
  void count(bool hit);

  ResultCacheStats stats() const;

 private:
  struct Entry {
    std::string key;
    std::shared_ptr<const CachedAnswer> answer;
    size_t bytes = 0;
  };
  void drop(std::list<Entry>::iterator entry) REQUIRES(mutex_);

  const size_t max_bytes_;
  mutable Mutex mutex_;
  std::list<Entry> entries_ GUARDED_BY(mutex_);  // the one used last is first
  std::unordered_map<std::string_view, std::list<Entry>::iterator> by_key_ GUARDED_BY(mutex_);
  ResultCacheStats stats_ GUARDED_BY(mutex_);
};

}  // namespace strata::promql
