#include "gateway/router.h"

#include <algorithm>

#include "base/hash.h"
#include "base/log.h"
#include "net/loop_impl.h"

namespace strata::gateway {
namespace {

constexpr std::chrono::milliseconds kIdleTimeout{60'000};
constexpr std::chrono::seconds kLoadHolds{3};  // what an engine said is old after that
constexpr double kBytesPerToken = 4;
constexpr double kLeastRoom = 0.05;  // of a KV cache that is full
constexpr double kBound = 1.25;      // of the mean load: beyond it affinity yields

net::HttpClientOptions pool_options() {
  net::HttpClientOptions options;
  options.max_idle_per_host = options.max_idle_connections;
  options.idle_timeout = kIdleTimeout;
  return options;
}

net::TlsOptions tls_of(const config::TlsConfig& config) {
  net::TlsOptions tls;
  tls.ca_file = config.ca_file;
  tls.ca_pem = config.ca;
  tls.cert_file = config.cert_file;
  tls.cert_pem = config.cert;
  tls.key_file = config.key_file;
  tls.key_pem = config.key.reveal();
  tls.server_name = config.server_name;
  tls.insecure_skip_verify = config.insecure_skip_verify;
  return tls;
}

}  // namespace

Upstream::Upstream(net::Loop& loop, const config::GatewayUpstream& config,
                   std::string authorization)
    : config_(config),
      url_(net::parse_url(config.url).value_or(net::Url())),
      tls_(tls_of(config.tls)),
      authorization_(std::move(authorization)),
      pool_options_(pool_options()),
      pool_(loop.impl().io, pool_options_) {
  if (lists_models()) last_model = config_.models.front();
}

bool Upstream::serves(std::string_view model) const {
  return model.empty() || !lists_models() ||
         std::ranges::find(config_.models, model) != config_.models.end();
}

bool Upstream::counts_running() const {
  return config_.kind == config::UpstreamKind::kVllm ||
         config_.kind == config::UpstreamKind::kSglang;
}

double Upstream::load() const {
  double requests = static_cast<double>(in_flight + 1);
  requests += static_cast<double>(prompt_bytes) / (kBytesPerToken * kTokensOfARequest);
  double room = 1;
  if (std::chrono::steady_clock::now() - load_seen < kLoadHolds) {
    requests += foreign + waiting;
    room = std::max(kLeastRoom, 1 - kv_usage);
  }
  return requests / room / static_cast<double>(config_.weight);
}

Router::Router(config::RoutingPolicy policy, std::vector<std::shared_ptr<Upstream>> upstreams,
               Canary canary)
    : policy_(policy), upstreams_(std::move(upstreams)), canary_(std::move(canary)) {}

bool Router::serves(std::string_view model) const {
  return std::ranges::any_of(upstreams_, [&](const auto& one) { return one->serves(model); });
}

bool Router::lists(std::string_view model) const {
  return std::ranges::any_of(
      upstreams_, [&](const auto& one) { return one->lists_models() && one->serves(model); });
}

std::shared_ptr<Upstream> Router::choose(std::string_view model, uint64_t prefix,
                                         std::span<const Upstream* const> tried) {
  // Those in favour; when there are none, whoever serves the model is better than nobody.
  for (const bool aside : {false, true}) {
    candidates_.clear();
    for (const auto& one : upstreams_) {
      if (one->aside_ == aside && one->serves(model) &&
          std::ranges::find(tried, one.get()) == tried.end()) {
        candidates_.push_back(one.get());
      }
    }
    if (!candidates_.empty()) break;
  }
  if (candidates_.empty()) return nullptr;
  const Upstream* chosen = nullptr;
  switch (policy_) {
    case config::RoutingPolicy::kRoundRobin: chosen = round_robin(candidates_); break;
    case config::RoutingPolicy::kLeastLoaded: chosen = least_loaded(candidates_); break;
    case config::RoutingPolicy::kTwoChoices: chosen = two_choices(candidates_); break;
    case config::RoutingPolicy::kPrefixAffinity: chosen = by_prefix(candidates_, prefix); break;
  }
  return *std::ranges::find(upstreams_, chosen, &std::shared_ptr<Upstream>::get);
}

Upstream* Router::round_robin(std::span<Upstream* const> among) {
  uint64_t all = 0;
  for (const Upstream* one : among) all += one->config_.weight;
  uint64_t at = turn_++ % all;
  for (Upstream* one : among) {
    if (at < one->config_.weight) return one;
    at -= one->config_.weight;
  }
  return among.back();
}

Upstream* Router::least_loaded(std::span<Upstream* const> among) {
  return *std::ranges::min_element(among, {}, [](const Upstream* one) { return one->load(); });
}

Upstream* Router::two_choices(std::span<Upstream* const> among) {
  if (among.size() == 1) return among[0];
  const size_t first = random_() % among.size();
  const size_t second = (first + 1 + random_() % (among.size() - 1)) % among.size();
  return among[first]->load() <= among[second]->load() ? among[first] : among[second];
}

/// Rendezvous hashing, and consistent hashing's bounded loads (Mirrokni et al., 2016): the first in
/// the prompt's own order that is not busier than its share.
Upstream* Router::by_prefix(std::span<Upstream* const> among, uint64_t prefix) {
  double all = 0;
  for (const Upstream* one : among) all += one->load();
  const double bound = kBound * all / static_cast<double>(among.size());
  Upstream* best = nullptr;
  uint64_t best_score = 0;
  for (Upstream* one : among) {
    if (one->load() > bound) continue;
    const uint64_t score = hash64(one->name(), prefix);
    if (best == nullptr || score > best_score) {
      best = one;
      best_score = score;
    }
  }
  return best != nullptr ? best : least_loaded(among);
}

void Router::succeeded(Upstream& upstream) { upstream.failures_ = 0; }

void Router::failed(const std::shared_ptr<Upstream>& upstream) {
  if (++upstream->failures_ < kFailures || upstream->aside_) return;
  const auto aside = std::ranges::count_if(upstreams_, [](const auto& one) { return one->aside_; });
  if (static_cast<size_t>(aside + 1) * 2 > upstreams_.size()) return;
  upstream->aside_ = true;
  upstream->back_off_ = kFirstPause;
  log_warn("an upstream is set aside", {{"upstream", upstream->name()}});
  canary_(upstream, upstream->back_off_);
}

void Router::readmit(Upstream& upstream) {
  if (!upstream.aside_) return;
  upstream.aside_ = false;
  upstream.failures_ = 0;
  log_info("an upstream is back", {{"upstream", upstream.name()}});
}

void Router::still_failing(const std::shared_ptr<Upstream>& upstream) {
  upstream->back_off_ = std::min(upstream->back_off_ * 2, kLongestPause);
  canary_(upstream, upstream->back_off_);
}

}  // namespace strata::gateway
