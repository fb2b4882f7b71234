// The queries that run now: to be listed, and to be stopped.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "promql/engine.h"
#include "strata/metrics.h"

namespace strata::api {

struct ActiveQuery {
  uint64_t id = 0;
  std::string text;
  std::string client;  // address and port
  TimestampMs started = 0;
  uint64_t samples = 0;  // decoded so far
};

/// What queries took, as Prometheus' engine says it.
struct QueryMetrics {
  explicit QueryMetrics(metrics::Registry& registry);

  metrics::Summary& queue_time;  // seconds, as the others
  metrics::Summary& prepare_time;
  metrics::Summary& inner_eval;
  metrics::Summary& result_sort;  // always 0: sorting is part of our evaluation
  metrics::Counter& samples;
};

/// Thread-safe. As many as the work pool runs at a time.
class ActiveQueries {
 public:
  explicit ActiveQueries(metrics::Registry& registry) : metrics_(registry) {}

  /// A query is listed for as long as its Ticket lives.
  class Ticket {
   public:
    Ticket(ActiveQueries& all, ActiveQuery about, const std::stop_token& client);
    ~Ticket();
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;

    /// Fires when the client leaves, or when somebody stops the query.
    std::stop_token stop() const { return source_.get_token(); }
    /// For the engine to count in.
    promql::QueryProgress& progress() { return progress_; }

   private:
    ActiveQueries& all_;
    uint64_t id_ = 0;
    std::stop_source source_;
    promql::QueryProgress progress_;
    std::stop_callback<std::function<void()>> client_left_;
  };

  /// By age.
  std::vector<ActiveQuery> list() const;
  /// False when no such query runs.
  bool stop(uint64_t id);
  size_t count() const;
  QueryMetrics& metrics() { return metrics_; }

 private:
  struct Entry {
    ActiveQuery about;
    std::stop_source source;
    const promql::QueryProgress* progress;
  };
  QueryMetrics metrics_;
  mutable Mutex mutex_;
  uint64_t next_id_ GUARDED_BY(mutex_) = 1;
  std::map<uint64_t, Entry> entries_ GUARDED_BY(mutex_);
};

}  // namespace strata::api
