// One machine of the fleet: its GPUs, the engines on them and the host, advanced together in ticks
// of a second, so that what one of them does reaches the others a second later. A node is advanced
// when it is asked for; how often and when that is changes nothing of what it simulates.
//
// One thread (nodes are independent of each other).
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "sim/conditions.h"
#include "sim/engine.h"
#include "sim/gpu.h"
#include "sim/host.h"

namespace strata::sim {

class Scenario;

/// How an engine spells its metrics.
enum class Dialect : uint8_t { kVllm, kVllm07, kSglang };

struct EngineSpec {
  EngineOptions options;
  Dialect dialect = Dialect::kVllm;
  uint32_t first_gpu = 0;  // it has placement.tp from here on
};

struct NodeOptions {
  uint32_t index = 0;
  std::string name;  // "node-3"
  const GpuModel* gpu = nullptr;
  uint32_t gpus = 8;
  std::vector<EngineSpec> engines;
  uint64_t seed = 1;
};

/// Conditions of all parts of a node, in the order of its parts.
struct NodeConditions {
  std::vector<EngineConditions> engines;
  std::vector<GpuConditions> gpus;
  HostConditions host;
  TargetConditions targets;
};

class Node {
 public:
  static constexpr double kTick = 1;  // seconds

  /// `scenario` outlives the node.
  Node(NodeOptions options, const Scenario& scenario);

  /// Simulates whole ticks up to `seconds`; never back.
  void advance_to(double seconds);

  double now() const { return static_cast<double>(ticks_) * kTick; }
  const NodeOptions& options() const { return options_; }
  const std::string& name() const { return options_.name; }
  const std::vector<Engine>& engines() const { return engines_; }
  std::vector<Engine>& engines() { return engines_; }
  const std::vector<Gpu>& gpus() const { return gpus_; }
  const Host& host() const { return host_; }
  const NodeConditions& conditions() const { return conditions_; }
  /// The index of the engine on a GPU; -1: none.
  int engine_of(uint32_t gpu) const { return engine_of_[gpu]; }

 private:
  void tick();

  const NodeOptions options_;
  const Scenario& scenario_;
  std::vector<Engine> engines_;
  std::vector<Gpu> gpus_;
  std::vector<int> engine_of_;
  Host host_;
  NodeConditions conditions_;
  uint64_t ticks_ = 0;
};

}  // namespace strata::sim
