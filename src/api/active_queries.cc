#include "api/active_queries.h"

namespace strata::api {
namespace {

metrics::Summary& slice(metrics::Registry& registry, std::string_view name) {
  return registry
      .summary<"slice">("prometheus_engine_query_duration_seconds", "What queries took, by stage.",
                        {0.5, 0.9, 0.99})
      .with(name);
}

}  // namespace

QueryMetrics::QueryMetrics(metrics::Registry& registry)
    : queue_time(slice(registry, "queue_time")),
      prepare_time(slice(registry, "prepare_time")),
      inner_eval(slice(registry, "inner_eval")),
      result_sort(slice(registry, "result_sort")),
      samples(registry.counter("prometheus_engine_query_samples_total",
                               "Samples that queries decoded.")) {}

ActiveQueries::Ticket::Ticket(ActiveQueries& all, ActiveQuery about, const std::stop_token& client)
    : all_(all), client_left_(client, [source = source_]() mutable { source.request_stop(); }) {
  MutexLock lock(all_.mutex_);
  id_ = about.id = all_.next_id_++;
  all_.entries_.emplace(id_, Entry{std::move(about), source_, &progress_});
}

ActiveQueries::Ticket::~Ticket() {
  MutexLock lock(all_.mutex_);
  all_.entries_.erase(id_);
}

std::vector<ActiveQuery> ActiveQueries::list() const {
  std::vector<ActiveQuery> queries;
  MutexLock lock(mutex_);
  for (const auto& [id, entry] : entries_) {
    queries.push_back(entry.about);
    queries.back().samples = entry.progress->samples_scanned.load(std::memory_order_relaxed);
  }
  return queries;
}

size_t ActiveQueries::count() const {
  MutexLock lock(mutex_);
  return entries_.size();
}

bool ActiveQueries::stop(uint64_t id) {
  std::stop_source source(std::nostopstate);
  {
    MutexLock lock(mutex_);
    const auto entry = entries_.find(id);
    if (entry == entries_.end()) return false;
    source = entry->second.source;
  }
  source.request_stop();  // outside the lock: it runs the query's callbacks
  return true;
}

}  // namespace strata::api
