#include "base/thread_pool.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <memory>

namespace strata {
namespace {

constexpr size_t index_of(Lane lane) { return static_cast<size_t>(lane); }

}  // namespace

ThreadPool::ThreadPool(std::string name, size_t threads, size_t max_queued)
    : name_(std::move(name)),
      max_queued_(max_queued),
      max_queries_(std::max<size_t>(1, threads - (threads > 1 ? 1 : 0))) {
  for (size_t i = 0; i < std::max<size_t>(1, threads); ++i) {
    workers_.emplace_back([this] { work(); });
    // Linux keeps 15 characters of a thread's name.
    pthread_setname_np(workers_.back().native_handle(), name_.substr(0, 15).c_str());
  }
}

ThreadPool::~ThreadPool() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  workers_.clear();
}

bool ThreadPool::submit(Lane lane, Task task) {
  {
    MutexLock lock(mutex_);
    if (!take(lane, std::move(task))) return false;
  }
  wake_.notify_one();
  return true;
}

bool ThreadPool::take(Lane lane, Task task) {
  auto& queue = queues_[index_of(lane)];
  if (stopping_ || queue.size() >= max_queued_) return false;
  queue.push_back(std::move(task));
  if (lane == Lane::kIngest) ++ingest_waiting_;
  return true;
}

size_t ThreadPool::queued(Lane lane) const {
  MutexLock lock(mutex_);
  return queues_[index_of(lane)].size();
}

void ThreadPool::work() {
  MutexLock lock(mutex_);
  auto& ingest = queues_[index_of(Lane::kIngest)];
  auto& query = queues_[index_of(Lane::kQuery)];
  while (true) {
    const bool may_query = !query.empty() && queries_running_ < max_queries_;
    if (ingest.empty() && !may_query && helpers_.empty()) {
      if (stopping_ && query.empty()) return;
      wake_.wait(lock);
      continue;
    }
    const bool is_ingest = !ingest.empty();
    const bool is_query = !is_ingest && may_query;
    auto& queue = is_ingest ? ingest : is_query ? query : helpers_;
    Task task = std::move(queue.front());
    queue.pop_front();
    ingest_waiting_ -= is_ingest ? 1 : 0;
    queries_running_ += is_query ? 1 : 0;
    lock.unlock();
    task();
    task = nullptr;  // what it captured is destroyed outside the lock
    lock.lock();
    if (is_query) {
      --queries_running_;
      wake_.notify_one();  // a query may have waited for this slot
    }
  }
}

// Shared with workers that may start after parallel_for has returned: they find nothing left.
struct ThreadPool::Shared {
  std::atomic<size_t> next{0};
  std::atomic<size_t> done{0};
  size_t n = 0;
  const std::function<void(size_t)>* body = nullptr;  // valid while done < n
  Mutex mutex;
  CondVar finished;
};

// Takes indices while there are any; a helper leaves when something is to be ingested.
void ThreadPool::help(Shared& shared, bool until_ingest) {
  while (!until_ingest || ingest_waiting_.load(std::memory_order_relaxed) == 0) {
    const size_t i = shared.next++;
    if (i >= shared.n) return;
    (*shared.body)(i);
    if (++shared.done == shared.n) {
      MutexLock lock(shared.mutex);
      shared.finished.notify_all();
    }
  }
}

void ThreadPool::parallel_for(Lane lane, size_t n, const std::function<void(size_t)>& body) {
  if (n == 0) return;
  auto shared = std::make_shared<Shared>();
  shared->n = n;
  shared->body = &body;
  const size_t wanted = std::min(n - 1, threads());
  {
    MutexLock lock(mutex_);
    for (size_t i = 0; i < wanted; ++i) {
      if (lane == Lane::kIngest) {
        if (!take(lane, [this, shared] { help(*shared, false); })) break;
      } else if (!stopping_ && helpers_.size() < max_queued_) {
        helpers_.emplace_back([this, shared] { help(*shared, true); });
      }
    }
  }
  wake_.notify_all();
  help(*shared, false);
  MutexLock lock(shared->mutex);
  while (shared->done < n) shared->finished.wait(lock);
}

}  // namespace strata
