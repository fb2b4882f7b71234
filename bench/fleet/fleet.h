// A seeded fleet of model-serving nodes, as Prometheus sees it: for each node its inference engine
// (vLLM), its GPUs (dcgm-exporter) and its host (node_exporter). What the benchmarks measure on.
//
// Values move as in life: the node's load rises and falls by day and by minute, requests arrive by
// Poisson, each falls into its buckets, sums are full doubles, ratios are k/N, and series stand
// still only in the share that they do on real nodes (the hosts' errors, limits and sizes).
//
// Owned by one program of bench/; not thread-safe.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "fleet/motion.h"
#include "fleet/page.h"

namespace strata::bench {

class Target {
 public:
  explicit Target(NumberStyle style) : page_(style) {}
  virtual ~Target() = default;
  Page& page() { return page_; }
  /// Lets `seconds` pass, until `now` (seconds since the epoch), under that load.
  virtual void advance(double now, double seconds, double load) = 0;

 protected:
  Page page_;
};

/// vLLM with two data-parallel ranks: about 900 lines. `narrow`: requests are much alike, so that
/// most buckets stand still.
std::unique_ptr<Target> make_engine(uint64_t seed, bool narrow);
/// dcgm-exporter of eight H100: about 300 lines.
std::unique_ptr<Target> make_gpus(uint64_t seed, std::string_view host);
/// node_exporter of a host with 32 CPUs: about 900 lines.
std::unique_ptr<Target> make_host(uint64_t seed, std::string_view host);

enum class TargetKind : uint8_t { kEngine, kGpu, kHost };
inline constexpr std::array kTargetKinds = {TargetKind::kEngine, TargetKind::kGpu,
                                            TargetKind::kHost};
/// The job under which it is scraped: "vllm", "dcgm", "node".
std::string_view job_of(TargetKind kind);

struct FleetOptions {
  size_t nodes = 1;
  uint64_t seed = 1;
  bool narrow = false;
  /// What passes from one step to the next, whatever the scrape interval is.
  double step_seconds = 15;
  /// When step 0 is, in seconds since the epoch: where a block of two hours begins.
  double start = 1'749'996'000;
  std::vector<TargetKind> kinds = {kTargetKinds.begin(), kTargetKinds.end()};
};

class Fleet {
 public:
  struct Member {
    TargetKind kind{};
    std::string instance;  // "gpu-0001:8000"
    std::unique_ptr<Target> target;
    Load load{0};
    int64_t step = 0;
    std::string body = {};  // of `step`; empty: not rendered yet
  };

  explicit Fleet(const FleetOptions& options);

  size_t size() const { return members_.size(); }
  const Member& member(size_t i) const { return members_[i]; }
  size_t lines() const;

  /// The page of target i at `step`; one that lies behind the target's stays where it is. A gap of
  /// more than kMaxSteps is crossed in kMaxSteps.
  Page& at_step(size_t i, int64_t step);
  /// The same as text.
  const std::string& body_at_step(size_t i, int64_t step);

  static constexpr int64_t kMaxSteps = 8;

 private:
  FleetOptions options_;
  std::vector<Member> members_;
};

}  // namespace strata::bench
