// About how many different values there were, of hashes, in 256 bytes (HyperLogLog, Flajolet et al.
// 2007, with linear counting while few registers are set). Standard error 6.5 %. Not thread-safe.
#pragma once
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>

namespace strata::scrape {

class DistinctEstimate {
 public:
  void add(uint64_t hash) {
    auto& reg = registers_[hash >> (64 - kBits)];
    const auto rank = static_cast<uint8_t>(std::countl_zero(hash << kBits | 1u) + 1);
    if (rank > reg) reg = rank;
  }

  uint64_t count() const {
    double sum = 0;
    int zeros = 0;
    for (const uint8_t reg : registers_) {
      sum += std::ldexp(1.0, -reg);
      zeros += reg == 0 ? 1 : 0;
    }
    constexpr double m = 1 << kBits;
    constexpr double alpha = 0.7213 / (1 + 1.079 / m);
    double estimate = alpha * m * m / sum;
    if (estimate <= 2.5 * m && zeros > 0) estimate = m * std::log(m / zeros);
    return static_cast<uint64_t>(std::llround(estimate));
  }

 private:
  static constexpr int kBits = 8;
  std::array<uint8_t, size_t{1} << kBits> registers_{};
};

}  // namespace strata::scrape
