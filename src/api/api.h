// The HTTP API: Prometheus' paths under /api/v1, health and metrics, and the page.
//
// Owned by app/, which gives it to the HTTP server as its handler. Handlers are thin: they read
// parameters, call an engine, and write JSON. They run on the work pool (queries lane), so that a
// slow query holds up neither the event loop nor a scrape; a full queue answers 503.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/thread_pool.h"
#include "config/web_config.h"
#include "net/http_server.h"
#include "promql/engine.h"
#include "scrape/manager.h"
#include "strata/metrics.h"
#include "tsdb/db.h"

namespace strata::api {

class ActiveQueries;

/// How the last load of the configuration went.
struct ReloadStatus {
  bool success = true;
  TimestampMs at = 0;
};

/// What the handlers use. Everything outlives the Api; the functions are called from any thread.
struct Services {
  const SeriesSource& source;
  const promql::Engine& engine;
  const tsdb::Db& db;
  const scrape::Manager& scrape;
  metrics::Registry& metrics;  // for the API's own series
  ThreadPool& pool;
  const Clock& clock;
  TimestampMs started_at = 0;
  /// Appends what /metrics answers.
  std::function<void(std::string&, metrics::Format)> own_exposition;
  std::function<std::string()> config_yaml;
  std::function<std::vector<std::pair<std::string, std::string>>()> flags;
  std::function<Result<>()> reload;
  std::function<ReloadStatus()> last_reload;
  std::function<bool()> ready;
  std::function<Labels()> external_labels;
  ActiveQueries* active = nullptr;  // the Api's own
  Millis slow_query{0};             // queries that take longer are logged; 0: none
  std::string storage_retention;    // as /status/runtimeinfo prints it: "15d"
};

class Api {
 public:
  explicit Api(Services services);
  ~Api();
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;

  /// Users and headers of web.yml; takes effect with the next request. Any thread.
  void set_web(const config::WebConfig& web);

  /// For net::HttpServer. Called on the loop's thread.
  void handle(std::shared_ptr<net::Exchange> exchange);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // shared with requests that are on the pool
};

}  // namespace strata::api
