// Turns on the work pool: of one kind of task only so many run at a time, however many threads the
// pool has; the others wait in order.
#pragma once
#include <deque>
#include <memory>

#include "base/mutex.h"
#include "base/thread_pool.h"

namespace strata::api {

/// Thread-safe. Lives until its last task ended, also when its owner goes first.
class Turns : public std::enable_shared_from_this<Turns> {
 public:
  /// At most `max_running` run and `max_waiting` wait. `pool` outlives this.
  Turns(ThreadPool& pool, Lane lane, size_t max_running, size_t max_waiting)
      : pool_(pool), lane_(lane), max_running_(max_running), max_waiting_(max_waiting) {}

  /// False when too many wait, or the pool is full or stopping: the task was not taken.
  [[nodiscard]] bool submit(ThreadPool::Task task);

  size_t running() const;
  size_t waiting() const;

 private:
  bool start(ThreadPool::Task& task);
  void ended();

  ThreadPool& pool_;
  const Lane lane_;
  const size_t max_running_;
  const size_t max_waiting_;
  mutable Mutex mutex_;
  size_t running_ GUARDED_BY(mutex_) = 0;
  std::deque<ThreadPool::Task> waiting_ GUARDED_BY(mutex_);
};

}  // namespace strata::api
