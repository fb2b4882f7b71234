// One attempt at an upstream: a connection (idle or new), the request on it, the answer's head, and
// its body piece by piece. Reading waits until the piece before it was consumed, so that a slow
// client slows the engine and not our memory.
//
// Made for one request on the loop's thread; abort() ends what it waits for, from another task on
// that thread. Bounds: kMaxHead bytes of a head, kLargeRead of a piece.
#pragma once
#include <array>
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/chunked.h"
#include "gateway/http_head.h"
#include "gateway/router.h"
#include "net/dialer.h"
#include "net/input_buffer.h"
#include "net/stream.h"

namespace strata::gateway {

/// Why an attempt ended.
enum class CallError : uint8_t {
  kNone,
  kUnreachable,  // no connection
  kReset,        // the connection broke off
  kMalformed,    // what came is no HTTP
};

class UpstreamCall {
 public:
  static constexpr size_t kMaxHead = size_t{64} << 10;

  /// What all calls of a loop share.
  struct Context {
    net::Loop& loop;
    net::Resolver& resolver;
    net::ClientTlsContexts& tls;
  };

  /// `prompt_bytes`: of the request's body, until the answer begins.
  UpstreamCall(Context context, std::shared_ptr<Upstream> upstream, uint64_t prompt_bytes = 0);
  ~UpstreamCall();
  UpstreamCall(const UpstreamCall&) = delete;
  UpstreamCall& operator=(const UpstreamCall&) = delete;

  /// A connection: one that waits (then reused() is true) unless `fresh`, else a new one.
  boost::asio::awaitable<CallError> connect(bool fresh, std::chrono::milliseconds timeout);
  /// All of the pieces, in order.
  boost::asio::awaitable<CallError> send(std::array<std::string_view, 4> pieces);
  /// The head of the answer proper; those of 1xx are passed over.
  boost::asio::awaitable<CallError> read_head(bool to_head);
  /// The next bytes of the body, at least one, or none at its end. Valid until the next call.
  boost::asio::awaitable<CallError> read_body(std::string_view& piece);
  /// Whether read_body() has a piece without waiting.
  bool has_more() const { return !in_.unread().empty(); }

  /// Ends what is waited for, with an error.
  void abort();
  bool aborted() const { return aborted_; }
  bool reused() const { return reused_; }
  /// Any byte of an answer came.
  bool answered() const { return answered_; }
  bool body_done() const { return done_; }
  const ResponseHead& head() const { return head_; }
  Upstream& upstream() { return *upstream_; }
  const std::shared_ptr<Upstream>& upstream_ptr() const { return upstream_; }
  /// In words, of the last CallError.
  const std::string& why() const { return why_; }
  /// Keeps the connection for others, when the answer was read to its end and it may stay.
  void finish();

 private:
  boost::asio::awaitable<CallError> read_more();
  CallError fail(CallError error, std::string why);
  size_t payload_in_buffer();

  void prefilled() { upstream_->prompt_bytes -= std::exchange(prompt_bytes_, 0); }

  const std::shared_ptr<Upstream> upstream_;
  uint64_t prompt_bytes_;  // that the engine has to read first
  net::PhaseClock phase_;
  net::Dialer dialer_;
  std::unique_ptr<net::Stream> stream_;
  net::InputBuffer in_;
  std::string head_text_;
  ResponseHead head_;
  ChunkedDecoder chunks_;
  uint64_t left_ = 0;      // of a body with a length
  size_t to_consume_ = 0;  // of the piece that was handed out
  size_t decoded_used_ = 0;
  size_t read_size_;
  bool filled_ = false;  // by the last read: more may be there
  std::string why_;
  bool reused_ = false;
  bool answered_ = false;
  bool aborted_ = false;
  bool dialing_ = false;
  bool done_ = false;
  bool ended_ = false;  // the upstream closed
};

}  // namespace strata::gateway
