#include "app/own_series.h"

namespace strata::app {
namespace {

struct Row {
  std::string_view name;
  bool counter;
  std::string_view help;
  double (*value)(const tsdb::Stats&);
};

double as_double(uint64_t value) { return static_cast<double>(value); }

uint64_t sum(const std::vector<const net::HttpClient*>& clients,
             uint64_t net::HttpClientStats::* what) {
  uint64_t total = 0;
  for (const auto* client : clients) total += client->stats().*what;
  return total;
}

constexpr Row kRows[] = {
    {"prometheus_tsdb_head_series", false, "Series in memory.",
     [](const tsdb::Stats& s) { return as_double(s.head_series); }},
    {"prometheus_tsdb_head_chunks", false, "Sealed tiles that are not in a block yet.",
     [](const tsdb::Stats& s) { return as_double(s.sealed_tiles); }},
    {"prometheus_tsdb_head_series_created_total", true, "Series that came into memory.",
     [](const tsdb::Stats& s) { return as_double(s.series_created); }},
    {"prometheus_tsdb_head_series_removed_total", true, "Series that left memory.",
     [](const tsdb::Stats& s) { return as_double(s.series_removed); }},
    {"prometheus_tsdb_head_min_time_seconds", false, "Time of the oldest sample in the head.",
     [](const tsdb::Stats& s) { return static_cast<double>(s.head_min_time) / 1000; }},
    {"prometheus_tsdb_head_max_time_seconds", false, "Time of the newest sample in the head.",
     [](const tsdb::Stats& s) { return static_cast<double>(s.head_max_time) / 1000; }},
    {"prometheus_tsdb_head_samples_appended_total", true, "Samples stored.",
     [](const tsdb::Stats& s) { return as_double(s.samples.appended); }},
    {"prometheus_tsdb_out_of_order_samples_appended_total", true,
     "Samples stored that were older than the newest of their series.",
     [](const tsdb::Stats& s) { return as_double(s.samples.out_of_order); }},
    {"prometheus_tsdb_too_old_samples_total", true,
     "Samples dropped because they were behind the out-of-order window.",
     [](const tsdb::Stats& s) { return as_double(s.samples.too_old); }},
    {"strata_tsdb_histograms_appended_total", true,
     "Native histograms stored; they are also among the samples.",
     [](const tsdb::Stats& s) { return as_double(s.histograms); }},
    {"prometheus_tsdb_exemplar_exemplars_appended_total", true, "Exemplars stored.",
     [](const tsdb::Stats& s) { return as_double(s.exemplars.appended); }},
    {"prometheus_tsdb_exemplar_exemplars_in_storage", false, "Exemplars that are kept now.",
     [](const tsdb::Stats& s) { return as_double(s.exemplars.stored); }},
    {"prometheus_tsdb_exemplar_series_with_exemplars_in_storage", false,
     "Series that have exemplars now.",
     [](const tsdb::Stats& s) { return as_double(s.exemplars.series); }},
    {"prometheus_tsdb_exemplar_last_exemplars_timestamp_seconds", false,
     "Time of the oldest exemplar that is kept.",
     [](const tsdb::Stats& s) { return static_cast<double>(s.exemplars.oldest_time) / 1000; }},
    {"prometheus_tsdb_exemplar_max_exemplars", false, "Exemplars that may be kept.",
     [](const tsdb::Stats& s) { return as_double(s.exemplars.max); }},
    {"prometheus_tsdb_exemplar_out_of_order_exemplars_total", true,
     "Exemplars dropped because they were older than the newest of their series.",
     [](const tsdb::Stats& s) { return as_double(s.exemplars.out_of_order); }},
    {"strata_tsdb_exemplars_too_long_total", true,
     "Exemplars dropped because their labels have more than 128 characters.",
     [](const tsdb::Stats& s) { return as_double(s.exemplars.too_long); }},
    {"strata_tsdb_exemplar_bytes", false, "Memory of the exemplars that are kept.",
     [](const tsdb::Stats& s) { return as_double(s.exemplars.memory); }},
    {"prometheus_tsdb_storage_blocks_bytes", false, "Size of all blocks.",
     [](const tsdb::Stats& s) { return as_double(s.block_bytes); }},
    {"prometheus_tsdb_blocks_loaded", false, "Blocks that are read from.",
     [](const tsdb::Stats& s) { return static_cast<double>(s.blocks.size()); }},
    {"prometheus_tsdb_compactions_total", true, "Blocks written: cut from the head, or merged.",
     [](const tsdb::Stats& s) { return as_double(s.blocks_cut + s.blocks_compacted); }},
    {"prometheus_tsdb_compactions_failed_total", true, "Blocks that could not be written.",
     [](const tsdb::Stats& s) { return as_double(s.cut_failures + s.compaction_failures); }},
    {"prometheus_tsdb_wal_corruptions_total", true, "Records found damaged.",
     [](const tsdb::Stats& s) { return as_double(s.damaged_records); }},
    {"prometheus_tsdb_wal_storage_size_bytes", false, "Size of the write-ahead log.",
     [](const tsdb::Stats& s) { return as_double(s.wal_bytes); }},
    {"prometheus_tsdb_wal_writes_failed_total", true,
     "Appends refused because the write-ahead log could not be written.",
     [](const tsdb::Stats& s) { return as_double(s.append_failures); }},
    {"prometheus_tsdb_reloads_failures_total", true,
     "Blocks that could not be read and were put aside.",
     [](const tsdb::Stats& s) { return as_double(s.blocks_unreadable); }},
    {"prometheus_tsdb_lowest_timestamp", false,
     "Time of the oldest sample of the store, in milliseconds.",
     [](const tsdb::Stats& s) {
       const auto oldest = s.blocks.empty() ? s.head_min_time : s.blocks.front().min_time;
       return static_cast<double>(oldest);
     }},
    {"prometheus_tsdb_clean_start", false,
     "1 when the process that had the store before closed it, 0 when it ended without.",
     [](const tsdb::Stats& s) { return s.clean_start ? 1.0 : 0.0; }},
    {"prometheus_tsdb_data_replay_duration_seconds", false, "Time the last start took to recover.",
     [](const tsdb::Stats& s) { return s.replay_seconds; }},
    {"strata_tsdb_series_refused_total", true,
     "Series refused at --storage.max-series or --storage.memory-budget.",
     [](const tsdb::Stats& s) { return as_double(s.series_refused); }},
    {"strata_tsdb_wal_bytes_written_total", true, "Bytes written to the write-ahead log.",
     [](const tsdb::Stats& s) { return as_double(s.wal_bytes_written); }},
    {"strata_tsdb_wal_sync_failures_total", true, "Syncs of the write-ahead log that failed.",
     [](const tsdb::Stats& s) { return as_double(s.wal_sync_failures); }},
    {"strata_tsdb_seal_failures_total", true, "Tiles that could not be written yet.",
     [](const tsdb::Stats& s) { return as_double(s.seal_failures); }},
    {"strata_tsdb_open_tile_bytes", false, "Memory of the tiles that scrapes are added to.",
     [](const tsdb::Stats& s) { return as_double(s.open_tile_bytes); }},
    {"strata_tsdb_tile_bytes", false, "Size of the files of sealed tiles.",
     [](const tsdb::Stats& s) { return as_double(s.tile_bytes); }},
    {"strata_tsdb_damaged_bytes_total", true, "Bytes found damaged and set aside.",
     [](const tsdb::Stats& s) { return as_double(s.damaged_bytes); }},
    {"strata_tsdb_blocks_expired_total", true, "Blocks deleted by retention.",
     [](const tsdb::Stats& s) { return as_double(s.blocks_expired); }},
    {"strata_tsdb_pending_deletions", false,
     "Deletions of series that hide samples and are not carried out in every block; at most 1000.",
     [](const tsdb::Stats& s) { return as_double(s.pending_deletions); }},
};

// One reading of the store for all the rows of an exposition.
class RecentStats {
 public:
  explicit RecentStats(const tsdb::Db& db) : db_(db) {}
  std::shared_ptr<const tsdb::Stats> get() {
    constexpr std::chrono::milliseconds kFresh{100};
    const auto now = std::chrono::steady_clock::now();
    MutexLock lock(mutex_);
    if (!stats_ || now - read_at_ > kFresh) {
      stats_ = std::make_shared<const tsdb::Stats>(db_.stats());
      read_at_ = now;
    }
    return stats_;
  }

