// The answer to one request, on its way from a handler on any thread to the connection on the
// loop's thread.
//
// The handler holds a ServerExchange, the connection the Answer; each outlives the other safely.
// Thread-safe. Bound: max_buffered bytes of a streamed body wait here.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "base/mutex.h"
#include "net/http_server.h"

namespace strata::net {

class Answer {
 public:
  enum class State : uint8_t { kNone, kWhole, kStreaming, kEnded, kDropped };

  /// `wake` is called, from any thread and under the Answer's lock, when there is something new for
  /// the connection to take; never after detach().
  Answer(std::function<void()> wake, std::stop_source stop, size_t max_buffered)
      : wake_(std::move(wake)), stop_(std::move(stop)), max_buffered_(max_buffered) {}

  // The handler's side.
  void respond(HttpResponse response);
  void begin(int status, Headers headers);
  Exchange::Wrote write(std::string_view chunk);
  void when_writable(std::function<void()> ready);
  void end();
  void drop();

  // The connection's side.
  State state() const;
  bool begun() const { return state() != State::kNone; }
  /// Status, headers and, when it is whole, body. Once.
  HttpResponse take_head();
  /// Moves what waits of a streamed body into `into`, whose memory is used again.
  State take_body(std::string& into);
  /// Nothing to take: a stream that is neither ended nor dropped, with no bytes waiting.
  bool quiet() const;
  /// Calls who waits to write, when there is room.
  void offer_room();
  /// The client left: nothing will be sent any more, and `wake` is not called again. Fires the stop
  /// token.
  void abandon();
  /// The client may have left: fires the stop token.
  void request_stop() { stop_.request_stop(); }
  /// All was sent.
  void detach();

 private:
  /// Whether write() would take what it last refused.
  bool writable() const REQUIRES(mutex_) {
    return gone_ || body_.empty() || body_.size() + refused_ <= max_buffered_;
  }
  void wake() REQUIRES(mutex_) {
    if (wake_) wake_();
  }

  mutable Mutex mutex_;
  std::function<void()> wake_ GUARDED_BY(mutex_);
  std::function<void()> ready_ GUARDED_BY(mutex_);
  State state_ GUARDED_BY(mutex_) = State::kNone;
  HttpResponse head_ GUARDED_BY(mutex_);
  std::string body_ GUARDED_BY(mutex_);    // of a stream, waiting to be sent
  size_t refused_ GUARDED_BY(mutex_) = 0;  // bytes of the chunk that found no room
  bool gone_ GUARDED_BY(mutex_) = false;
  std::stop_source stop_;
  const size_t max_buffered_;
};

/// What the handler holds.
class ServerExchange final : public Exchange {
 public:
  explicit ServerExchange(HttpRequest request) { request_ = std::move(request); }
  ~ServerExchange() override { answer_->drop(); }

  const std::stop_source& stop_source() const { return stop_; }
  void set_answer(std::shared_ptr<Answer> answer) { answer_ = std::move(answer); }

  void respond(HttpResponse response) override { answer_->respond(std::move(response)); }
  void begin(int status, Headers headers) override { answer_->begin(status, std::move(headers)); }
  Wrote write(std::string_view chunk) override { return answer_->write(chunk); }
  void when_writable(std::function<void()> ready) override {
    answer_->when_writable(std::move(ready));
  }
  void end() override { answer_->end(); }

 private:
  std::shared_ptr<Answer> answer_;
};

}  // namespace strata::net
