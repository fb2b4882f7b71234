// Asking an engine for usage that the client did not ask for: the one thing of a request that the
// gateway changes, by splicing `stream_options` and nothing else. Pure functions.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/body_scanner.h"

namespace strata::gateway {

/// What the gateway wants to know of a prompt; PromptMember is the index.
enum PromptMember : size_t {
  kModel,
  kStream,
  kStreamOptions,
  kUser,
  kMaxTokens,
  kMaxCompletionTokens,
  kPromptMembers,
};
inline constexpr std::array<WantedMember, kPromptMembers> kPrompt = {{{"model"},
                                                                      {"stream"},
                                                                      {"stream_options"},
                                                                      {"user"},
                                                                      {"max_tokens"},
                                                                      {"max_completion_tokens"}}};

/// Bytes [at, at + erase) of the body become `insert`.
struct Splice {
  uint64_t at = 0;
  uint64_t erase = 0;
  std::string insert;
};

struct UsageRequest {
  std::optional<Splice> splice;  // none: the client asked for all of it, or it cannot be asked for
  bool client_wants_frame = false;    // include_usage
  bool client_wants_running = false;  // continuous_usage_stats
};

/// `prompt` scanned a body whose `stream` is true. `running`: the engine knows
/// continuous_usage_stats (vLLM, SGLang), so that a stream that is cut is counted to the token.
UsageRequest request_usage(const BodyScanner& prompt, bool running);

}  // namespace strata::gateway
