#include "api/rate_limit.h"

#include <algorithm>

namespace strata::api {

bool RateLimit::allow(Duration now) {
  if (interval_.count() <= 0) return true;
  MutexLock lock(mutex_);
  if (now > filled_at_) {
    const auto passed = static_cast<double>((now - filled_at_).count());
    tokens_ = std::min(burst_, tokens_ + passed / static_cast<double>(interval_.count()));
    filled_at_ = now;
  }
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

}  // namespace strata::api
