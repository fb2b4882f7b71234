// What a mock engine says, in the words of each API: the events of a stream and whole answers.
// Values and pure functions; for the mock engine and the simulated fleet.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/http.h"

namespace strata::gateway {

enum class MockApi : uint8_t { kChat, kCompletions, kResponses, kMessages, kEmbeddings };

/// A request as the mock engine understands it.
struct MockTask {
  MockApi api = MockApi::kChat;
  std::string id;
  std::string model;
  uint64_t prompt_tokens = 0;
  uint64_t cached_tokens = 0;
  uint64_t tokens = 0;  // to say
  bool stream = false;
  bool usage_frame = false;    // stream_options.include_usage
  bool running_usage = false;  // stream_options.continuous_usage_stats
  uint64_t ttft_us = 0;
  uint64_t itl_us = 0;
  std::optional<uint64_t> error_after;
  std::optional<uint64_t> reset_after;
  bool done_word = true;
  bool comments = false;
  std::string line_end = "\n";
};

/// The API of a path; none for a path that is not served.
std::optional<MockApi> mock_api(std::string_view path);

/// Reads body and headers into `task`, whose defaults stand where neither says anything. False: the
/// body is no object.
bool read_mock_task(const net::HttpRequest& request, MockTask& task);

/// The events before the first token, of token `index` (from 0), and after the last.
void append_opening(const MockTask& task, std::string& out);
void append_token(const MockTask& task, uint64_t index, std::string& out);
void append_closing(const MockTask& task, std::string& out);
void append_error_event(const MockTask& task, std::string& out);
/// An answer that is not streamed.
std::string whole_answer(const MockTask& task);

/// The words that a mock engine says, one a token: "w0 ", "w1 ", …
std::string mock_word(uint64_t index);

}  // namespace strata::gateway
