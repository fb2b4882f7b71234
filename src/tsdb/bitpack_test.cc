#include "tsdb/bitpack.h"

#include <gtest/gtest.h>

#include "tsdb/tile_shapes.h"

namespace strata::tsdb {
namespace {

// One bit at a time, as bitpack.h says.
std::string plain_pack(std::span<const uint64_t> values, unsigned width) {
  std::string out(packed_size(values.size(), width), '\0');
  const size_t laned = width <= 32 ? values.size() / 128 * 128 : 0;
  for (size_t i = 0; i < values.size(); ++i) {
    for (size_t b = 0; b < width; ++b) {
      size_t at = i * width + b;
      if (i < laned) {
        const size_t in_lane = i % 128 / 4 * width + b;
        at = i / 128 * 128 * width + (in_lane / 32 * 4 + i % 4) * 32 + in_lane % 32;
      }
      out[at / 8] = static_cast<char>(out[at / 8] | (values[i] >> b & 1) << (at % 8));
    }
  }
  return out;
}

TEST(Bitpack, EveryWidthAndLengthPacksAsThePlainWayAndComesBack) {
  Random random(1);
  for (unsigned width = 0; width <= 64; ++width) {
    for (const size_t n : {0u, 1u, 2u, 7u, 8u, 9u, 31u, 63u, 127u, 128u, 129u, 255u, 256u, 300u}) {
      std::vector<uint64_t> values(n);
      for (auto& v : values) v = width == 0 ? 0 : random() >> (64 - width);
      std::string bytes;
      pack(values, width, bytes);
      ASSERT_EQ(bytes, plain_pack(values, width)) << width << " bits, " << n << " values";
      std::vector<uint64_t> got(n, 42);
      unpack(bytes, width, got);
      ASSERT_EQ(got, values) << width << " bits, " << n << " values";
    }
  }
}

TEST(Bitpack, BitsAboveTheWidthAreDropped) {
  const std::vector<uint64_t> values(200, ~uint64_t{0});
  std::string bytes;
  pack(values, 5, bytes);
  std::vector<uint64_t> got(200);
  unpack(bytes, 5, got);
  EXPECT_EQ(got, std::vector<uint64_t>(200, 31));
}

}  // namespace
}  // namespace strata::tsdb
