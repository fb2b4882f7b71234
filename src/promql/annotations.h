// Warnings and infos that a query collects besides its result: Prometheus' annotations.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "promql/ast.h"

namespace strata::promql {

/// Thread-safe: rows are evaluated in parallel. Each text is kept once, with the first place in the
/// query that it was about; kMax of each kind are kept.
class Annotations {
 public:
  static constexpr size_t kMax = 1000;

  void warn(SourceSpan where, std::string text);
  void info(SourceSpan where, std::string text);

  /// A classic histogram's buckets were not monotonic (histogram_quantile): one info a metric, with
  /// the extremes of all its occurrences.
  struct ForcedMonotonicity {
    TimestampMs min_time = 0;
    TimestampMs max_time = 0;
    double min_bucket = 0;
    double max_bucket = 0;
    double max_diff = 0;
    size_t count = 1;
  };
  void forced_monotonicity(SourceSpan where, std::string_view metric,
                           const ForcedMonotonicity& what);

  bool empty() const;
  /// "PromQL warning: … (line:col)"; sorted.
  std::vector<std::string> warnings(std::string_view query) const;
  std::vector<std::string> infos(std::string_view query) const;

 private:
  mutable Mutex mutex_;
  std::map<std::string, SourceSpan, std::less<>> warnings_ GUARDED_BY(mutex_);
  std::map<std::string, SourceSpan, std::less<>> infos_ GUARDED_BY(mutex_);
  std::map<std::string, std::pair<SourceSpan, ForcedMonotonicity>, std::less<>> monotonicity_
      GUARDED_BY(mutex_);
};

}  // namespace strata::promql
