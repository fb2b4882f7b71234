// Who asks what of an engine: Poisson-like but bursty arrivals, lengths that are lognormal, tenants
// that are Zipf. Every request takes the same draws whatever the conditions are, so that a run with
// a fault and one without, of one seed, differ by the fault alone.
//
// Owned by an engine. Memory: the arrivals of one call.
#pragma once
#include <cstdint>
#include <vector>

#include "sim/conditions.h"
#include "sim/random.h"

namespace strata::sim {

inline constexpr uint32_t kTenants = 8;
/// In place of a tenant: the request came past the gateway, which knows nothing of it.
inline constexpr uint32_t kDirect = kTenants;

struct Workload {
  double requests_per_second = 2;
  double burstiness = 1.1;     // coefficient of variation of the gaps
  double prompt_median = 980;  // tokens that are the request's own
  double prompt_sigma = 0.8;
  double shared_prefix = 800;     // tokens that many requests begin with
  double hit_probability = 0.94;  // that the prefix is in the cache
  double output_median = 160;
  double output_sigma = 0.9;
  double daily = 0;            // amplitude of the day's swing, 0 to 1; the peak is at 15:00 UTC
  uint32_t max_tokens = 1024;  // of an output
  uint32_t max_model_len = 32768;
};

struct Request {
  double arrived = 0;    // at the engine
  double frontend = 0;   // seconds before that, in the API server
  double proxy = 0;      // seconds before that, at the gateway
  double scheduled = 0;  // last time
  double first_token = -1;
  double patience = 1e9;  // seconds until the client leaves for want of a first token
  uint32_t prompt = 0;
  uint32_t cached = 0;
  uint32_t output = 0;     // tokens that it will have
  double leaves_at = 1e9;  // tokens after which the client leaves
  bool reaches_limit = false;
  bool refused = false;  // by HTTP, with 4xx
  bool fails = false;    // by an error of the engine, at its end
  uint32_t tenant = 0;
  uint32_t preemptions = 0;
  // While it runs.
  uint32_t to_prefill = 0;
  uint32_t prefilled = 0;
  double generated = 0;
};

class Arrivals {
 public:
  Arrivals(const Workload& workload, uint64_t seed);

  /// Appends the requests that arrive in [from, until), in order. `unix_time` is that of `from`.
  void between(double from, double until, double unix_time, const EngineConditions& conditions,
               double kv_usage, std::vector<Request>& out);

  const Workload& workload() const { return workload_; }
  void set_rate(double requests_per_second) { workload_.requests_per_second = requests_per_second; }

 private:
  Request draw(const EngineConditions& conditions, double kv_usage);

  Workload workload_;
  Random gaps_;
  Random requests_;
  double gap_;  // until the next arrival, in mean gaps
};

}  // namespace strata::sim
