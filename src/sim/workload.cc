#include "sim/workload.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace strata::sim {
namespace {

constexpr double kDay = 86400;
constexpr double kPeak = 15 * 3600;
constexpr double kFrontend = 0.030;         // API server, tokeniser, network
constexpr double kFrontendDeviation = 0.3;  // of it
constexpr double kFullCache =
    0.85;  // KV usage above which prefixes are evicted before they are used
constexpr double kLimitShare = 0.04;  // of outputs that end at max_tokens

// Tenants' shares, Zipf with exponent 1.1, as they add up.
const std::array<double, kTenants> kTenantShares = [] {
  std::array<double, kTenants> shares{};
  double sum = 0;
  for (uint32_t i = 0; i < kTenants; ++i) shares[i] = sum += std::pow(i + 1, -1.1);
  for (double& share : shares) share /= sum;
  return shares;
}();

uint32_t tokens(double value, double most) {
  return static_cast<uint32_t>(std::clamp(value, 1.0, most));
}

}  // namespace

Arrivals::Arrivals(const Workload& workload, uint64_t seed)
    : workload_(workload), gaps_(Random::of(seed, 1)), requests_(Random::of(seed, 2)) {
  gap_ = gaps_.gamma_gap(workload_.burstiness);
}

void Arrivals::between(double from, double until, double unix_time,
                       const EngineConditions& conditions, double kv_usage,
                       std::vector<Request>& out) {
  const double phase = 2 * std::numbers::pi * (unix_time - kPeak) / kDay;
  const double rate =
      workload_.requests_per_second * conditions.arrivals * (1 + workload_.daily * std::cos(phase));
  if (rate <= 0) return;
  double at = from;
  while (at + gap_ / rate < until) {
    at += gap_ / rate;
    gap_ = gaps_.gamma_gap(workload_.burstiness);
    Request request = draw(conditions, kv_usage);
    request.arrived = at;
    out.push_back(request);
  }
  gap_ -= (until - at) * rate;
}

Request Arrivals::draw(const EngineConditions& c, double kv_usage) {
  const double own = requests_.lognormal(workload_.prompt_median, workload_.prompt_sigma);
  const double output = requests_.lognormal(workload_.output_median, workload_.output_sigma);
  const double frontend = requests_.normal(1, kFrontendDeviation);
  const double hit = requests_.uniform();
  const double tenant = requests_.uniform();
  const double noisy = requests_.uniform();
  const double patience = requests_.uniform();
  const double limit = requests_.uniform();
  const double abort = requests_.uniform();
  const double giant = requests_.uniform();
  const double refused = requests_.uniform();

  Request request;
  request.frontend = kFrontend * std::clamp(frontend, 0.3, 1.7) + c.frontend;
  request.proxy = c.proxy;
  const double most = workload_.max_model_len - workload_.max_tokens;
  const bool is_giant = giant < c.giant_share;
  request.prompt =
      tokens(is_giant ? c.giant_tokens : own * c.prompt + workload_.shared_prefix, most);
  const double fits = std::clamp((1 - kv_usage) / (1 - kFullCache), 0.0, 1.0);
  if (hit < workload_.hit_probability * c.hit * fits && !is_giant) {
    request.cached = tokens(workload_.shared_prefix, request.prompt - 1.0);
  }
  request.reaches_limit = limit < kLimitShare + c.length_share;
  const double wanted = request.reaches_limit ? workload_.max_tokens : output * c.output;
  // A fault may raise the limit, as who asks for longer answers does.
  request.output = tokens(wanted, workload_.max_tokens * std::max(1.0, c.output));
  request.tenant = static_cast<uint32_t>(std::ranges::lower_bound(kTenantShares, tenant) -
                                         kTenantShares.begin());
  request.tenant = std::min(request.tenant, kTenants - 1);
  if (noisy < c.noisy_share) request.tenant = kTenants / 2;
  // What users put up with: 5 % leave after three seconds without a word, 30 % after five.
  if (patience < 0.30) request.patience = patience < 0.05 ? 3 : 5;
  request.refused = refused < c.refused_share;
  request.fails = refused >= 1 - c.error_share;
  if (abort < c.abort_share) request.leaves_at = request.output * abort / c.abort_share;
  return request;
}

}  // namespace strata::sim
