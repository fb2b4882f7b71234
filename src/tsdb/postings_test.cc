#include "tsdb/postings.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tsdb/tile_shapes.h"

namespace strata::tsdb {
namespace {

Postings random_list(Random& random, uint32_t limit) {
  std::set<uint32_t> ids;
  const uint64_t style = below(random, 4);
  const uint64_t count = style == 0 ? below(random, 4) : below(random, limit);
  for (uint64_t i = 0; i < count; ++i) {
    const auto id = static_cast<uint32_t>(below(random, limit));
    ids.insert(id);
    for (uint32_t k = 1; style == 1 && k < 9 && id + k < limit; ++k) ids.insert(id + k);
  }
  return {ids.begin(), ids.end()};
}

TEST(Postings, SetOperationsAgreeWithStdSet) {
  Random random(1);
  for (int round = 0; round < 3000; ++round) {
    const auto limit = static_cast<uint32_t>(1 + below(random, round % 10 == 0 ? 3000 : 60));
    const auto a = random_list(random, limit);
    const auto b = random_list(random, limit);
    Postings both, either, rest;
    std::ranges::set_intersection(a, b, std::back_inserter(both));
    std::ranges::set_union(a, b, std::back_inserter(either));
    std::ranges::set_difference(a, b, std::back_inserter(rest));
    ASSERT_EQ(intersect(a, b), both);
    ASSERT_EQ(unite(a, b), either);
    ASSERT_EQ(subtract(a, b), rest);
    const auto c = random_list(random, limit);
    const PostingsView lists[] = {a, b, c};
    ASSERT_EQ(intersect(lists), intersect(both, c));
    ASSERT_EQ(unite(lists), unite(either, c));
  }
}

TEST(Postings, NoListsAreNoIds) {
  EXPECT_TRUE(intersect(std::span<const PostingsView>()).empty());
  EXPECT_TRUE(unite(std::span<const PostingsView>()).empty());
}

TEST(Postings, EncodedListsComeBack) {
  Random random(2);
  for (int round = 0; round < 1000; ++round) {
    const auto list = random_list(random, 500);
    std::string bytes;
    append_postings(list, bytes);
    Postings got;
    ASSERT_TRUE(read_postings(bytes, 500, got).has_value());
    ASSERT_EQ(got, list);
    if (list.empty()) continue;
    got.clear();
    EXPECT_FALSE(read_postings(bytes, list.back(), got).has_value()) << "an id beyond the limit";
  }
}

TEST(Postings, ARunIsAFewBytes) {
  Postings list;
  for (uint32_t id = 1000; id < 100'000; ++id) list.push_back(id);
  std::string bytes;
  append_postings(list, bytes);
  EXPECT_LE(bytes.size(), 5u);
}

TEST(Postings, DamagedBytesAreAnError) {
  for (const std::string_view bytes :
       {"\x01", "\xff", "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x7f\x01",
        "\x05\xff\xff\xff\xff\x0f"}) {
    Postings got;
    const auto read = read_postings(bytes, 100, got);
    ASSERT_FALSE(read.has_value());
    EXPECT_EQ(read.error().code, ErrorCode::kCorruption);
  }
}

}  // namespace
}  // namespace strata::tsdb
