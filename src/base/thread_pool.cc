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
    auto& queue = queues_[index_of(lane)];
    if (stopping_ || queue.size() >= max_queued_) return false;
    queue.push_back(std::move(task));
  }
  wake_.notify_one();
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
    if (ingest.empty() && !may_query) {
      if (stopping_ && query.empty()) return;
      wake_.wait(lock);
      continue;
    }
    const bool is_query = ingest.empty();
    auto& queue = is_query ? query : ingest;
    Task task = std::move(queue.front());
    queue.pop_front();
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

void ThreadPool::parallel_for(Lane lane, size_t n, const std::function<void(size_t)>& body) {
  if (n == 0) return;
  // Shared with workers that may start after this call has returned: they find nothing left.
  struct State {
    std::atomic<size_t> next{0};
    std::atomic<size_t> done{0};
    size_t n = 0;
    const std::function<void(size_t)>* body = nullptr;  // valid while done < n
    Mutex mutex;
    CondVar finished;
  };
  auto state = std::make_shared<State>();
  state->n = n;
  state->body = &body;
  auto run = [](State& s) {
    for (size_t i = s.next++; i < s.n; i = s.next++) {
      (*s.body)(i);
      if (++s.done == s.n) {
        MutexLock lock(s.mutex);
        s.finished.notify_all();
      }
    }
  };
  for (size_t i = 0; i < std::min(n - 1, threads()); ++i) {
    if (!submit(lane, [state, run] { run(*state); })) break;
  }
  run(*state);
  MutexLock lock(state->mutex);
  while (state->done < n) state->finished.wait(lock);
}

}  // namespace strata
