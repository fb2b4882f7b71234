#include "sim/hardware.h"

#include <algorithm>

namespace strata::sim {
namespace {

constexpr GpuModel kGpus[] = {
    {"h100", "NVIDIA H100 80GB HBM3", 3.35e12, 989e12, 700, 70, 80e9, 1980, 2619, 0.06, 5, 8192},
    {"h200", "NVIDIA H200", 4.8e12, 989e12, 700, 75, 141e9, 1980, 3201, 0.06, 5, 8192},
    {"a100", "NVIDIA A100-SXM4-80GB", 2.04e12, 312e12, 400, 55, 80e9, 1410, 1593, 0.09, 4, 2048},
    {"l40s", "NVIDIA L40S", 0.864e12, 362e12, 350, 35, 48e9, 2520, 9001, 0.10, 4, 2048},
};

// kv_bytes_per_token: keys and values, layers, KV heads, 128 a head, two bytes.
constexpr Model kModels[] = {
    {"meta-llama/Llama-3.1-8B-Instruct", 8.03e9, 2, 2.0 * 32 * 8 * 128 * 2, 32, 4096, 0.1, 0.2},
    {"meta-llama/Llama-3.1-70B-Instruct", 70.6e9, 2, 2.0 * 80 * 8 * 128 * 2, 80, 8192, 0.6, 0.9},
    {"Qwen/Qwen3-32B", 32.8e9, 2, 2.0 * 64 * 8 * 128 * 2, 64, 5120, 0.3, 0.5},
    {"meta-llama/Llama-3.1-405B-Instruct-FP8", 405e9, 1, 2.0 * 126 * 8 * 128 * 2, 126, 16384, 3, 3},
};

constexpr double kMemoryShare = 0.9;  // vLLM's gpu_memory_utilization
constexpr double kActivationBytes = 4e9;
constexpr double kBandwidthEfficiency = 0.75;
constexpr double kArithmeticEfficiency = 0.40;
constexpr double kStepOverhead = 0.003;

double communication_seconds(int tp) {
  if (tp <= 1) return 0;
  return tp <= 2 ? 0.002 : tp <= 4 ? 0.004 : 0.006;
}

}  // namespace

std::span<const GpuModel> gpu_models() { return kGpus; }
std::span<const Model> models() { return kModels; }

const GpuModel* find_gpu_model(std::string_view name) {
  const auto* found = std::ranges::find(kGpus, name, &GpuModel::name);
  return found == std::end(kGpus) ? nullptr : found;
}

const Model* find_model(std::string_view name) {
  for (const Model& model : kModels) {
    if (model.name == name || model.name.ends_with("/" + std::string(name))) return &model;
  }
  for (const Model& model : kModels) {
    if (!name.empty() && model.name.contains("-" + std::string(name))) return &model;
  }
  return nullptr;
}

double Placement::kv_capacity_tokens() const {
  const double weights = model->parameters * model->bytes_per_parameter / tp;
  const double left = kMemoryShare * gpu->memory_bytes - weights - kActivationBytes;
  return std::max(0.0, left / (model->kv_bytes_per_token / tp));
}

double Placement::step_seconds(double prefill, double decoding, double context,
                               double clock) const {
  const double weights = model->parameters * model->bytes_per_parameter / tp;
  const double moved = weights + model->kv_bytes_per_token / tp * context;
  const double memory = moved / (kBandwidthEfficiency * gpu->bytes_per_second);
  const double arithmetic = 2 * model->parameters / tp * (prefill + decoding) /
                            (kArithmeticEfficiency * gpu->flops * clock);
  return kStepOverhead + communication_seconds(tp) + std::max(memory, arithmetic);
}

double Placement::nvlink_bytes_per_token() const {
  if (tp <= 1) return 0;
  return 2.0 * (tp - 1) / tp * 2 * model->hidden * 2 * model->layers;
}

}  // namespace strata::sim
