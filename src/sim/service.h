// The fleet over HTTP: every target of it at a path of its own on one port, the list of them as
// Prometheus' HTTP service discovery wants it, and the ground truth of the scenario.
//
//   /sd                              targets with __metrics_path__, job, instance, node, model
//   /scenario                        what goes wrong, where and when, as JSON
//   /gateway/metrics                 the gateway before all engines
//   /node-3/gpu/metrics              dcgm-exporter
//   /node-3/node/metrics             node_exporter
//   /node-3/agent/metrics            strata agent, in place of both
//   /node-3/topology/metrics         of the agent only what the two do not have
//   /node-3/engine-0/metrics         an engine; /v1/chat/completions, /v1/completions, /v1/models
//                                    and /health too
//
// Threads: requests come on the loop's thread; the fleet lives on one worker, "sim". Bounds:
// kMaxQueued requests wait for it, others get 503; those of HttpServer.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/thread_pool.h"
#include "net/http_server.h"
#include "net/loop.h"
#include "sim/fleet.h"
#include "sim/targets.h"

namespace strata::sim {

struct ServiceOptions {
  std::string listen = "127.0.0.1:9500";
  double speed = 1;  // simulated seconds a second
};

/// `host` is the address that targets are listed under.
std::string discovery_json(const Fleet& fleet, std::string_view host);
/// A prometheus.yml that scrapes the fleet which listens at `host`.
std::string prometheus_config(std::string_view host);
/// The faults with their times, and whether they are active at `seconds`.
std::string scenario_json(const Fleet& fleet, double seconds);

class Service {
 public:
  static constexpr size_t kMaxQueued = 20'000;
  /// The fleet runs that long before the first request, so that nobody sees empty engines; onsets
  /// count from its end.
  static constexpr double kWarmUp = 120;

  /// To be called before the loop is started. Error: as HttpServer::start. `clock` outlives it.
  static Result<std::unique_ptr<Service>> start(net::Loop& loop, ServiceOptions options,
                                                std::unique_ptr<Fleet> fleet, const Clock& clock);
  /// Not from the loop's thread; before the loop ends.
  ~Service();

  std::string address() const { return server_->address(); }

 private:
  Service(net::Loop& loop, ServiceOptions options, std::unique_ptr<Fleet> fleet,
          const Clock& clock);
  void handle(std::shared_ptr<net::Exchange> exchange);
  void answer(const std::shared_ptr<net::Exchange>& exchange);
  /// True when the path was an engine's API and is taken care of.
  bool complete(const std::shared_ptr<net::Exchange>& exchange);
  double now() const;

  net::Loop& loop_;
  const ServiceOptions options_;
  const std::unique_ptr<Fleet> fleet_;  // of the worker
  const Clock& clock_;
  const std::chrono::nanoseconds started_;
  std::unique_ptr<net::HttpServer> server_;
  std::unique_ptr<ThreadPool> worker_;
};

}  // namespace strata::sim
