#include "interop/xor_chunk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <limits>
#include <random>

namespace strata::interop {
namespace {

using Bits = std::vector<uint64_t>;

Bits bits_of(const std::vector<double>& values) {
  Bits out;
  for (const double v : values) out.push_back(std::bit_cast<uint64_t>(v));
  return out;
}

void expect_round_trip(const std::vector<TimestampMs>& t, const std::vector<double>& v) {
  std::string chunk;
  append_xor_chunk(chunk, t, v);
  SampleColumns out;
  const auto read = read_xor_chunk(chunk, out);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(out.t, t);
  EXPECT_EQ(bits_of(out.v), bits_of(v));
}

TEST(XorChunk, KeepsEveryBitOfOddValues) {
  using Limits = std::numeric_limits<double>;
  const std::vector<double> v = {0.0,
                                 -0.0,
                                 stale_nan(),
                                 std::bit_cast<double>(kNormalNanBits),
                                 Limits::infinity(),
                                 -Limits::infinity(),
                                 Limits::denorm_min(),
                                 Limits::max(),
                                 std::bit_cast<double>(~uint64_t{0}),
                                 0.0};
  std::vector<TimestampMs> t;
  for (size_t i = 0; i < v.size(); ++i) t.push_back(static_cast<TimestampMs>(i) * 15'000 - 40'000);
  expect_round_trip(t, v);
}

TEST(XorChunk, KeepsTimesAtEveryWidthOfDelta) {
  std::vector<TimestampMs> t = {std::numeric_limits<TimestampMs>::min(), -1'000'000'000'000, 0};
  for (int bit = 0; bit < 40; ++bit) {
    for (const TimestampMs off : {-1, 0, 1}) {
      t.push_back(t.back() + std::max<TimestampMs>(1, (TimestampMs{1} << bit) + off));
    }
  }
  expect_round_trip(t, std::vector<double>(t.size(), 1.5));
}

TEST(XorChunk, KeepsRandomSeries) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 500; ++round) {
    const size_t n = 1 + random() % kSamplesPerChunk;
    std::vector<TimestampMs> t;
    std::vector<double> v;
    TimestampMs at = static_cast<TimestampMs>(random() >> 20);
    for (size_t i = 0; i < n; ++i) {
      at += 1 + static_cast<TimestampMs>(random() >> (40 + random() % 24));
      t.push_back(at);
      // Changes of few bits, of many, and none.
      const uint64_t last = v.empty() ? 0 : std::bit_cast<uint64_t>(v.back());
      v.push_back(std::bit_cast<double>(last ^ (random() >> random() % 64 << random() % 64)));
    }
    expect_round_trip(t, v);
  }
}

TEST(XorChunk, RefusesEveryCut) {
  std::string chunk;
  append_xor_chunk(chunk, std::vector<TimestampMs>{1, 2, 40'000}, std::vector<double>{1, 2.5, -3});
  for (size_t n = 0; n + 1 < chunk.size(); ++n) {
    SampleColumns out;
    out.t = {0};
    out.v = {7};
    if (read_xor_chunk(chunk.substr(0, n), out)) FAIL() << "cut at " << n;
    EXPECT_THAT(out.t, testing::ElementsAre(0)) << n;
  }
}

// Worked out by hand from Prometheus' chunks.md: two samples, 1000 ms and 15 s later, of 1.0.
TEST(XorChunk, IsWrittenAsTheFormatSays) {
  std::string chunk;
  append_xor_chunk(chunk, std::vector<TimestampMs>{1000, 16'000}, std::vector<double>{1, 1});
  const std::string expected("\x00\x02\xd0\x0f\x3f\xf0\x00\x00\x00\x00\x00\x00\x98\x75\x00", 15);
  EXPECT_EQ(chunk, expected);
}

}  // namespace
}  // namespace strata::interop
