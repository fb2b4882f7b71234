// How busy an engine says it is: the few lines of its /metrics that routing wants. A pure function.
//
// Sources: vLLM's vllm:num_requests_running and _waiting and vllm:kv_cache_usage_perc (before 0.9
// vllm:gpu_cache_usage_perc), SGLang's sglang:num_running_reqs, num_queue_reqs and token_usage,
// TensorRT-LLM's trtllm_num_requests_running and _waiting and trtllm_kv_cache_utilization.
#pragma once
#include <optional>
#include <string_view>

namespace strata::gateway {

struct EngineLoad {
  double running = 0;  // requests, of all its series together
  double waiting = 0;
  double kv_usage = 0;  // 0 to 1, the mean of its series
};

/// None when it does not say.
std::optional<EngineLoad> engine_load(std::string_view exposition);

}  // namespace strata::gateway
