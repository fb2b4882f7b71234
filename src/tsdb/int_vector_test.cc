#include "tsdb/int_vector.h"

#include <gtest/gtest.h>

#include <functional>

#include "tsdb/tile_shapes.h"

namespace strata::tsdb {
namespace {

using Integers = std::vector<int64_t>;

std::string encoded(const Integers& values, VectorPlan* used = nullptr) {
  VectorEncoder encoder;
  const auto plan = encoder.plan(values);
  std::string bytes;
  encoder.encode(values, plan, bytes);
  if (used != nullptr) *used = plan;
  return bytes;
}

Integers made(size_t n, const std::function<int64_t(size_t)>& next) {
  Integers out;
  for (size_t i = 0; i < n; ++i) out.push_back(next(i));
  return out;
}

TEST(IntVector, WhatDataIsDecidesHowItIsWritten) {
  Random random(1);
  int64_t total = 0;
  int64_t rate = 100;
  const auto grow = [&](uint64_t by) { return total += static_cast<int64_t>(by); };
  struct Case {
    Integers values;
    std::string_view written;
  };
  const Case cases[] = {
      {Integers(500, 77), "plain/dense:0"},
      {made(500, [](size_t i) { return static_cast<int64_t>(i) * 250; }), "delta/dense:0"},
      {made(500, [](size_t i) { return static_cast<int64_t>(i * i); }), "delta2/dense:0"},
      {made(500, [&](size_t) { return int64_t(below(random, 32)); }), "plain/dense:5"},
      {made(500, [&](size_t) { return 1'000'000 + 4096 * int64_t(below(random, 32)); }),
       "plain/dense/gcd:5"},
      {made(500, [&](size_t) { return grow(below(random, 256)); }), "delta/dense:8"},
      {made(500, [&](size_t) { return grow(below(random, 4) == 0 ? 1 + below(random, 8) : 0); }),
       "delta/bitmap:3"},
      {made(500, [&](size_t) { return grow(below(random, 20) == 0); }), "delta/gaps:0"},
      {made(500, [&](size_t i) { return grow(i % 70 == 9 ? 1u << 30 : below(random, 16)); }),
       "delta/dense/patched:4"},
      {made(500,
            [&](size_t) {
              rate += int64_t(below(random, 7)) - 3;
              return total += rate * 1000;
            }),
       "delta2/dense/zigzag/gcd:3"},
      // A reset is one outlier under a base of zero, not a sign bit for every difference.
      {made(500,
            [&](size_t i) { return total = i == 200 ? 0 : total + int64_t(below(random, 64)); }),
       "delta/dense/patched:6"},
  };
  for (const auto& [values, written] : cases) {
    EXPECT_EQ(describe_vector(encoded(values)), written);
  }
}

TEST(IntVector, IntegersOfEveryMagnitudeComeBackInTheSizePlanned) {
  Random random(2);
  for (int round = 0; round < 3000; ++round) {
    const size_t n = 1 + below(random, round % 20 == 0 ? 1000 : 40);
    const uint64_t shift = below(random, 64);
    const uint64_t style = below(random, 5);
    const auto step = static_cast<int64_t>(1 + below(random, 5000));
    int64_t last = 0;
    const auto values = made(n, [&](size_t) {
      const auto any = static_cast<int64_t>(random()) >> shift;
      const auto wrapped = static_cast<uint64_t>(last) + static_cast<uint64_t>(any);
      switch (style) {
        case 0: return any;
        case 1: return last = static_cast<int64_t>(wrapped);
        case 2:
          return static_cast<int64_t>(static_cast<uint64_t>(any) * static_cast<uint64_t>(step));
        case 3: return last += below(random, 10) == 0 ? step : 0;
        default: return below(random, 30) == 0 ? any : step;
      }
    });
    VectorPlan plan;
    const auto bytes = encoded(values, &plan);
    // The plan takes each outlier's gap for one byte.
    EXPECT_GE(bytes.size(), plan.bytes);
    EXPECT_LE(bytes.size(), plan.bytes + n / 128 + 1);
    Integers got(n);
    ByteReader in(bytes);
    ASSERT_TRUE(decode_vector(in, got)) << describe_vector(bytes);
    EXPECT_TRUE(in.ok() && in.done());
    ASSERT_EQ(got, values) << describe_vector(bytes);
  }
}

TEST(IntVector, NoBytesCrashTheDecoder) {
  Random random(3);
  Integers out(200);
  for (int round = 0; round < 50'000; ++round) {
    std::string bytes;
    // Mostly headers that mean something.
    bytes += static_cast<char>(below(random, 128));
    bytes += static_cast<char>(below(random, 66));
    for (uint64_t n = below(random, 300); n > 0; --n) bytes += static_cast<char>(random() >> 56);
    ByteReader in(bytes);
    (void)decode_vector(in, std::span(out).first(1 + below(random, out.size())));
  }
}

}  // namespace
}  // namespace strata::tsdb
