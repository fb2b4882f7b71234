// Seeded randomness for the fleet: the same seed gives the same fleet (libm's logarithms may differ
// in the last bit from one machine to another).
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>

namespace strata::bench {

/// splitmix64 (Steele, Lea, Flood 2014): eight bytes of state, as a fleet has millions of them.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t bits() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  /// [0, 1)
  double unit() { return static_cast<double>(bits() >> 11) * 0x1p-53; }
  double uniform(double low, double high) { return low + (high - low) * unit(); }
  uint64_t below(uint64_t n) { return bits() % n; }
  double normal() {
    return std::sqrt(-2 * std::log(1 - unit())) * std::cos(2 * std::numbers::pi * unit());
  }
  double lognormal(double median, double sigma) { return median * std::exp(sigma * normal()); }
  double exponential(double mean) { return -mean * std::log(1 - unit()); }
  /// Exact up to a mean of 30, then rounded from a normal distribution.
  double poisson(double mean) {
    if (mean > 30) return std::max(0.0, std::round(mean + std::sqrt(mean) * normal()));
    const double floor = std::exp(-mean);
    double n = 0;
    for (double product = unit(); product > floor; product *= unit()) ++n;
    return n;
  }

 private:
  uint64_t state_;
};

}  // namespace strata::bench
