// Sums that keep what floating point drops: Neumaier's variant of Kahan's summation, as Prometheus
// sums (util/kahansum).
#pragma once
#include <cmath>

namespace strata::promql {

/// sum + compensation grows by x.
inline void kahan_add(double x, double& sum, double& compensation) {
  const double total = sum + x;
  if (std::isinf(total)) {
    compensation = 0;
  } else if (std::abs(sum) >= std::abs(x)) {
    compensation += (sum - total) + x;
  } else {
    compensation += (x - total) + sum;
  }
  sum = total;
}

}  // namespace strata::promql
