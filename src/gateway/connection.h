// One client's connection: reads a request, has an upstream answer it, passes the answer on while
// it comes, notes what it was, and so on until one side has had enough.
//
// Lives on the loop's thread; kept alive by its own coroutine, which ends when the connection does.
// Bounds: GatewayConfig's; kMaxHead bytes of a head; one piece of an answer at a time.
#pragma once
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/body_scanner.h"
#include "gateway/core.h"
#include "gateway/endpoint.h"
#include "gateway/http_head.h"
#include "gateway/record.h"
#include "gateway/sse_relay.h"
#include "gateway/upstream_call.h"
#include "gateway/usage_request.h"
#include "net/deadline.h"
#include "net/input_buffer.h"
#include "net/stream.h"

namespace strata::gateway {

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  static constexpr size_t kMaxHead = size_t{64} << 10;

  Connection(std::shared_ptr<GatewayCore> core, std::unique_ptr<net::Stream> client,
             std::string remote);
  ~Connection();

  void start();
  /// Ends now if no request is under way, else after the answer to this one.
  void finish();
  /// Ends now.
  void cut();
  /// Since when its request waits for the first byte of an answer; none when it does not.
  std::optional<std::chrono::steady_clock::time_point> waiting_since() const;

 private:
  using Clock = std::chrono::steady_clock;
  template <class T = void>
  using Awaitable = boost::asio::awaitable<T>;
  /// What an attempt at an upstream came to.
  enum class Attempt : uint8_t { kAnswered, kAgain, kElsewhere, kGivenUp };

  // connection.cc: the client's side.
  Awaitable<> run();
  Awaitable<bool> serve_one();
  Awaitable<bool> read_head();
  Awaitable<bool> read_body();
  Awaitable<bool> read_plain_body();
  Awaitable<bool> read_chunked_body();
  Awaitable<bool> read_more(size_t at_least);
  Awaitable<bool> write(std::string_view first, std::string_view second = {});
  /// The gateway's own answer, as the endpoint's API says errors.
  Awaitable<bool> refuse(int status, std::string_view message, Outcome outcome);
  Awaitable<bool> refuse_head(int status, std::string_view reason);
  Awaitable<> linger();
  void take_body(std::string_view bytes);
  void watch_client();
  void client_moved();
  void on_deadline();
  void begin_record();
  void end_record();
  bool admit(std::string_view& why, int& status, Outcome& outcome);

  // relay.cc: the upstream's side.
  Awaitable<bool> relay();
  Awaitable<Attempt> attempt(std::shared_ptr<Upstream> upstream, bool fresh, bool last);
  Awaitable<CallError> ask(bool fresh);
  Awaitable<bool> pass_answer();
  Awaitable<bool> pass_body(bool chunked);
  Awaitable<bool> send_piece(std::string_view piece, bool chunked);
  Awaitable<bool> refused_usage();
  void read_prompt();
  Attempt judge_failure(CallError error, bool last);
  void plan_usage(const Upstream& upstream);
  void write_request_head(const Upstream& upstream);
  bool write_answer_head();
  void note_piece(std::string_view piece);
  void note_answer(const ResponseHead& head);
  void settle_usage();
  void settle_outcome(bool whole);
  // models.cc
  Awaitable<bool> list_models();

  RequestRecord::Nanos since_request() const { return Clock::now() - asked_at_; }

  const std::shared_ptr<GatewayCore> core_;
  const std::unique_ptr<net::Stream> client_;
  const std::string remote_;
  net::Deadline deadline_;
  net::InputBuffer in_;
  std::unique_ptr<UpstreamCall> call_;
  bool on_upstream_ = false;  // the deadline is for the upstream
  bool timed_out_ = false;
  bool idle_ = false;  // waits for the first byte of a request
  bool finishing_ = false;
  bool client_gone_ = false;
  bool watching_ = false;    // a wait for the client's socket is out
  bool exchanging_ = false;  // a request was read, its answer is under way
  bool must_look_ = false;   // the client sent ahead: ask the socket whether it left

  // Of the request under way.
  std::shared_ptr<const Settings> settings_;
  std::string head_text_;
  RequestHead head_;
  std::string body_;
  uint64_t accounted_ = 0;  // of core's buffered_bytes
  BodyScanner prompt_{kPrompt};
  const Endpoint* endpoint_ = nullptr;
  RequestRecord record_;
  std::string model_label_;
  std::string tenant_label_;
  bool keep_alive_ = false;
  bool stream_ = false;
  int64_t retry_after_ = 1;  // seconds, of a 429 or 503 of ours
  Clock::time_point began_at_{};
  Clock::time_point asked_at_{};

  // Of its answer.
  UsageRequest usage_request_;
  std::optional<SseRelay> sse_;
  std::optional<BodyScanner> answer_;
  std::string out_;         // what is to be sent; used again
  std::string_view ahead_;  // a piece of the body that was read to judge the answer
  bool has_ahead_ = false;
  bool head_pending_ = false;  // out_ holds the answer's head
  uint64_t events_seen_ = 0;
};

}  // namespace strata::gateway
