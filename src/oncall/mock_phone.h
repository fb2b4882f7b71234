// A phone that rings nobody: takes what phone_configs, twilio_voice, twilio_sms and webhooks send,
// says what was said and keeps it, so that a whole chain of calls can be tried, tested and counted
// on one machine.
//
//   POST /any/path    a call or message; its kind is the path's first word ("/phone", "/chat")
//   GET  /calls       what came, the oldest first, as JSON
//
// What comes with an Idempotency-Key that came before is counted at the first one and not told
// again: so does a provider that keeps its word. Lives on the loop's thread; calls() from any.
// Bound: kMaxKept calls, of which the oldest go.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "net/http_server.h"
#include "net/loop.h"

namespace strata::oncall {

struct MockCall {
  TimestampMs at = 0;
  std::string kind;
  std::string to;
  std::string text;
  std::string ack_url;    // empty: nothing to acknowledge
  std::string key;        // of idempotency; empty: none
  uint64_t attempts = 1;  // with that key
};

/// What a request tells whom. Any bytes: what cannot be read leaves members empty.
MockCall read_mock_call(const net::HttpRequest& request);

class MockPhone {
 public:
  static constexpr size_t kMaxKept = 100'000;

  /// `told` is called with each new call, on the loop's thread. Error: as HttpServer::start.
  static Result<std::unique_ptr<MockPhone>> start(net::Loop& loop, std::string listen,
                                                  const Clock& clock,
                                                  std::function<void(const MockCall&)> told);
  /// Not from the loop's thread; before the loop ends.
  ~MockPhone();
  MockPhone(const MockPhone&) = delete;
  MockPhone& operator=(const MockPhone&) = delete;

  std::string address() const;
  std::vector<MockCall> calls() const;

 private:
  struct Core;
  explicit MockPhone(std::shared_ptr<Core> core);
  const std::shared_ptr<Core> core_;
  std::unique_ptr<net::HttpServer> server_;
};

}  // namespace strata::oncall
