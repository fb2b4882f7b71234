#include "base/edit_distance.h"

#include <gtest/gtest.h>

namespace strata {
namespace {

TEST(EditDistance, CountsEditsUpToABound) {
  const std::tuple<const char*, const char*, size_t> cases[] = {
      {"", "", 0},
      {"a", "", 1},
      {"abc", "abc", 0},
      {"abc", "acb", 1},
      {"kitten", "sitting", 3},
      {"load1", "load5", 1},
      {"x", "abcdefgh", 5},
      {"abcd", "wxyz", 4},
  };
  for (const auto& [a, b, expected] : cases) EXPECT_EQ(edit_distance(a, b, 4), expected) << a << b;
}

}  // namespace
}  // namespace strata
