#include "probe/prober.h"

#include <map>

#include "base/number.h"
#include "base/snapshot.h"
#include "net/url.h"
#include "probe/probes.h"

namespace strata::probe {
namespace {

using namespace std::chrono_literals;

// A probe ends this long before the scrape that asked for it does (blackbox_exporter's
// --timeout-offset), so that its answer still arrives.
constexpr double kTimeoutOffset = 0.5;
constexpr double kDefaultTimeout = 120;
constexpr double kLeastTimeout = 0.05;
constexpr std::string_view kDefaultModule = "http_2xx";

struct Module {
  config::ProbeModule config;
  std::shared_ptr<const discover::PeerClient> peer;  // of http and canary
};
using Modules = std::map<std::string, std::shared_ptr<const Module>, std::less<>>;

std::chrono::nanoseconds timeout_of(const net::HttpRequest& request, Millis of_module) {
  const auto given =
      parse_double(request.headers.value("X-Prometheus-Scrape-Timeout-Seconds")).value_or(0);
  double seconds = kDefaultTimeout;
  if (given > 0 && given < kDefaultTimeout) {
    seconds = given > 2 * kTimeoutOffset ? given - kTimeoutOffset : given / 2;
  }
  if (of_module > 0ms) {
    seconds = std::min(seconds, std::chrono::duration<double>(of_module).count());
  }
  return std::chrono::nanoseconds(static_cast<int64_t>(std::max(seconds, kLeastTimeout) * 1e9));
}

net::HttpResponse answer_of(const Outcome& outcome, std::chrono::nanoseconds took, bool debug) {
  std::string text = exposition(outcome, took);
  if (debug) {
    text.insert(0, outcome.success ? "The probe succeeded.\n\n"
                                   : "The probe failed: " + outcome.reason + "\n\n");
  }
  auto response = net::text_response(200, std::move(text));
  response.headers.set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
  return response;
}

}  // namespace

struct Prober::Impl : std::enable_shared_from_this<Prober::Impl> {
  explicit Impl(ProberDeps d)
      : deps(d),
        probes(
            deps.metrics.counter<"module", "result">("strata_probes_total", "Probes that ended.")),
        refused(
            deps.metrics.counter("strata_probes_refused_total",
                                 "Probes not begun: too many ran, the module is unknown, or the "
                                 "target is not allowed.")) {}

  net::HttpResponse refuse(int status, std::string why) {
    refused.inc();
    return net::text_response(status, std::move(why) + "\n");
  }
  void start(std::shared_ptr<const Module> module, ProbeRequest request, bool debug,
             Prober::Done done);
  std::shared_ptr<const Module> make(const config::ProbeModule& config) const;

  const ProberDeps deps;
  metrics::Family<metrics::Counter, "module", "result">& probes;
  metrics::Counter& refused;
  Snapshot<Modules> modules{std::make_shared<const Modules>()};
  std::atomic<size_t> running = 0;
};

Prober::Prober(ProberDeps deps) : impl_(std::make_shared<Impl>(deps)) {}
Prober::~Prober() = default;

std::shared_ptr<const Module> Prober::Impl::make(const config::ProbeModule& config) const {
  auto module = std::make_shared<Module>();
  module->config = config;
  const auto fetch = [&client = deps.http](auto request, auto done) {
    client.fetch(std::move(request), std::move(done));
  };
  const bool canary = config.prober == config::ProbeKind::kCanary;
  module->peer = std::make_shared<const discover::PeerClient>(
      fetch, canary ? config.canary.http : config.http.http, deps.fs, deps.clock);
  return module;
}

void Prober::configure(std::span<const config::ProbeModule> modules) {
  auto next = std::make_shared<Modules>();
  for (const auto& module : modules) next->emplace(module.name, impl_->make(module));
  impl_->modules.set(std::move(next));
}

void Prober::answer(const net::HttpRequest& request, std::stop_token stop, Done done) {
  net::FormValues parameters;
  if (auto parsed = net::parse_form(request.query, parameters); !parsed) {
    return done(impl_->refuse(400, parsed.error().message));
  }
  const std::string name(parameters.get("module").value_or(kDefaultModule));
  const auto modules = impl_->modules.get();
  const auto found = modules->find(name);
  if (found == modules->end()) {
    return done(impl_->refuse(
        400, "unknown module \"" + name + "\": modules stand under probes in --strata.config"));
  }
  const auto& config = found->second->config;
  ProbeRequest probe{.target = std::string(parameters.get("target").value_or("")),
                     .hostname = std::string(parameters.get("hostname").value_or("")),
                     .timeout = timeout_of(request, config.timeout),
                     .stop = std::move(stop)};
  if (probe.target.empty()) return done(impl_->refuse(400, "parameter target is missing"));
  const auto& allowed = config.allowed_targets;
  const auto permits = [&](const Regex& pattern) { return pattern.full_match(probe.target); };
  if (!allowed.empty() && std::ranges::none_of(allowed, permits)) {
    return done(impl_->refuse(400, "module " + name + " does not allow this target"));
  }
  if (++impl_->running > kMaxRunning) {
    --impl_->running;
    return done(impl_->refuse(503, "too many probes run"));
  }
  impl_->start(found->second, std::move(probe), parameters.get("debug") == "true", std::move(done));
}

void Prober::Impl::start(std::shared_ptr<const Module> module, ProbeRequest request, bool debug,
                         Prober::Done done) {
  const auto began = deps.clock.steady();
  probe::Done ended = [self = shared_from_this(), module, began, debug,
                       done = std::move(done)](const Outcome& outcome) mutable {
    --self->running;
    self->probes.with(module->config.name, outcome.success ? "success" : "failure").inc();
    done(answer_of(outcome, self->deps.clock.steady() - began, debug));
  };
  const auto& config = module->config;
  switch (config.prober) {
    case config::ProbeKind::kUnset: break;
    case config::ProbeKind::kHttp:
      return probe_http(*module->peer, config.http, request, std::move(ended));
    case config::ProbeKind::kTcp: return probe_tcp(deps.tcp, config.tcp, request, std::move(ended));
    case config::ProbeKind::kCanary:
      return probe_canary(module->peer, config.canary, request, std::move(ended));
  }
  Outcome none;
  none.fail("the module has no prober");
  ended(std::move(none));
}

}  // namespace strata::probe
