// Probes: asks a peer from outside whether it works, when somebody asks for /probe. The only signal
// that an idle or hung engine gives, and what blackbox_exporter is used for: the same path,
// parameters and metrics, so that its jobs work when they are pointed here.
//
// A module of the configuration says what is done; a request only names a module and a target, and
// no module, no probe. Nothing of what a peer answers is shown but sizes, times, status and
// certificates.
//
// Owned by app/; thread-safe. Probes run on the event loop of the clients they are given. Bounds:
// kMaxRunning at a time, each below the scrape's timeout; more are refused and counted.
#pragma once
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/fs.h"
#include "base/result.h"
#include "config/probe_config.h"
#include "net/http.h"
#include "net/http_client.h"
#include "net/tcp_client.h"
#include "strata/metrics.h"

namespace strata::probe {

struct ProberDeps {
  net::HttpClient& http;
  net::TcpClient& tcp;
  Fs& fs;
  const Clock& clock;
  metrics::Registry& metrics;
};

class Prober {
 public:
  static constexpr size_t kMaxRunning = 200;
  using Done = std::move_only_function<void(net::HttpResponse)>;

  explicit Prober(ProberDeps deps);
  ~Prober();  // the clients, which owe callbacks, end before
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;

  /// Takes effect with the next probe.
  void configure(std::span<const config::ProbeModule> modules);

  /// Answers GET /probe?module=…&target=…[&hostname=…][&debug=true]: the exposition of one probe,
  /// which is 200 also when the probe failed; 400 for an unknown module or a target that is missing
  /// or not allowed, 503 when too many run. `done` is called once, on any thread.
  void answer(const net::HttpRequest& request, std::stop_token stop, Done done);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace strata::probe
