// Where an answer from the network waits for the thread that asked.
#pragma once
#include <memory>
#include <optional>

#include "base/mutex.h"
#include "base/result.h"

namespace strata::discover {

/// Shared by the asker and the callback; thread-safe. Holds one answer.
template <class T>
class AnswerBox {
 public:
  void put(Result<T> answer) {
    MutexLock lock(mutex_);
    answer_ = std::move(answer);
  }
  /// The answer, once.
  std::optional<Result<T>> take() {
    MutexLock lock(mutex_);
    return std::exchange(answer_, std::nullopt);
  }

 private:
  Mutex mutex_;
  std::optional<Result<T>> answer_ GUARDED_BY(mutex_);
};

}  // namespace strata::discover
