// The event loop: one thread on which sockets are read and written and timers fire.
//
// Owned by app/, which makes as many as there are threads to serve connections (one to begin with)
// and starts them before the servers and clients that live on them. Every method may be called from
// any thread, except where it says otherwise. What runs on the loop must not block: work that takes
// longer than a millisecond belongs on the work pool.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace strata::net {

enum class TimerId : uint64_t {};

class Loop {
 public:
  using Task = std::move_only_function<void()>;

  /// `name` names the thread (the kernel keeps 15 bytes of it).
  explicit Loop(std::string name = "net");
  ~Loop();  // stop()
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Call once. What was posted before runs first.
  void start();
  /// Lets the running task finish, then joins; tasks and timers that did not run are dropped, and
  /// destroyed when the Loop is. Not from the loop's own thread. A loop does not start again.
  void stop();

  /// Runs `task` on the loop's thread, after those posted before it from the same thread.
  void post(Task task);
  /// Runs `task` on the loop's thread not before `delay` from now; a negative delay is none.
  TimerId after(std::chrono::nanoseconds delay, Task task);
  /// True when the timer will not run: false when it ran, is running or was cancelled before.
  bool cancel(TimerId timer);

  /// Whether the caller is on the loop's thread.
  bool here() const;
  /// Between start() and stop().
  bool running() const;

  struct Impl;
  /// For this module's own servers and clients.
  Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace strata::net
