// Everything that `strata serve` runs, made in order and ended in reverse.
//
// Threads: main (signals, discovery, ordered stop), the event loop, scraping's own, the work pool
// (ingest before queries), the store's two (upkeep; merging), the collector's. All are made here.
#pragma once
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "alerting/engine.h"
#include "api/api.h"
#include "app/alert_sink.h"
#include "app/flags.h"
#include "app/remote_write.h"
#include "app/rule_engine.h"
#include "base/snapshot.h"
#include "base/thread_pool.h"
#include "catalog/catalog.h"
#include "collect/node.h"
#include "config/load.h"
#include "config/strata_config.h"
#include "dashboards/annotations.h"
#include "dashboards/store.h"
#include "discover/discovery.h"
#include "gateway/gateway.h"
#include "net/dns_client.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "net/loop.h"
#include "notify/sender.h"
#include "oncall/engine.h"
#include "probe/prober.h"
#include "promql/engine.h"
#include "remote/merged_source.h"
#include "remote/query_backend.h"
#include "remote/receiver.h"
#include "scrape/manager.h"
#include "strata/metrics.h"
#include "tsdb/db.h"

namespace strata::app {

class Server {
 public:
  /// Opens the store, listens, starts scraping. Errors say what to do: a configuration that does
  /// not load, a port or a data directory in use, …
  static Result<std::unique_ptr<Server>> start(ServeOptions options, FlagValues flags);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Main thread: refreshes discovery when it is due. Returns when it wants to be called next.
  std::chrono::nanoseconds poll_discovery();
  /// Main thread: reads web.yml and the gateway's files again when they changed.
  void poll_web_config();
  /// Loads the configuration file again: all of it takes effect or none. Any thread.
  Result<> reload();
  /// Finishes what runs, syncs the store, joins. Main thread, once.
  void stop();

  const std::string& address() const { return address_; }

 private:
  // What the files say, checked and not yet in use.
  struct Configuration {
    std::shared_ptr<const config::Config> config;
    std::shared_ptr<const config::StrataConfig> own;
    std::shared_ptr<const catalog::Catalog> catalog;
    std::shared_ptr<const std::vector<tsdb::RetentionRule>> retention;
    std::vector<rules::RuleFile> rule_files;
  };

  Server(ServeOptions options, FlagValues flags);
  Result<Configuration> read_configuration() const;
  void take(Configuration configuration);
  Result<> take_what_is_right() REQUIRES(reload_mutex_);
  Result<> check_source(const config::Config& config, const config::StrataConfig& own) const;
  void choose_source();
  void set_read_peers();
  Result<> open();
  Result<> listen();
  void make_discovery();
  std::shared_ptr<const config::ScrapeConfig> scrape_config(const std::string& job) const;
  void apply_discovery();
  Result<> load_web_users();
  void apply_rules();
  Result<> apply_gateway();
  void refresh_gateway();
  void configure_own_parts();
  remote::Families metric_families() const;
  void add_metrics(std::vector<metrics::Callback> callbacks);
  api::Services services();
  void start_store_threads();
  Result<std::string> stage_backup();
  Result<> drop_backup();
  void append_host_exposition(std::string& out);
  void append_own_exposition(std::string& out, metrics::Format format);
  Result<discover::ProbeResponse> probe(const std::string& url);

  const ServeOptions options_;
  const FlagValues flags_;
  const Clock& clock_ = real_clock();
  const TimestampMs started_at_ = clock_.now_ms();
  metrics::Registry& registry_ = metrics::default_registry();
  metrics::Gauge& reload_succeeded_ =
      registry_.gauge("prometheus_config_last_reload_successful",
                      "Whether the last load of the configuration succeeded.");
  metrics::Gauge& reload_time_ =
      registry_.gauge("prometheus_config_last_reload_success_timestamp_seconds",
                      "When the configuration was last loaded.");

  // Below in the order of construction; members are destroyed, and threads end, in reverse.
  std::unique_ptr<tsdb::Db> db_;
  std::unique_ptr<ThreadPool> work_;
  std::unique_ptr<ThreadPool> collect_;
  net::Loop loop_{"net"};
  std::unique_ptr<net::HttpClient> client_;
  std::unique_ptr<net::TcpClient> tcp_;
  std::unique_ptr<probe::Prober> prober_;
  net::Loop scrape_loop_{"scrape"};
  std::unique_ptr<net::HttpClient> scrape_client_;
  std::unique_ptr<net::DnsClient> dns_;
  std::unique_ptr<collect::NodeCollector> host_;
  std::vector<MetricFamily> host_families_;  // the collector's thread only
  std::unique_ptr<scrape::Manager> scrape_;
  std::unique_ptr<RemoteWrite> remote_write_;
  std::unique_ptr<discover::DiscoveryManager> discovery_;
  std::unique_ptr<notify::Sender> notify_;
  std::unique_ptr<discover::DiscoveryManager> alertmanager_discovery_;
  std::unique_ptr<remote::QueryBackend> backend_;  // null: the store is asked
  std::unique_ptr<SeriesSource> no_queries_;       // null: queries are answered
  std::unique_ptr<remote::MergedSource> merged_;   // the store, and who else is read from
  const SeriesSource* source_ = nullptr;           // who answers them
  std::unique_ptr<promql::Engine> engine_;
  std::unique_ptr<alerting::Engine> alerting_;
  std::unique_ptr<oncall::Engine> oncall_;
  std::unique_ptr<dashboards::Store> dashboards_;
  std::unique_ptr<dashboards::Annotations> annotations_;
  std::unique_ptr<AlertSink> alert_sink_;
  std::unique_ptr<RuleEngine> rules_;
  std::unique_ptr<remote::Receiver> receiver_;  // null: not asked for
  std::unique_ptr<api::Api> api_;
  std::unique_ptr<net::HttpServer> http_;
  net::Loop gateway_loop_{"gateway"};
  std::unique_ptr<gateway::Gateway> gateway_;
  std::vector<metrics::Callback> callbacks_;
  std::jthread store_;
  std::jthread compaction_;

  std::string address_;
  std::atomic<bool> ready_{false};
  Snapshot<config::Config> config_;
  Snapshot<config::StrataConfig> strata_config_;
  Snapshot<catalog::Catalog> catalog_;
  Snapshot<std::vector<tsdb::RetentionRule>> retention_rules_;  // of strata.yml
  Snapshot<api::ReloadStatus> reload_status_{std::make_shared<const api::ReloadStatus>()};
  Mutex backup_mutex_;                       // one backup at a time; guards nothing else
  Mutex reload_mutex_;                       // one reload at a time; guards nothing else
  std::vector<rules::RuleFile> rule_files_;  // loaded and not applied; with reload_mutex_, or alone
  bool stopped_ = false;
  // Main thread only.
  bool has_users_ = false;
  std::string web_config_text_;
  std::string web_config_error_;
  std::chrono::nanoseconds next_web_check_{0};
};

}  // namespace strata::app
