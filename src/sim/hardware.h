// What GPUs and models are like, and how long one step of an engine takes on them. Numbers of GPUs
// are their data sheets'; efficiencies and overheads are fitted so that published throughputs come
// out (docs/sim.md has the comparison).
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

namespace strata::sim {

struct GpuModel {
  std::string_view name;   // "h100"
  std::string_view title;  // "NVIDIA H100 80GB HBM3"
  double bytes_per_second;
  double flops;  // bf16, dense
  double tdp_watts;
  double idle_watts;
  double memory_bytes;
  double sm_clock_mhz;
  double memory_clock_mhz;
  double thermal_resistance;  // kelvins a watt, over the air that comes in
  int pcie_gen;
  uint32_t prefill_chunk;  // tokens of prompts in one step
};

struct Model {
  std::string_view name;
  double parameters;
  double bytes_per_parameter;
  double kv_bytes_per_token;  // without tensor parallelism
  int layers;
  int hidden;
  double usd_per_million_input;  // tokens; list prices of hosted ones, roughly
  double usd_per_million_output;
};

std::span<const GpuModel> gpu_models();
std::span<const Model> models();
/// Null when there is none of that name. A model is also found by the end of its name ("8B").
const GpuModel* find_gpu_model(std::string_view name);
const Model* find_model(std::string_view name);

/// One model on `tp` GPUs of one kind.
struct Placement {
  const Model* model = nullptr;
  const GpuModel* gpu = nullptr;
  int tp = 1;

  /// Tokens that the KV cache has room for: what 90 % of the memory leaves beside the weights and
  /// 4 GB of activations. 0: the model does not fit.
  double kv_capacity_tokens() const;
  /// Seconds of one step that prefills `prefill` tokens and gives each of `decoding` requests,
  /// which hold `context` tokens together, one more. `clock` scales arithmetic (1: no throttling);
  /// memory bandwidth does not depend on it.
  double step_seconds(double prefill, double decoding, double context, double clock) const;
  /// NVLink bytes a token: two all-reduces a layer.
  double nvlink_bytes_per_token() const;
};

}  // namespace strata::sim
