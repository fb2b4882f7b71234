#include "sim/fleet.h"

#include <algorithm>

#include "config/decode.h"

namespace strata::sim {
namespace {

constexpr double kSmallestCache = 100'000;  // tokens

Result<Dialect> dialect_of(const std::string& word, uint32_t engine) {
  if (word == "vllm") return Dialect::kVllm;
  if (word == "vllm-0.7") return Dialect::kVllm07;
  if (word == "sglang") return Dialect::kSglang;
  if (word != "mix") {
    return bad_data(fmt::format("--engine={}: one of vllm, vllm-0.7, sglang, mix", word));
  }
  // Of eight engines one is of each of the others.
  return engine % 8 == 3 ? Dialect::kSglang : engine % 8 == 6 ? Dialect::kVllm07 : Dialect::kVllm;
}

template <class T>
std::string names_of(std::span<const T> all) {
  std::vector<std::string_view> names;
  for (const T& one : all) names.push_back(one.name);
  return config::one_of(names);
}

}  // namespace

int Fleet::tensor_parallel(const Model& model, const GpuModel& gpu) {
  for (const int tp : {1, 2, 4, 8}) {
    if (Placement{&model, &gpu, tp}.kv_capacity_tokens() >= kSmallestCache) return tp;
  }
  return 0;
}

Result<std::unique_ptr<Fleet>> Fleet::create(FleetOptions options, Scenario scenario) {
  if (options.nodes < 1 || options.nodes > kMaxNodes || options.gpus < 1 ||
      options.gpus > kMaxGpus) {
    return bad_data(fmt::format("--nodes is 1 to {}, --gpus 1 to {}", kMaxNodes, kMaxGpus));
  }
  auto fleet = std::unique_ptr<Fleet>(new Fleet(std::move(options), std::move(scenario)));
  TRY(fleet->build());
  return fleet;
}

Result<> Fleet::build() {
  const auto& o = options_;
  const GpuModel* gpu = find_gpu_model(o.gpu);
  if (gpu == nullptr) {
    return bad_data(fmt::format("--gpu={}: {}", o.gpu, names_of(gpu_models())));
  }
  const uint32_t engines = o.engines == 0 ? 2 * o.nodes : o.engines;
  std::vector<NodeOptions> nodes(o.nodes);
  std::vector<uint32_t> used(o.nodes, 0);
  for (uint32_t i = 0; i < engines; ++i) {
    const std::string& name = o.models[i / o.nodes % o.models.size()];
    const Model* model = find_model(name);
    if (model == nullptr) {
      return bad_data(fmt::format("--model={}: {}", name, names_of(models())));
    }
    const int tp = tensor_parallel(*model, *gpu);
    const uint32_t node = i % o.nodes;
    if (tp == 0 || used[node] + static_cast<uint32_t>(tp) > o.gpus) {
      return bad_data(
          fmt::format("engine {} of {} does not fit: {} needs {} GPUs of {}, of "
                      "which {} are taken",
                      i, engines, model->name, tp, o.gpus, used[node]));
    }
    EngineSpec spec;
    spec.options.placement = {model, gpu, tp};
    spec.options.workload.requests_per_second = o.requests_per_second;
    if (scenario_.requests_per_second() > 0) {
      spec.options.workload.requests_per_second = scenario_.requests_per_second();
    }
    spec.options.workload.daily = o.daily;
    spec.options.speculative = o.speculative;
    spec.options.seed = o.seed * 1'000'003 + i;
    spec.options.start_unix = o.start_unix;
    spec.dialect = TRY(dialect_of(o.engine, i));
    spec.first_gpu = used[node];
    used[node] += static_cast<uint32_t>(tp);
    nodes[node].engines.push_back(spec);
  }
  for (uint32_t i = 0; i < o.nodes; ++i) {
    nodes[i].index = i;
    nodes[i].name = fmt::format("node-{}", i);
    nodes[i].gpu = gpu;
    nodes[i].gpus = o.gpus;
    nodes[i].seed = o.seed * 7'919 + i;
    nodes_.push_back(std::make_unique<Node>(std::move(nodes[i]), scenario_));
  }
  return {};
}

void Fleet::advance_to(double seconds) {
  for (const auto& node : nodes_) node->advance_to(seconds);
}

}  // namespace strata::sim
