#include "api/turns.h"

namespace strata::api {

bool Turns::submit(ThreadPool::Task task) {
  {
    MutexLock lock(mutex_);
    if (running_ == max_running_) {
      if (waiting_.size() == max_waiting_) return false;
      waiting_.push_back(std::move(task));
      return true;
    }
    ++running_;
  }
  if (start(task)) return true;
  ended();
  return false;
}

// The task stays where it is when the pool does not take it.
bool Turns::start(ThreadPool::Task& task) {
  auto shared = std::make_shared<ThreadPool::Task>(std::move(task));
  if (pool_.submit(lane_, [self = shared_from_this(), shared] {
        (*shared)();
        *shared = nullptr;
        self->ended();
      })) {
    return true;
  }
  task = std::move(*shared);
  return false;
}

void Turns::ended() {
  ThreadPool::Task next;
  while (true) {
    {
      MutexLock lock(mutex_);
      if (waiting_.empty()) {
        --running_;
        return;
      }
      next = std::move(waiting_.front());
      waiting_.pop_front();
    }
    // It was promised a turn: when the pool does not take it any more, it has it here.
    if (start(next)) return;
    next();
    next = nullptr;
  }
}

size_t Turns::running() const {
  MutexLock lock(mutex_);
  return running_;
}

size_t Turns::waiting() const {
  MutexLock lock(mutex_);
  return waiting_.size();
}

}  // namespace strata::api
