// The work pool: ingest and rules run before ad-hoc queries.
#pragma once
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace strata {

/// Which queue a task waits in. A worker takes from kIngest while there is anything in it, and at
/// most threads-1 workers (at least one) run kQuery tasks at a time, so that slow queries never
/// hold up a scrape.
enum class Lane : uint8_t { kIngest, kQuery };

/// Owned by app/; thread-safe. Tasks do not wait for the network. The destructor runs what is
/// queued and joins.
class ThreadPool {
 public:
  using Task = std::move_only_function<void()>;

  /// `max_queued` bounds each lane.
  ThreadPool(std::string name, size_t threads, size_t max_queued = 65536);
  ~ThreadPool();

  /// False when the lane's queue is full or the pool is stopping; the task was not taken.
  [[nodiscard]] bool submit(Lane lane, Task task);

  /// Runs body(i) for each i in [0, n), on the caller and on idle workers; returns when all ran.
  /// Safe to call from a task: the caller does the work that no one else takes. In kQuery a worker
  /// helps as long as nothing is to be ingested, also the one that is kept for ingestion.
  void parallel_for(Lane lane, size_t n, const std::function<void(size_t)>& body);

  size_t threads() const { return workers_.size(); }
  size_t queued(Lane lane) const;

 private:
  struct Shared;  // of one parallel_for
  void work();
  void help(Shared& shared, bool until_ingest);
  bool take(Lane lane, Task task) REQUIRES(mutex_);

  mutable Mutex mutex_;
  CondVar wake_;
  std::array<std::deque<Task>, 2> queues_ GUARDED_BY(mutex_);
  std::deque<Task> helpers_ GUARDED_BY(mutex_);  // parts of queries that run: after both queues
  std::atomic<size_t> ingest_waiting_{0};
  size_t queries_running_ GUARDED_BY(mutex_) = 0;
  bool stopping_ GUARDED_BY(mutex_) = false;
  const std::string name_;
  const size_t max_queued_;
  const size_t max_queries_;
  std::vector<std::jthread> workers_;
};

}  // namespace strata
