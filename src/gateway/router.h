// Which engine gets a request: the upstreams, how busy each is, which ones are out of favour.
//
// An upstream that fails kFailures times in a row is set aside, never more than half of them, and
// asked for one token after a while; when it answers it is back. /health is no evidence: engines
// answer it while their core hangs.
//
// Used on the loop's thread only. An Upstream is shared with the requests that it serves, so that a
// reload does not cut them. Bounds: the configuration's number of upstreams.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/gateway_config.h"
#include "net/connection_pool.h"
#include "net/tls.h"
#include "net/url.h"

namespace strata::gateway {

class Upstream {
 public:
  static constexpr double kTokensOfARequest = 8192;
  using Time = std::chrono::steady_clock::time_point;

  /// `config` was checked; `authorization` replaces the client's when it is not empty.
  Upstream(net::Loop& loop, const config::GatewayUpstream& config, std::string authorization);

  const std::string& name() const { return config_.name; }
  const config::GatewayUpstream& config() const { return config_; }
  const net::Url& url() const { return url_; }
  const net::TlsOptions& tls() const { return tls_; }
  const std::string& authorization() const { return authorization_; }
  bool serves(std::string_view model) const;
  bool lists_models() const { return !config_.models.empty(); }
  /// continuous_usage_stats.
  bool counts_running() const;
  bool asks_usage() const { return config_.kind != config::UpstreamKind::kOther; }

  std::unique_ptr<net::Stream> take_idle() { return pool_.take({}); }
  void give_back(std::unique_ptr<net::Stream> stream) { pool_.give_back({}, std::move(stream)); }

  /// Requests that it has now.
  uint64_t in_flight = 0;
  /// Bytes of their prompts.
  uint64_t prompt_bytes = 0;
  /// What its /metrics said at `load_seen`: requests that others gave it, those of all that wait,
  /// and how much of its KV cache is in use, 0 to 1.
  double foreign = 0;
  double waiting = 0;
  double kv_usage = 0;
  Time load_seen{};
  /// It refused stream_options: not asked again until then.
  Time no_usage_until{};
  /// That it answered last: what the canary asks for.
  std::string last_model;

 private:
  friend class Router;
  /// How much it has to do for its weight: less is better. Requests, those that wait twice, and
  /// kTokensOfARequest tokens of prompts under way count as one more; all of it over the share of
  /// the KV cache that is free, since an engine whose cache is full preempts and queues.
  double load() const;

  const config::GatewayUpstream config_;
  const net::Url url_;
  const net::TlsOptions tls_;
  const std::string authorization_;
  const net::HttpClientOptions pool_options_;
  net::ConnectionPool pool_;
  uint32_t failures_ = 0;  // in a row
  bool aside_ = false;
  std::chrono::milliseconds back_off_{0};
};

class Router {
 public:
  static constexpr uint32_t kFailures = 3;
  static constexpr std::chrono::milliseconds kFirstPause{2'000};
  static constexpr std::chrono::milliseconds kLongestPause{60'000};

  /// Called when an upstream was set aside: asks it for a token after `pause`, then calls
  /// readmit() or still_failing().
  using Canary =
      std::function<void(std::shared_ptr<Upstream> upstream, std::chrono::milliseconds pause)>;

  Router(config::RoutingPolicy policy, std::vector<std::shared_ptr<Upstream>> upstreams,
         Canary canary);

  /// None of `tried`, which is all there are that serve the model, at worst: then null. `model`
  /// empty: any. `prefix`: a hash of how the prompt begins.
  std::shared_ptr<Upstream> choose(std::string_view model, uint64_t prefix,
                                   std::span<const Upstream* const> tried);
  /// Whether any upstream serves it.
  bool serves(std::string_view model) const;
  /// Whether the configuration names it.
  bool lists(std::string_view model) const;

  void succeeded(Upstream& upstream);
  void failed(const std::shared_ptr<Upstream>& upstream);
  void readmit(Upstream& upstream);
  void still_failing(const std::shared_ptr<Upstream>& upstream);

  std::span<const std::shared_ptr<Upstream>> upstreams() const { return upstreams_; }
  static bool is_aside(const Upstream& upstream) { return upstream.aside_; }

 private:
  Upstream* round_robin(std::span<Upstream* const> among);
  Upstream* two_choices(std::span<Upstream* const> among);
  static Upstream* least_loaded(std::span<Upstream* const> among);
  static Upstream* by_prefix(std::span<Upstream* const> among, uint64_t prefix);

  const config::RoutingPolicy policy_;
  const std::vector<std::shared_ptr<Upstream>> upstreams_;
  const Canary canary_;
  uint64_t turn_ = 0;
  std::minstd_rand random_{std::random_device{}()};
  std::vector<Upstream*> candidates_;  // used again
};

}  // namespace strata::gateway
