#include "net/answer.h"

#include "base/check.h"

namespace strata::net {

void Answer::respond(HttpResponse response) {
  MutexLock lock(mutex_);
  CHECK(state_ == State::kNone);
  head_ = std::move(response);
  state_ = State::kWhole;
  wake();
}

void Answer::begin(int status, Headers headers) {
  MutexLock lock(mutex_);
  CHECK(state_ == State::kNone);
  head_.status = status;
  head_.headers = std::move(headers);
  state_ = State::kStreaming;
  wake();
}

Exchange::Wrote Answer::write(std::string_view chunk) {
  MutexLock lock(mutex_);
  CHECK(state_ == State::kStreaming);
  if (gone_) return Exchange::Wrote::kGone;
  if (!body_.empty() && body_.size() + chunk.size() > max_buffered_) {
    refused_ = chunk.size();
    return Exchange::Wrote::kFull;
  }
  const bool was_empty = body_.empty();
  body_.append(chunk);
  if (was_empty) wake();
  return Exchange::Wrote::kTaken;
}

void Answer::when_writable(std::function<void()> ready) {
  {
    MutexLock lock(mutex_);
    if (!gone_) {
      ready_ = std::move(ready);
      wake();  // the loop's thread calls it, now or later
      return;
    }
  }
  ready();
}

void Answer::end() {
  MutexLock lock(mutex_);
  CHECK(state_ == State::kStreaming);
  state_ = State::kEnded;
  wake();
}

void Answer::drop() {
  std::function<void()> ready;  // destroyed outside the lock
  MutexLock lock(mutex_);
  ready = std::move(ready_);
  if (state_ == State::kNone) {
    head_ = text_response(500, "the request was dropped without an answer\n");
    state_ = State::kWhole;
  } else if (state_ == State::kStreaming) {
    state_ = State::kDropped;
  } else {
    return;
  }
  wake();
}

Answer::State Answer::state() const {
  MutexLock lock(mutex_);
  return state_;
}

HttpResponse Answer::take_head() {
  MutexLock lock(mutex_);
  return std::move(head_);
}

Answer::State Answer::take_body(std::string& into) {
  into.clear();
  MutexLock lock(mutex_);
  into.swap(body_);
  return state_;
}

bool Answer::quiet() const {
  MutexLock lock(mutex_);
  return state_ == State::kStreaming && body_.empty() && !(ready_ && writable());
}

void Answer::offer_room() {
  std::function<void()> ready;
  {
    MutexLock lock(mutex_);
    if (ready_ && writable()) ready = std::exchange(ready_, nullptr);
  }
  if (ready) ready();
}

void Answer::abandon() {
  {
    MutexLock lock(mutex_);
    gone_ = true;
    wake_ = nullptr;
    body_ = {};
  }
  stop_.request_stop();
  offer_room();
}

void Answer::detach() {
  MutexLock lock(mutex_);
  wake_ = nullptr;
}

}  // namespace strata::net
