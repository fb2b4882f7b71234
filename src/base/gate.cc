#include "base/gate.h"

#include "base/check.h"

namespace strata {

bool Gate::enter() {
  MutexLock lock(mutex_);
  if (closed_) return false;
  ++inside_;
  return true;
}

void Gate::leave() {
  MutexLock lock(mutex_);
  CHECK(inside_ > 0);
  if (--inside_ == 0) empty_.notify_all();
}

void Gate::close() {
  MutexLock lock(mutex_);
  closed_ = true;
  while (inside_ > 0) empty_.wait(lock);
}

}  // namespace strata
