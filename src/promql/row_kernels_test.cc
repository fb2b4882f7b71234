#include "promql/row_kernels.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "promql/kahan.h"
#include "promql/row.h"

namespace strata::promql {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

std::vector<double> random_row(std::mt19937_64& random, size_t n, bool special) {
  std::vector<double> row(n);
  for (double& v : row) {
    v = std::ldexp(static_cast<double>(random() % 2'000'001) - 1e6,
                   static_cast<int>(random() % 120) - 60);
    if (special && random() % 16 == 0) v = random() % 2 == 0 ? kInf : -kInf;
    if (special && random() % 16 == 0) v = std::nan("");
    if (special && random() % 16 == 0) v = std::numeric_limits<double>::max();
  }
  return row;
}

bool same(double a, double b) { return (std::isnan(a) && std::isnan(b)) || a == b; }

TEST(RowKernels, AddAsOneByOne) {
  std::mt19937_64 random(3);
  for (const bool special : {false, true}) {
    for (size_t n = 0; n < 70; ++n) {
      std::vector<double> sum(n), compensation(n), plain_sum(n), plain_compensation(n);
      for (int rows = 0; rows < 40; ++rows) {
        const auto row = random_row(random, n, special);
        kahan_add_rows(row, sum.data(), compensation.data());
        for (size_t i = 0; i < n; ++i) kahan_add(row[i], plain_sum[i], plain_compensation[i]);
      }
      for (size_t i = 0; i < n; ++i) {
        EXPECT_TRUE(same(sum[i], plain_sum[i])) << i;
        EXPECT_TRUE(std::isinf(sum[i]) || same(compensation[i], plain_compensation[i])) << i;
      }
    }
  }
}

TEST(RowKernels, FindWhatIsAbsent) {
  for (size_t n = 1; n < 40; ++n) {
    std::vector<double> row(n, std::nan(""));
    EXPECT_FALSE(has_absent(row));
    for (size_t i = 0; i < n; ++i) {
      row[i] = absent();
      EXPECT_TRUE(has_absent(row));
      row[i] = 0;
    }
  }
}

TEST(RowKernels, RateLooksForCountersNearZero) {
  for (size_t n = 1; n < 40; ++n) {
    std::vector<double> v(n + 4), factor(n, 0.5), reach(n, 0.25), out(n);
    for (size_t i = 0; i < v.size(); ++i) v[i] = 1000 + static_cast<double>(i * i);
    const RateRun run{v.data(), v.data() + 4, factor.data(), reach.data()};
    EXPECT_FALSE(rate_run(run, out));
    for (size_t i = 0; i < n; ++i) EXPECT_EQ(out[i], (v[i + 4] - v[i]) * 0.5);
    v[n - 1] = 0.5;
    v[n + 3] = 10;
    EXPECT_TRUE(rate_run(run, out));
    v[n - 1] = -0.5;
    EXPECT_FALSE(rate_run(run, out));
  }
}

}  // namespace
}  // namespace strata::promql
