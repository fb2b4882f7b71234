// What an engine's process counts (lost when it restarts), and what the gateway before it counts.
// Values; bucket bounds are vLLM's, from which other dialects take their own view.
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "sim/counts.h"
#include "sim/workload.h"

namespace strata::sim {

enum class Outcome : uint8_t { kStop, kLength, kAbort, kError, kRepetition };
inline constexpr size_t kOutcomes = 5;

std::span<const double> ttft_bounds();
std::span<const double> token_latency_bounds();
std::span<const double> request_latency_bounds();
/// 1, 2, 5, 10, … up to max_model_len.
std::span<const double> token_count_bounds();
std::span<const double> iteration_bounds();
std::span<const double> small_bounds();       // 1 2 5 10 20
std::span<const double> preemption_bounds();  // 1 2 3 4 5 10 20
std::span<const double> transfer_bounds();
std::span<const double> gateway_bounds();

struct EngineCounters {
  Counts ttft{ttft_bounds()};
  Counts inter_token{token_latency_bounds()};
  Counts per_output_token{token_latency_bounds()};
  Counts e2e{request_latency_bounds()};
  Counts queue{request_latency_bounds()};
  Counts inference{request_latency_bounds()};
  Counts prefill{request_latency_bounds()};
  Counts decode{request_latency_bounds()};
  Counts prompt_length{token_count_bounds()};
  Counts output_length{token_count_bounds()};
  Counts max_tokens{token_count_bounds()};
  Counts computed_length{token_count_bounds()};
  Counts params_n{small_bounds()};
  Counts request_preemptions{preemption_bounds()};
  Counts iteration{iteration_bounds()};
  Counts kv_transfer{transfer_bounds()};
  std::array<uint64_t, kOutcomes> finished{};
  uint64_t prompt_tokens = 0;
  uint64_t cached_tokens = 0;
  uint64_t generated_tokens = 0;
  uint64_t prefix_queries = 0;
  uint64_t prefix_hits = 0;
  uint64_t preemptions = 0;
  uint64_t drafts = 0;
  uint64_t draft_tokens = 0;
  uint64_t accepted_tokens = 0;
  uint64_t http_ok = 0;
  uint64_t http_refused = 0;  // 4xx
  uint64_t http_failed = 0;   // 5xx
  uint64_t transfer_failures = 0;
  double flops = 0;  // a GPU
  double cpu_seconds = 0;
  double step_count = 0;
};

/// One tenant's use of one engine, as the gateway sees it.
struct TenantCounters {
  Counts duration{gateway_bounds()};
  Counts ttft{gateway_bounds()};
  Counts per_token{gateway_bounds()};
  uint64_t ok = 0;
  uint64_t cancelled = 0;
  uint64_t failed = 0;      // 5xx: the engine was not there, or lost the request
  uint64_t refused = 0;     // 4xx
  uint64_t overloaded = 0;  // 503
  uint64_t input_tokens = 0;
  uint64_t cached_tokens = 0;
  uint64_t output_tokens = 0;
  uint64_t slo_good = 0;
  uint64_t slo_total = 0;
};

struct GatewayCounters {
  /// The last one is of requests that came past it: kDirect.
  std::vector<TenantCounters> tenants = std::vector<TenantCounters>(kTenants + 1);
};

}  // namespace strata::sim
