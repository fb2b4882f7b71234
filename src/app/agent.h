// `strata agent`: one process that reports a GPU node over HTTP, to Strata, Prometheus or whoever
// scrapes it.
//
//   /metrics                        everything
//   /metrics?collect[]=gpu.power    a part (collect/selection.h); exclude[] leaves parts out
//   /-/healthy, /health             200 while the process answers
//
// Where nobody can reach it, it pushes what it collects (AgentPush) by remote write.
//
// Threads: main (signals), the event loop, one that collects (scrapes wait for one another, at most
// kMaxWaiting of them), and the GPUs' own (collect/gpu.h).
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "api/auth.h"
#include "app/agent_flags.h"
#include "app/agent_push.h"
#include "base/thread_pool.h"
#include "collect/node.h"
#include "net/http_server.h"
#include "net/loop.h"
#include "strata/metrics.h"

namespace strata::app {

class Agent {
 public:
  static constexpr size_t kMaxWaiting = 16;
  static constexpr size_t kMaxConnections = 64;

  /// Listens. Errors say what to do: a port in use, a web.yml that does not load, …
  static Result<std::unique_ptr<Agent>> start(AgentOptions options);
  ~Agent();
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  /// "127.0.0.1:9400", as many as were asked for.
  std::vector<std::string> addresses() const;
  /// Whether anybody may read what it reports.
  bool has_users() const { return has_users_; }
  /// Finishes what runs. Main thread, once.
  void stop();

 private:
  explicit Agent(AgentOptions options);
  Result<> listen();
  Result<> start_pushing();
  void collect_and_push();
  void handle(std::shared_ptr<net::Exchange> exchange);
  void on_collector(std::shared_ptr<net::Exchange> exchange,
                    std::function<void(net::Exchange&)> work);
  void answer(net::Exchange& exchange);
  net::HttpResponse metrics(const net::HttpRequest& request);

  const AgentOptions options_;
  metrics::Registry& registry_ = metrics::default_registry();
  metrics::Counter& refused_ =
      registry_.counter("strata_agent_requests_refused_total",
                        "Scrapes refused because too many waited for the collectors.");
  bool has_users_ = false;
  std::unique_ptr<api::Authenticator> users_;
  std::unique_ptr<collect::NodeCollector> node_;
  std::vector<MetricFamily> families_;  // the collecting thread's
  std::unique_ptr<ThreadPool> collect_;
  net::Loop loop_{"net"};
  std::unique_ptr<AgentPush> push_;  // null: not asked for
  std::vector<std::unique_ptr<net::HttpServer>> servers_;
  bool stopped_ = false;
};

}  // namespace strata::app
