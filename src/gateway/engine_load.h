// How busy an engine says it is: the few lines of its /metrics that routing wants. A pure function.
//
// Sources: vLLM's vllm:num_requests_running and _waiting, SGLang's sglang:num_running_reqs and
// num_queue_reqs, TensorRT-LLM's trtllm_num_requests_running and _waiting.
#pragma once
#include <optional>
#include <string_view>

namespace strata::gateway {

/// Requests that it runs and that wait in it, all its series together; none when it does not say.
std::optional<double> engine_load(std::string_view exposition);

}  // namespace strata::gateway
