// The simulator's own dice: xoshiro256++ seeded through splitmix64, and the distributions that the
// fleet is made of. Not <random>'s: there only the engines are specified, not the distributions,
// and a scenario must give the same fleet wherever it runs. Values; a stream belongs to one part of
// one engine or host, so that a fault that changes one part leaves the draws of the others as they
// were.
#pragma once
#include <array>
#include <cstdint>

namespace strata::sim {

class Random {
 public:
  explicit Random(uint64_t seed);
  /// A stream of its own for `part` of what has this seed.
  static Random of(uint64_t seed, uint64_t part) {
    return Random(seed * 0x9E3779B97F4A7C15 + part);
  }

  uint64_t next();
  /// In [0, 1).
  double uniform();
  double normal(double mean, double deviation);
  double lognormal(double median, double sigma);
  /// Mean 1, coefficient of variation `cv` > 0: the gaps of bursty arrivals.
  double gamma_gap(double cv);

 private:
  std::array<uint64_t, 4> state_;
};

}  // namespace strata::sim