 private:
  const tsdb::Db& db_;
  Mutex mutex_;
  std::shared_ptr<const tsdb::Stats> stats_ GUARDED_BY(mutex_);
  std::chrono::steady_clock::time_point read_at_ GUARDED_BY(mutex_);
};

}  // namespace

std::vector<metrics::Callback> store_metrics(metrics::Registry& registry, const tsdb::Db& db) {
  std::vector<metrics::Callback> callbacks;
  auto recent = std::make_shared<RecentStats>(db);
  for (const auto& row : kRows) {
    auto read = [recent, value = row.value] { return value(*recent->get()); };
    callbacks.push_back(
        row.counter
            ? registry.callback_counter(*metrics::CounterName::parse(row.name), row.help, read)
            : registry.callback_gauge(*metrics::MetricName::parse(row.name), row.help, read));
  }
  callbacks.push_back(registry.callback_gauge<"part">(
      "strata_tsdb_memory_bytes", "Memory of the head, by what takes it.",
      [recent](const metrics::Emit<"part">& emit) {
        for (const auto& [part, bytes] : recent->get()->memory) emit(as_double(bytes), part);
      }));
  callbacks.push_back(registry.callback_gauge(
      "strata_tsdb_memory_budget_bytes", "What the head may take; 0: no bound.",
      [recent] { return as_double(recent->get()->memory_budget); }));
  callbacks.push_back(registry.callback_counter<"label">(
      "strata_tsdb_new_series_refused_total",
      "New series refused, by the label that brought the most new values.",
      [recent](const metrics::Emit<"label">& emit) {
        for (const auto& [label, n] : recent->get()->refused_by_label) emit(as_double(n), label);
      }));
  return callbacks;
}

std::vector<metrics::Callback> engine_metrics(metrics::Registry& registry,
                                              const promql::Engine& engine) {
  std::vector<metrics::Callback> callbacks;
  callbacks.push_back(
      registry.callback_counter("strata_query_result_cache_hits_total",
                                "Range queries of which steps were taken from an earlier answer.",
                                [&engine] { return as_double(engine.result_cache().hits); }));
  callbacks.push_back(
      registry.callback_counter("strata_query_result_cache_misses_total",
                                "Range queries that may be cached and of which no step was.",
                                [&engine] { return as_double(engine.result_cache().misses); }));
  callbacks.push_back(registry.callback_gauge(
      "strata_query_result_cache_bytes", "Memory of the answers that are kept.",
      [&engine] { return as_double(engine.result_cache().bytes); }));
  return callbacks;
}

std::vector<metrics::Callback> pool_metrics(metrics::Registry& registry, const ThreadPool& work) {
  std::vector<metrics::Callback> callbacks;
  callbacks.push_back(registry.callback_gauge<"lane">(
      "strata_work_queue_length", "Tasks that wait for a worker.",
      [&work](const metrics::Emit<"lane">& emit) {
        emit(static_cast<double>(work.queued(Lane::kIngest)), "ingest");
        emit(static_cast<double>(work.queued(Lane::kQuery)), "query");
      }));
  callbacks.push_back(
      registry.callback_gauge("strata_work_threads", "Threads of the work pool.",
                              [&work] { return static_cast<double>(work.threads()); }));
  return callbacks;
}

std::vector<metrics::Callback> net_metrics(metrics::Registry& registry,
                                           const net::HttpServer& server,
                                           std::vector<const net::HttpClient*> clients) {
  std::vector<metrics::Callback> callbacks;
  const auto counter = [&](metrics::CounterName name, std::string_view help, auto read) {
    callbacks.push_back(
        registry.callback_counter(name, help, [read] { return as_double(read()); }));
  };
  counter("strata_http_connections_accepted_total", "Connections of clients accepted.",
          [&server] { return server.stats().accepted; });
  counter("strata_http_connections_refused_total",
          "Connections of clients refused at --web.max-connections.",
          [&server] { return server.stats().refused; });
  counter("strata_http_requests_rejected_total",
          "Requests that were malformed, too large or too slow.",
          [&server] { return server.stats().rejected; });
  callbacks.push_back(
      registry.callback_gauge("strata_http_connections", "Connections of clients that are open.",
                              [&server] { return as_double(server.stats().open); }));
  counter("strata_http_client_requests_total", "Requests sent to targets and other peers.",
          [clients] { return sum(clients, &net::HttpClientStats::requests); });
  counter("strata_http_client_connections_total", "Connections made to targets and other peers.",
          [clients] { return sum(clients, &net::HttpClientStats::connections); });
  return callbacks;
}

std::vector<metrics::Callback> discovery_metrics(metrics::Registry& registry,
                                                 const discover::DiscoveryManager& discovery) {
  std::vector<metrics::Callback> callbacks;
  callbacks.push_back(
      registry.callback_counter("strata_sd_refreshes_total", "Times that targets were looked for.",
                                [&discovery] { return as_double(discovery.stats().refreshes); }));
  callbacks.push_back(registry.callback_counter(
      "strata_sd_refresh_failures_total", "Times that looking for targets failed.",
      [&discovery] { return as_double(discovery.stats().refresh_failures); }));
  return callbacks;
}

}  // namespace strata::app
