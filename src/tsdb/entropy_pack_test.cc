#include "tsdb/entropy_pack.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tsdb/tile_shapes.h"

namespace strata::tsdb {
namespace {

using Values = std::vector<uint64_t>;

Values unpacked(std::string_view bytes, size_t n) {
  ByteReader in(bytes);
  Values out(n);
  EXPECT_TRUE(entropy_unpack(in, out));
  EXPECT_TRUE(in.done());
  return out;
}

Values made(size_t n, uint64_t seed, uint64_t (*next)(Random&)) {
  Random random(seed);
  Values out;
  for (size_t i = 0; i < n; ++i) out.push_back(next(random));
  return out;
}

constexpr uint64_t (*kKinds[])(Random&) = {
    [](Random&) { return uint64_t{7}; },
    [](Random&) { return UINT64_MAX; },
    [](Random& r) { return below(r, 2); },
    [](Random& r) { return uint64_t{below(r, 1000) == 0}; },
    [](Random& r) { return below(r, 16); },
    [](Random& r) { return below(r, 100'000); },
    [](Random& r) { return r(); },
    [](Random& r) { return r() >> below(r, 64); },  // every token
    [](Random& r) { return static_cast<uint64_t>(-std::log(1 - unit(r)) * 300); },
    [](Random& r) { return below(r, 50) == 0 ? r() : below(r, 3); },
};

TEST(EntropyPack, AnythingComesBack) {
  for (size_t kind = 0; kind < std::size(kKinds); ++kind) {
    for (const size_t n : {1u, 2u, 3u, 16u, 17u, 511u, 4320u, 8192u}) {
      const auto values = made(n, n, kKinds[kind]);
      std::string bytes;
      entropy_pack(values, bytes);
      ASSERT_EQ(unpacked(bytes, n), values) << kind << ", " << n;
    }
  }
}

TEST(EntropyPack, TheSizeIsKnownBeforehand) {
  for (const auto kind : kKinds) {
    for (const size_t n : {1u, 100u, 8192u}) {
      const auto values = made(n, n, kind);
      std::string bytes;
      entropy_pack(values, bytes);
      const auto expected = static_cast<double>(entropy_size(values));
      EXPECT_NEAR(static_cast<double>(bytes.size()), expected, 8 + expected / 50);
    }
  }
  EXPECT_EQ(entropy_size({}), SIZE_MAX);
}

TEST(EntropyPack, NoiseCostsItsEntropy) {
  // Geometric: the entropy is known. -log2(1 - p) * (1 - p) / p - log2(p).
  const double p = 1.0 / 300;
  const auto values = made(8192, 3, kKinds[8]);
  std::string bytes;
  entropy_pack(values, bytes);
  const double bits = -std::log2(p) - (1 - p) / p * std::log2(1 - p);
  EXPECT_LT(static_cast<double>(bytes.size()) * 8 / 8192, bits * 1.02);
}

TEST(EntropyPack, DamageHarmsNothingElse) {
  Random random(9);
  const auto values = made(1000, 1, kKinds[8]);
  std::string bytes;
  entropy_pack(values, bytes);
  for (size_t length = 0; length < bytes.size(); ++length) {
    ByteReader in(std::string_view(bytes).substr(0, length));
    Values out(values.size());
    EXPECT_FALSE(entropy_unpack(in, out)) << length;
  }
  for (int round = 0; round < 2000; ++round) {
    std::string damaged = bytes;
    damaged[random() % bytes.size()] ^= static_cast<char>(1 << random() % 8);
    ByteReader in(damaged);
    Values out(values.size());
    (void)entropy_unpack(in, out);  // stays in its bounds; a tile's frame has the checksum
  }
}

}  // namespace
}  // namespace strata::tsdb
