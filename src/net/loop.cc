#include "net/loop.h"

#include <pthread.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include "base/check.h"
#include "net/loop_impl.h"

namespace strata::net {

Loop::Loop(std::string name) : impl_(std::make_unique<Impl>(std::move(name))) {}
Loop::~Loop() { stop(); }

void Loop::start() {
  MutexLock lock(impl_->mutex);
  CHECK(!impl_->started);
  impl_->started = true;
  impl_->thread = std::thread([this] { impl_->run(); });
}

void Loop::stop() {
  CHECK(!here());
  std::thread thread;
  {
    MutexLock lock(impl_->mutex);
    impl_->stopped = true;
    thread = std::move(impl_->thread);
  }
  impl_->io.stop();
  if (thread.joinable()) thread.join();
}

bool Loop::here() const { return impl_->runs_on.load() == std::this_thread::get_id(); }

bool Loop::running() const {
  MutexLock lock(impl_->mutex);
  return impl_->started && !impl_->stopped;
}

void Loop::post(Task task) { boost::asio::post(impl_->io, std::move(task)); }

TimerId Loop::after(std::chrono::nanoseconds delay, Task task) {
  const auto at = std::chrono::steady_clock::now() + std::max(delay, std::chrono::nanoseconds(0));
  uint64_t id = 0;
  bool first = false;
  {
    MutexLock lock(impl_->mutex);
    id = ++impl_->last_timer;
    impl_->timers.emplace(std::pair(at, id), std::move(task));
    impl_->due.emplace(id, at);
    first = impl_->timers.begin()->first.second == id;
  }
  if (first && here()) {
    impl_->set_alarm();
  } else if (first) {
    post([this] { impl_->set_alarm(); });
  }
  return TimerId{id};
}

bool Loop::cancel(TimerId timer) {
  Task dropped;  // destroyed outside the lock
  MutexLock lock(impl_->mutex);
  const auto due = impl_->due.find(static_cast<uint64_t>(timer));
  if (due == impl_->due.end()) return false;
  const auto found = impl_->timers.find(std::pair(due->second, due->first));
  dropped = std::move(found->second);
  impl_->timers.erase(found);
  impl_->due.erase(due);
  return true;  // an alarm that finds nothing due sets itself anew
}

void Loop::Impl::run() {
  pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
  runs_on = std::this_thread::get_id();
  const auto stay = boost::asio::make_work_guard(io);
  io.run();
}

void Loop::Impl::set_alarm() {
  Time first = Time::max();
  {
    MutexLock lock(mutex);
    if (!timers.empty()) first = timers.begin()->first.first;
  }
  if (first == Time::max() || first >= alarm_at) return;
  alarm_at = first;
  alarm.expires_at(first);
  alarm.async_wait([this](boost::system::error_code error) {
    if (error) return;  // set to an earlier time
    alarm_at = Time::max();
    fire();
    set_alarm();
  });
}

void Loop::Impl::fire() {
  const Time now = std::chrono::steady_clock::now();
  while (!io.stopped()) {
    Task task;
    {
      MutexLock lock(mutex);
      if (timers.empty() || timers.begin()->first.first > now) return;
      const auto first = timers.begin();
      task = std::move(first->second);
      due.erase(first->first.second);
      timers.erase(first);
    }
    task();
  }
}

}  // namespace strata::net
