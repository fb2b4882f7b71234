// The HTTP API: Prometheus' paths under /api/v1, health and metrics, and the page.
//
// Owned by app/, which gives it to the HTTP server as its handler. Handlers are thin: they read
// parameters, call an engine, and write JSON. They run on the work pool (queries lane), so that a
// slow query holds up neither the event loop nor a scrape; a full queue answers 503. Of queries, at
// most Services::max_queries run at a time and kMaxWaiting wait; large answers are made while they
// are sent (reply.h).
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/regex.h"
#include "base/thread_pool.h"
#include "config/web_config.h"
#include "net/http_server.h"
#include "promql/engine.h"
#include "rules/manager.h"
#include "scrape/manager.h"
#include "strata/metrics.h"
#include "tsdb/db.h"

namespace strata::alerting {
class Engine;
}
namespace strata::dashboards {
class Annotations;
class Store;
}  // namespace strata::dashboards

namespace strata::notify {
class Sender;
}

namespace strata::oncall {
class Engine;
}

namespace strata::remote {
class QueryBackend;
class Receiver;
}  // namespace strata::remote

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
  tsdb::Db& db;
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
  /// Answers /probe; may be null. The last argument is called once, on any thread.
  std::function<void(const net::HttpRequest&, std::stop_token,
                     std::move_only_function<void(net::HttpResponse)>)>
      probe = {};
  std::function<void()> quit;             // asks the process to end
  ActiveQueries* active = nullptr;        // the Api's own
  size_t max_queries = 20;                // that run at a time; kMaxWaiting more wait
  Millis slow_query{0};                   // queries that take longer are logged; 0: none
  std::optional<Regex> cors_origin = {};  // whose pages may read answers; none: nobody's
  alerting::Engine* alerting = nullptr;   // /api/v2; null: it answers 503
  oncall::Engine* oncall = nullptr;       // incidents; null: they answer 503
  bool admin_api = false;                 // /api/v1/admin is there
  std::string snapshot_dir = {};          // where snapshots are made: "data/snapshots"
  /// Makes what a backup is copied from, and says where; forgets it. Null: there are none.
  std::function<Result<std::string>()> stage_backup = {};
  std::function<Result<>()> drop_backup = {};
  bool lifecycle = false;                          // /-/quit is there
  std::string storage_retention;                   // as /status/runtimeinfo prints it: "15d"
  dashboards::Annotations* annotations = nullptr;  // null: /api/annotations answers 503
  std::string route_prefix = {};                   // before every path: "/strata"; "": none
  remote::Receiver* receiver = nullptr;            // null: /api/v1/write answers 404
  const remote::QueryBackend* backend = nullptr;   // `source` then; null: that is the local store
  const rules::Manager* rules = nullptr;           // null: there are no rules
  dashboards::Store* dashboards = nullptr;         // null: /api/dashboards answers 503
  const notify::Sender* notify = nullptr;          // null: there are no external Alertmanagers
};

class Api {
 public:
  static constexpr size_t kMaxWaiting = 1000;

  explicit Api(Services services);
  ~Api();
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;

  /// Users, headers and rate limit of web.yml; takes effect with the next request. Any thread.
  void set_web(const config::WebConfig& web);

  /// For net::HttpServer. Called on the loop's thread.
  void handle(std::shared_ptr<net::Exchange> exchange);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // shared with requests that are on the pool
};

}  // namespace strata::api
