// One inference engine: continuous batching over a paged KV cache, as vLLM's scheduler does it.
//
// The idea: nothing happens to a batch between an arrival, the end of a request, a prefill and the
// exhaustion of the cache; steps between two of those differ only by a context that grows by a
// token a request. So a run of decode steps is one event with a closed form, and the cost is a few
// hundred nanoseconds an event whatever the number of tokens: exact, and cheap enough for thousands
// of engines. The cache is counted in tokens, not in blocks of 16 (an error of half a block a
// request).
//
// Scheduling: first come, first served; decoding requests first, then prefills in chunks, then new
// requests while there are sequences and room for their prompts. Without room for the next tokens
// the newest request is thrown out, and its prompt and tokens computed again later.
//
// One thread. Bounds: kMaxWaiting requests, max_num_seqs running.
#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "sim/conditions.h"
#include "sim/engine_counters.h"
#include "sim/hardware.h"
#include "sim/workload.h"

namespace strata::sim {

struct EngineOptions {
  Placement placement;
  Workload workload;
  uint32_t max_num_seqs = 256;
  bool speculative = false;  // a draft model proposes kDraftTokens tokens a step
  uint64_t seed = 1;
  double start_unix = 0;  // wall time of simulated second 0
};

/// What the GPUs of an engine did in the last advance().
struct EngineLoad {
  double prefill_share = 0;  // of the time: steps that prefill
  double decode_share = 0;   // steps that only decode
  double tokens_per_second = 0;
  double running = 0;              // mean batch over those steps
  double stalled_share = 0;        // of the time: steps that wait for the host
  double communicating_share = 0;  // and for their peers, beyond what is usual
  bool spinning = false;           // kernels that wait: busy, and doing nothing
};

class Engine {
 public:
  static constexpr size_t kMaxWaiting = 20'000;
  static constexpr uint32_t kDraftTokens = 3;

  explicit Engine(EngineOptions options);

  /// Simulates up to `until` seconds under `conditions`. REQUIRES: `until` does not go back.
  void advance(double until, const EngineConditions& conditions);

  /// A request from outside joins those that arrive by themselves, at the beginning of the next
  /// advance(): it waits, runs and is counted as they are. False: too many wait.
  bool submit(const Request& request);

  bool up() const { return up_; }
  const EngineOptions& options() const { return options_; }
  const EngineConditions& conditions() const { return conditions_; }
  const EngineCounters& counters() const { return counters_; }
  /// Those that no restart takes away: what the gateway in front of it saw.
  const GatewayCounters& gateway() const { return gateway_; }
  const EngineLoad& load() const { return load_; }

  size_t running() const { return running_.size(); }
  size_t waiting() const { return waiting_.size() + deferred(); }
  size_t deferred() const { return up_ ? static_cast<size_t>(conditions_.deferred) : 0; }
  /// 0 to 1, of the cache that there is.
  double kv_usage() const;
  double kv_capacity_tokens() const { return capacity_ * conditions_.kv; }
  /// Wall time at which the process started; what is in counters() was counted since.
  double process_start_unix() const { return process_start_; }

  /// Seconds that a request which came now would take to its first token and from one to the next.
  double expected_ttft(double prompt) const;
  double expected_itl() const;

  /// Called at each first token with the time to it: exact, where buckets are coarse.
  void on_first_token(std::function<void(double seconds)> hook) { first_token_ = std::move(hook); }
  /// The same for each gap between tokens, with how many there were of that length.
  void on_gap(std::function<void(double seconds, double times)> hook) { gap_ = std::move(hook); }

 private:
  void take_arrivals();
  void drop_impatient();
  void admit();
  void mixed_step();
  void decode_run(double until);
  void make_room(double tokens);
  void preempt_newest();
  /// `steps` steps gave request `r` its tokens; true when it is over.
  bool give_tokens(Request& r, double steps);
  void first_token(Request& r);
  void finish(const Request& r, Outcome outcome);
  void remove_finished();
  void fail_everything();
  void put_to_sleep();
  void restart(double at);
  double step(double prefill, double decoding, double context);
  void count_step(double seconds, double prefill, size_t decoding, double steps);
  uint32_t max_seqs() const;

  const EngineOptions options_;
  const double capacity_;
  EngineConditions conditions_;
  Arrivals arrivals_;
  Random jitter_;
  EngineCounters counters_;
  GatewayCounters gateway_;
  EngineLoad load_;
  double now_ = 0;
  double process_start_;
  bool up_ = true;
  uint32_t seen_restarts_ = 0;

  std::vector<Request> submitted_;
  std::vector<Request> arriving_;  // of this advance(), from next_ on not yet arrived
  size_t next_ = 0;
  std::deque<Request> waiting_;
  std::vector<Request> running_;   // in the order of admission
  std::vector<uint8_t> finished_;  // parallel to running_, within a step
  double context_ = 0;      // tokens that running requests hold, what is to be prefilled included
  double unfilled_ = 0;     // of these, not computed yet
  double spec_tokens_ = 1;  // tokens a step gives
  double generated_fraction_ = 0;
  double accepted_fraction_ = 0;
  std::function<void(double)> first_token_;
  std::function<void(double, double)> gap_;
};

}  // namespace strata::sim
