// Tokens as the engines and providers report them, in buckets that do not overlap, and what an
// event of a stream or an answer says about them. Pure functions and values.
//
// Sources: OpenAI's chat, completions and responses APIs (prompt_tokens and input_tokens hold the
// cached ones, completion_tokens the reasoning ones), Anthropic's messages (input_tokens leave out
// what was read from and written to the cache).
#pragma once
#include <cstdint>
#include <string_view>

namespace strata::gateway {

/// Where a request's numbers of tokens come from, the most exact first.
enum class UsageSource : uint8_t {
  kFinal,       // the engine's own count, at the end
  kContinuous,  // the engine's running count when the stream was cut
  kCounted,     // events with content, counted here: one token each, or more
  kEstimated,   // a quarter of the bytes
  kNone,        // nothing is known
};
std::string_view to_string(UsageSource source);

struct Usage {
  uint64_t input = 0;  // neither read from nor written to a cache
  uint64_t cached = 0;
  uint64_t cache_write = 0;
  uint64_t output = 0;     // with reasoning
  uint64_t reasoning = 0;  // of output
  bool has_input = false;
  bool has_output = false;

  bool any() const { return has_input || has_output; }
  /// All that the prompt was.
  uint64_t all_input() const { return input + cached + cache_write; }
};

/// Takes over what the `usage` object says; what it does not say stays as it was. `exclusive`:
/// input_tokens leave out the cached ones (Anthropic).
void read_usage(std::string_view json, bool exclusive, Usage& usage);

/// What one event of a stream, or a whole answer, says.
struct EventFacts {
  bool is_object = false;
  bool has_content = false;  // text, reasoning, a tool call: what a person waits for
  bool has_choices = false;  // with an item in them
  bool has_usage = false;    // an object
  bool is_error = false;
  std::string_view usage_member;  // from `"usage"` to the end of its value, as written; or empty
  std::string_view usage;         // of a response or message in the event, too
};
EventFacts read_event(std::string_view json);

/// The usage of a whole answer.
Usage read_answer_usage(std::string_view json, bool exclusive);

}  // namespace strata::gateway
