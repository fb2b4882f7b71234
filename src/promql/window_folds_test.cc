#include "promql/window_folds.h"

#include <gtest/gtest.h>

#include <random>

namespace strata::promql {
namespace {

TEST(CountedWindow, AgreesWithTheSortedOne) {
  std::mt19937 engine(5);
  const auto random = [&] { return static_cast<uint32_t>(engine()); };
  for (int round = 0; round < 50; ++round) {
    const unsigned range = 1 + random() % 4000;
    std::vector<double> v(200 + random() % 300);
    for (double& x : v) x = static_cast<double>(random() % range) - 100;
    const auto counted = CountedWindow::make(v);
    ASSERT_TRUE(counted);
    SortedWindow sorted(v);
    uint32_t begin = 0;
    uint32_t end = 0;
    while (begin < v.size()) {
      end = std::min<uint32_t>(static_cast<uint32_t>(v.size()),
                               std::max(end, begin + 1 + random() % 60));
      const auto all = sorted.at(begin, end);
      counted->at(begin, end);
      for (size_t rank = 0; rank < all.size(); ++rank) {
        ASSERT_EQ(counted->value_at(rank), all[rank]) << begin << " " << end << " " << rank;
      }
      begin += random() % 3 == 0 ? random() % 90 : random() % 4;
      end = std::max(end, begin);
    }
  }
}

TEST(CountedWindow, IsNotForOtherValues) {
  EXPECT_TRUE(CountedWindow::make(std::vector<double>{-3, 7, 4092}));
  EXPECT_FALSE(CountedWindow::make(std::vector<double>{}));
  EXPECT_FALSE(CountedWindow::make(std::vector<double>{1, 2.5}));
  EXPECT_FALSE(CountedWindow::make(std::vector<double>{1, -0.0}));
  EXPECT_FALSE(CountedWindow::make(std::vector<double>{1, std::nan("")}));
  EXPECT_FALSE(CountedWindow::make(std::vector<double>{1, INFINITY}));
  EXPECT_FALSE(CountedWindow::make(std::vector<double>{-1, 4095}));
  EXPECT_FALSE(CountedWindow::make(std::vector<double>{9e15, 9e15 + 4, 1e16 + 8192}));
}

}  // namespace
}  // namespace strata::promql
