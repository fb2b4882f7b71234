// Stop new work, wait for what runs: the way every part of Strata shuts down.
#pragma once
#include <cstddef>
#include <utility>

#include "base/mutex.h"

namespace strata {

/// Thread-safe. close() must be called before destruction when anything may still enter.
class Gate {
 public:
  /// Leaves the gate when destroyed; false when the gate was closed already.
  class Pass {
   public:
    explicit Pass(Gate& gate) : gate_(gate.enter() ? &gate : nullptr) {}
    Pass(Pass&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}
    Pass& operator=(Pass&&) = delete;
    ~Pass() {
      if (gate_ != nullptr) gate_->leave();
    }
    explicit operator bool() const { return gate_ != nullptr; }

   private:
    Gate* gate_;
  };

  bool enter();
  void leave();
  /// No one enters any more; returns when all have left. Call once.
  void close();

 private:
  Mutex mutex_;
  CondVar empty_;
  size_t inside_ GUARDED_BY(mutex_) = 0;
  bool closed_ GUARDED_BY(mutex_) = false;
};

}  // namespace strata
