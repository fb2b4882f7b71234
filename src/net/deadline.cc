#include "net/deadline.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace strata::net {

namespace asio = boost::asio;

struct Deadline::State {
  State(asio::io_context& io, std::function<void()> on_expiry)
      : timer(io), expire(std::move(on_expiry)) {}

  asio::steady_timer timer;
  std::function<void()> expire;  // empty when the Deadline is gone
  Clock::time_point at = Clock::time_point::max();
  Clock::time_point timer_at = Clock::time_point::max();  // max: no timer runs
  bool expired = false;
};

Deadline::Deadline(asio::io_context& io, std::function<void()> expire)
    : state_(std::make_shared<State>(io, std::move(expire))) {}

Deadline::~Deadline() {
  state_->expire = nullptr;
  state_->timer.cancel();
}

bool Deadline::expired() const { return state_->expired; }

void Deadline::set_at(Clock::time_point at) {
  state_->at = at;
  state_->expired = false;
  if (at < state_->timer_at) wait(state_);
}

void Deadline::wait(const std::shared_ptr<State>& state) {
  state->timer_at = state->at;
  state->timer.expires_at(state->at);
  state->timer.async_wait([state](const boost::system::error_code& error) {
    if (error || !state->expire) return;
    state->timer_at = Clock::time_point::max();
    if (state->at == Clock::time_point::max()) return;
    if (Clock::now() < state->at) return wait(state);
    state->at = Clock::time_point::max();
    state->expired = true;
    state->expire();
  });
}

asio::awaitable<void> Signal::wait() {
  timer_.expires_at(asio::steady_timer::time_point::max());
  co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
}

}  // namespace strata::net
