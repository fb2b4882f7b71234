// What a fault leaves in the store of whoever watches the fleet, beside a run of the same seed
// without it. Everything is asked for in PromQL.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "fleet/fleet_history.h"

namespace strata {

/// The scrapes of a node with two engines of 70B from the onset of a fault on. A selection is a
/// name with or without matchers: `vllm:num_requests_waiting`, `DCGM_FI_DEV_XID_ERRORS{gpu="0"}`;
/// what an engine says of itself is the first engine's unless there is an instance in it.
class Observed {
 public:
  static constexpr double kOnset = 300;
  static constexpr double kEnd = 660;
  static constexpr double kScrape = 15;

  Observed(std::string_view fault, double severity, const sim::FleetOptions& fleet, int engine = 0);

  /// As of the last scrape: the sum over the selected series; NaN without any.
  double last(std::string_view selection) const;
  /// How much that grew since the onset; what began later counts from 0.
  double grown(std::string_view selection) const;
  double rate(std::string_view selection) const { return grown(selection) / (kEnd - kOnset); }
  /// The mean of a gauge over the later two thirds; the most it had there.
  double mean(std::string_view selection) const;
  double most(std::string_view selection) const;
  bool has(std::string_view selection) const;
  /// The mean of a histogram's observations since the onset.
  double observed(std::string_view histogram) const;
  /// The q-quantile of them, as histogram_quantile() reads it from the buckets.
  double quantile(double q, std::string_view histogram) const;
  /// Any expression, as of the last scrape.
  double value(std::string_view expression) const { return history_.value(expression); }

  double ttft() const { return observed("vllm:time_to_first_token_seconds"); }
  double gap() const { return observed("vllm:inter_token_latency_seconds"); }
  double queue_time() const { return observed("vllm:request_queue_time_seconds"); }
  double prefill_time() const { return observed("vllm:request_prefill_time_seconds"); }
  double prompt_length() const { return observed("vllm:request_prompt_tokens"); }
  double output_length() const { return observed("vllm:request_generation_tokens"); }
  double kv() const { return mean("vllm:kv_cache_usage_perc"); }
  double running() const { return mean("vllm:num_requests_running"); }
  double waiting() const { return mean("vllm:num_requests_waiting"); }
  double tokens() const { return grown("vllm:generation_tokens_total"); }
  double preemptions() const { return grown("vllm:num_preemptions_total"); }
  double arrivals() const { return grown("vllm:time_to_first_token_seconds_count"); }
  double hit_share() const {
    return grown("vllm:prefix_cache_hits_total") / grown("vllm:prefix_cache_queries_total");
  }

 private:
  const FleetHistory history_;
};

/// One seed with the fault and without.
struct FaultPair {
  explicit FaultPair(std::string_view fault, double severity = 1,
                     const sim::FleetOptions& fleet = {}, int engine = 0)
      : ill(fault, severity, fleet, engine), well({}, 0, fleet) {}
  const Observed ill;
  const Observed well;
};

}  // namespace strata
