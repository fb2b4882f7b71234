// Columns of every shape that a codec meets, for the tests. Seeded: the same seed gives the same
// values everywhere.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <random>
#include <span>
#include <string_view>
#include <vector>

namespace strata::tsdb {

using Random = std::mt19937_64;

struct Shape {
  std::string_view name;
  std::vector<double> (*make)(size_t n, Random& random);
};

/// What exporters print (counters, sizes, decimals, ratios, sums), and what they should not
/// (infinities, NaNs with payloads, denormals, -0, resets, values beside their form).
std::span<const Shape> shapes();

/// Uniform in [0, n), without a distribution's freedom to differ between libraries.
inline uint64_t below(Random& random, uint64_t n) { return random() % n; }
/// Uniform in [0, 1).
inline double unit(Random& random) { return static_cast<double>(random() >> 11) * 0x1p-53; }

}  // namespace strata::tsdb
