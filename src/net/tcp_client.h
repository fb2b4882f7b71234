// Connects to a TCP port, with TLS when asked, and holds a dialogue: expects texts and sends texts
// (for probes), or answers each line as the caller says (for mail).
//
// Thread-safe; must be destroyed before its Loop. Bounds: kMaxReply bytes are read while a text is
// expected; one timeout for all of it; whoever calls bounds how many run.
#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/regex.h"
#include "base/result.h"
#include "net/loop.h"
#include "net/request_trace.h"
#include "net/tls.h"

namespace strata::net {

/// What is done about a line that came, in this order.
struct TcpTurn {
  std::string send = {};
  bool start_tls = false;  // goes on in TLS; an error when the peer said more than the line
  std::string send_after_tls = {};
  bool ends = false;
  Result<> result = {};  // of the dialogue, when it ends
};

struct TcpRequest {
  struct Step {
    std::optional<Regex> expect = {};  // matched against whole lines, unanchored
    std::string send = {};
  };
  std::string host = {};
  uint16_t port = 0;
  std::optional<TlsOptions> tls = {};
  std::vector<Step> steps = {};
  /// In place of steps: called on the loop's thread with each line, without its end.
  std::function<TcpTurn(std::string_view line)> dialogue = {};
  TlsOptions start_tls = {};  // for TcpTurn::start_tls
  std::chrono::nanoseconds timeout = std::chrono::seconds(30);
  std::stop_token stop = {};
  std::shared_ptr<RequestTrace> trace = {};  // as ClientRequest::trace
};

class TcpClient {
 public:
  static constexpr size_t kMaxReply = size_t{64} << 10;

  /// Error: kUnavailable (cannot be reached, breaks off), kTimeout, kLimit, kCanceled. kExecution:
  /// an expected text did not come before the peer closed.
  using Callback = std::move_only_function<void(Result<>)>;

  explicit TcpClient(Loop& loop);
  /// Gives up what is in flight; those callbacks get kCanceled, before the loop ends.
  ~TcpClient();
  TcpClient(const TcpClient&) = delete;
  TcpClient& operator=(const TcpClient&) = delete;

  /// `done` is called once, on the loop's thread.
  void talk(TcpRequest request, Callback done);

 private:
  struct Core;
  std::shared_ptr<Core> core_;
};

}  // namespace strata::net
