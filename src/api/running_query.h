// A query while it runs: listed, to be stopped, and logged afterwards when it was slow.
#pragma once
#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "api/active_queries.h"
#include "api/api.h"
#include "base/json.h"
#include "promql/parser.h"

namespace strata::api {

/// Prometheus' own bound on the resolution of a range query.
inline constexpr int64_t kMaxPointsPerSeries = 11'000;

/// What somebody asked, beside the times.
struct Asked {
  std::string_view text;    // PromQL; outlives the query
  std::string_view client;  // address and port; outlives it too
  std::stop_token stop = {};
  std::chrono::nanoseconds waited{0};  // in a queue
  std::optional<Millis> timeout = {};
  std::optional<Millis> lookback = {};
  std::string_view stats = {};  // "": not asked for; "analyze" is our own
  bool use_cache = true;
};

/// Lives while the query runs, on the thread that runs it.
class RunningQuery {
 public:
  RunningQuery(const Services& services, Asked asked);
  ~RunningQuery();
  RunningQuery(const RunningQuery&) = delete;
  RunningQuery& operator=(const RunningQuery&) = delete;

  /// Error: kBadData.
  Result<promql::ExprPtr> parse();
  /// For what is said by step; zero: an instant query.
  void set_steps(TimestampMs start, Millis step);
  promql::QueryTerms terms();
  /// As util/stats/query_stats.go names them; "" where they were not asked for.
  std::string statistics() const;

 private:
  bool analyzes() const;
  promql::QueryStats& counted();
  void write_nodes(JsonWriter& json) const;
  void write_steps(JsonWriter& json) const;

  const Services& services_;
  const Asked asked_;
  const std::chrono::nanoseconds began_;
  std::chrono::nanoseconds prepared_{0};
  promql::QueryStats stats_;
  TimestampMs start_ = 0;
  int64_t step_ = 0;
  std::vector<QueryNode> nodes_;
  ActiveQueries::Ticket ticket_;
};

}  // namespace strata::api
