// An engine without a model: answers OpenAI's and Anthropic's APIs with words of its own at a pace
// that is asked for, streams them, counts what it was asked and what was cut off. For the gateway's
// tests and benches, and for whoever tries Strata without a GPU.
//
// A request may ask for more than the flags say, in headers:
//   x-mock-ttft-ms, x-mock-itl-ms, x-mock-tokens   as the options
//   x-mock-status: 503        answers that, at once
//   x-mock-error-after: 3     an error event inside the 200 after 3 tokens, and the end
//   x-mock-reset-after: 3     the connection is cut after 3 tokens
//   x-mock-no-done: 1         the stream ends without [DONE]
//   x-mock-line-end: crlf|cr  of its events; x-mock-comments: 1 puts keep-alives between them
//
// Threads: it lives on the loop's thread; stats() from any. Bounds: kMaxTokens a request, and those
// of its HTTP server.
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/http_server.h"
#include "net/loop.h"

namespace strata::gateway {

struct MockEngineOptions {
  std::string listen = "127.0.0.1:8000";
  std::vector<std::string> models = {"mock"};  // the first answers to any name
  std::chrono::microseconds ttft{0};           // to the first token
  std::chrono::microseconds itl{0};            // between tokens
  uint64_t tokens = 16;                        // of an answer, when max_tokens does not say less
};

struct MockEngineStats {
  uint64_t requests = 0;
  uint64_t running = 0;
  uint64_t cancelled = 0;  // the client left before the end
  uint64_t prompt_tokens = 0;
  uint64_t generated_tokens = 0;  // handed to clients
};

class MockEngine {
 public:
  static constexpr uint64_t kMaxTokens = 1'000'000;

  /// Listens. Error: as HttpServer::start.
  static Result<std::unique_ptr<MockEngine>> start(net::Loop& loop, MockEngineOptions options);
  /// Not from the loop's thread; before the loop ends.
  ~MockEngine();
  MockEngine(const MockEngine&) = delete;
  MockEngine& operator=(const MockEngine&) = delete;

  std::string address() const;
  uint16_t port() const;
  MockEngineStats stats() const;

  struct Core;

 private:
  explicit MockEngine(std::shared_ptr<Core> core);
  std::shared_ptr<Core> core_;
  std::unique_ptr<net::HttpServer> server_;
};

}  // namespace strata::gateway
