#include "sim/random.h"

#include <bit>
#include <cmath>
#include <numbers>

namespace strata::sim {

// Blackman and Vigna, xoshiro256++ 1.0; the seed is spread by splitmix64, as they advise.
Random::Random(uint64_t seed) {
  for (uint64_t& word : state_) {
    seed += 0x9E3779B97F4A7C15;
    uint64_t z = seed;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    word = z ^ (z >> 31);
  }
}

uint64_t Random::next() {
  auto& s = state_;
  const uint64_t result = std::rotl(s[0] + s[3], 23) + s[0];
  const uint64_t shifted = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= shifted;
  s[3] = std::rotl(s[3], 45);
  return result;
}

double Random::uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }

// Box and Muller, without keeping the second value: every call takes two draws.
double Random::normal(double mean, double deviation) {
  const double radius = std::sqrt(-2 * std::log(1 - uniform()));
  return mean + deviation * radius * std::cos(2 * std::numbers::pi * uniform());
}

double Random::lognormal(double median, double sigma) {
  return median * std::exp(normal(0, sigma));
}

// Marsaglia and Tsang (2000), with their boost for shapes below one.
double Random::gamma_gap(double cv) {
  const double shape = 1 / (cv * cv);
  const double boosted = shape < 1 ? shape + 1 : shape;
  const double d = boosted - 1.0 / 3;
  const double c = 1 / std::sqrt(9 * d);
  double value = 0;
  while (true) {
    const double x = normal(0, 1);
    const double v = std::pow(1 + c * x, 3);
    if (v <= 0) continue;
    if (std::log(1 - uniform()) >= 0.5 * x * x + d - d * v + d * std::log(v)) continue;
    value = d * v;
    break;
  }
  if (shape < 1) value *= std::pow(1 - uniform(), 1 / shape);
  return value / shape;
}

}  // namespace strata::sim
