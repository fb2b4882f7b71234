// Waiting on a loop's thread: until a time (Deadline), or until told (Signal). Both are used on
// that thread only.
#pragma once
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>

namespace strata::net {

/// Calls `expire` when the time that was last set passes. Moving it later, as every request does,
/// touches no timer: the one that runs looks again when it fires.
class Deadline {
 public:
  using Clock = std::chrono::steady_clock;

  Deadline(boost::asio::io_context& io, std::function<void()> expire);
  ~Deadline();
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

  void set(Clock::duration from_now) { set_at(Clock::now() + from_now); }
  void set_at(Clock::time_point at);
  void clear() { set_at(Clock::time_point::max()); }
  /// Whether the time that was last set has passed and `expire` was called.
  bool expired() const;

 private:
  struct State;  // outlives this while a timer's handler is under way
  static void wait(const std::shared_ptr<State>& state);
  std::shared_ptr<State> state_;
};

/// Wakes one waiter. A notify() that no one waits for is lost: wait in a loop on what it announces.
class Signal {
 public:
  explicit Signal(boost::asio::io_context& io) : timer_(io) {}
  boost::asio::awaitable<void> wait();
  void notify() { timer_.cancel(); }

 private:
  boost::asio::steady_timer timer_;
};

}  // namespace strata::net
