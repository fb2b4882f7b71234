// The fleet: nodes with GPUs and engines, behind one gateway, and the scenario that befalls them.
//
// One thread. A node costs what its engines' events cost (a request is about ten) and eight GPUs a
// second; docs/sim.md has the measurement for a thousand nodes.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "sim/node.h"
#include "sim/scenario.h"

namespace strata::sim {

struct FleetOptions {
  uint32_t nodes = 4;
  uint32_t gpus = 8;     // a node
  uint32_t engines = 0;  // of the whole fleet; 0: two a node
  std::vector<std::string> models = {"meta-llama/Llama-3.1-70B-Instruct"};  // taken in turn
  std::string gpu = "h100";
  /// vllm, vllm-0.7, sglang, or mix: mostly vLLM.
  std::string engine = "mix";
  double requests_per_second = 2;  // of each engine, at noon
  double daily = 0;                // amplitude of the day's swing
  bool speculative = false;
  uint64_t seed = 1;
  double start_unix = 0;  // wall time of simulated second 0
};

class Fleet {
 public:
  static constexpr uint32_t kMaxNodes = 10'000;
  static constexpr uint32_t kMaxGpus = 16;

  /// Error: kBadData: unknown names, engines that do not fit.
  static Result<std::unique_ptr<Fleet>> create(FleetOptions options, Scenario scenario);

  const FleetOptions& options() const { return options_; }
  const Scenario& scenario() const { return scenario_; }
  const std::vector<std::unique_ptr<Node>>& nodes() const { return nodes_; }
  /// Null when there is none of that index.
  Node* node(size_t index) const { return index < nodes_.size() ? nodes_[index].get() : nullptr; }
  void advance_to(double seconds);
  double unix_time(double seconds) const { return options_.start_unix + seconds; }

  /// How many GPUs an engine of that model takes on that GPU: the fewest of 1, 2, 4, 8 with room
  /// for a cache; 0: it does not fit.
  static int tensor_parallel(const Model& model, const GpuModel& gpu);

 private:
  Fleet(FleetOptions options, Scenario scenario)
      : options_(std::move(options)), scenario_(std::move(scenario)) {}
  Result<> build();

  FleetOptions options_;
  const Scenario scenario_;
  std::vector<std::unique_ptr<Node>> nodes_;
};

}  // namespace strata::sim
