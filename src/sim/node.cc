#include "sim/node.h"

#include <algorithm>
#include <cmath>

#include "sim/scenario.h"

namespace strata::sim {
namespace {

// A GPU's id as NVIDIA prints it, from the node's seed: the same in every run.
std::string uuid_of(uint64_t seed, uint32_t gpu) {
  Random random = Random::of(seed, 1000 + gpu);
  const uint64_t a = random.next();
  const uint64_t b = random.next();
  return fmt::format("GPU-{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", a >> 32, (a >> 16) & 0xFFFF,
                     (a & 0x0FFF) | 0x4000, (b >> 48 & 0x3FFF) | 0x8000, b & 0xFFFFFFFFFFFF);
}

}  // namespace

Node::Node(NodeOptions options, const Scenario& scenario)
    : options_(std::move(options)),
      scenario_(scenario),
      engine_of_(options_.gpus, -1),
      host_(options_.seed * 31 + 7) {
  engines_.reserve(options_.engines.size());
  for (size_t i = 0; i < options_.engines.size(); ++i) {
    const EngineSpec& spec = options_.engines[i];
    engines_.emplace_back(spec.options);
    const auto tp = static_cast<uint32_t>(spec.options.placement.tp);
    for (uint32_t gpu = 0; gpu < tp; ++gpu) engine_of_[spec.first_gpu + gpu] = static_cast<int>(i);
  }
  gpus_.reserve(options_.gpus);
  for (uint32_t i = 0; i < options_.gpus; ++i) {
    gpus_.emplace_back(*options_.gpu, uuid_of(options_.seed, i), options_.seed * 131 + i);
  }
}

void Node::advance_to(double seconds) {
  while (now() + kTick <= seconds) tick();
}

void Node::tick() {
  conditions_.engines.assign(engines_.size(), {});
  conditions_.gpus.assign(gpus_.size(), {});
  conditions_.host = {};
  conditions_.targets = {};
  scenario_.apply(options_.index, now(), conditions_);

  std::vector<double> slowest(engines_.size(), 1);
  for (size_t i = 0; i < gpus_.size(); ++i) {
    if (engine_of_[i] < 0) continue;
    const auto engine = static_cast<size_t>(engine_of_[i]);
    slowest[engine] = std::min(slowest[engine], gpus_[i].readings().clock);
    if (conditions_.gpus[i].lost) conditions_.engines[engine].down = true;
  }
  ++ticks_;
  HostLoad load;
  for (size_t i = 0; i < engines_.size(); ++i) {
    Engine& engine = engines_[i];
    const EngineCounters& counters = engine.counters();
    const double cpu = counters.cpu_seconds;
    const auto tokens = counters.generated_tokens;
    conditions_.engines[i].clock = slowest[i];
    engine.advance(now(), conditions_.engines[i]);
    if (!engine.up()) continue;
    ++load.engines;
    load.cpu_seconds += std::max(0.0, counters.cpu_seconds - cpu);
    load.tokens += static_cast<double>(counters.generated_tokens -
                                       std::min(tokens, counters.generated_tokens));
  }
  load.requests = load.tokens / 200;
  for (size_t i = 0; i < gpus_.size(); ++i) {
    const int owner = engine_of_[i];
    const bool used = owner >= 0 && engines_[static_cast<size_t>(owner)].up();
    const auto engine = static_cast<size_t>(std::max(0, owner));
    gpus_[i].advance(kTick, conditions_.gpus[i], used ? &engines_[engine].load() : nullptr,
                     used ? &engines_[engine].options().placement : nullptr,
                     owner >= 0 ? slowest[engine] : 1);
  }
  host_.advance(kTick, conditions_.host, load);
}

}  // namespace strata::sim
