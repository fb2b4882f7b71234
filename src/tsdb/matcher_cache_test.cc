#include "tsdb/matcher_cache.h"

#include <gtest/gtest.h>

#include <numeric>

namespace strata::tsdb {
namespace {

class MatcherCacheTest : public testing::Test {
 protected:
  std::vector<uint32_t> matching(Matcher::Op op, std::string pattern, uint32_t pairs) {
    std::vector<uint32_t> all(pairs);
    std::iota(all.begin(), all.end(), 0u);
    const Matcher matcher = Matcher::make(op, "i", std::move(pattern)).value();
    return *cache_.matching(matcher, all, [this](uint32_t pair) {
      ++asked_;
      texts_[pair % 2] = std::to_string(pair);
      return std::string_view(texts_[pair % 2]);
    });
  }
  MatcherCache cache_;
  std::string texts_[2];
  int asked_ = 0;
};

TEST_F(MatcherCacheTest, LooksAtAValueOnce) {
  EXPECT_EQ(matching(Matcher::Op::kRegex, "1.?", 12), (std::vector<uint32_t>{1, 10, 11}));
  EXPECT_EQ(asked_, 12);
  EXPECT_EQ(matching(Matcher::Op::kRegex, "1.?", 12), (std::vector<uint32_t>{1, 10, 11}));
  EXPECT_EQ(asked_, 12);
  EXPECT_EQ(matching(Matcher::Op::kRegex, "1.?", 14), (std::vector<uint32_t>{1, 10, 11, 12, 13}));
  EXPECT_EQ(asked_, 14);
}

TEST_F(MatcherCacheTest, OfAMatcherThatMatchesNothingTooItGivesWhatIsRefused) {
  EXPECT_EQ(matching(Matcher::Op::kNotRegex, "[3-9]|1.", 12),
            (std::vector<uint32_t>{3, 4, 5, 6, 7, 8, 9, 10, 11}));
  EXPECT_EQ(matching(Matcher::Op::kRegex, "(1.)?", 12),
            (std::vector<uint32_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

TEST_F(MatcherCacheTest, IsBounded) {
  for (int i = 0; i < 1200; ++i) matching(Matcher::Op::kRegex, std::to_string(i), 100);
  EXPECT_LE(cache_.memory(), MatcherCache::kMaxBytes);
  for (int i = 0; i < 100; ++i) matching(Matcher::Op::kRegex, ".*|" + std::to_string(i), 500'000);
  EXPECT_LE(cache_.memory(), MatcherCache::kMaxBytes);
}

}  // namespace
}  // namespace strata::tsdb
