// What a Loop is inside: for this module's own files, which start Asio operations on it.
#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <optional>
#include <thread>
#include <unordered_map>

#include "base/mutex.h"
#include "net/loop.h"

namespace strata::net {

struct Loop::Impl {
  using Time = std::chrono::steady_clock::time_point;

  explicit Impl(std::string thread_name) : name(std::move(thread_name)), alarm(io) {}

  void run();
  void set_alarm();  // on the loop's thread
  void fire();       // on the loop's thread

  const std::string name;
  boost::asio::io_context io{1};

  Mutex mutex;
  std::thread thread GUARDED_BY(mutex);
  bool started GUARDED_BY(mutex) = false;
  bool stopped GUARDED_BY(mutex) = false;
  uint64_t last_timer GUARDED_BY(mutex) = 0;
  /// In the order they are due; equal times in the order they were asked for.
  std::map<std::pair<Time, uint64_t>, Task> timers GUARDED_BY(mutex);
  std::unordered_map<uint64_t, Time> due GUARDED_BY(mutex);

  boost::asio::steady_timer alarm;       // for the first of the timers
  Time alarm_at = Time::max();           // touched on the loop's thread only
  std::atomic<std::thread::id> runs_on;  // for here()
};

}  // namespace strata::net
