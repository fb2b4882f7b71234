#include "tsdb/row_code.h"

#include <gtest/gtest.h>

#include <bit>
#include <limits>
#include <random>

#include "model/sample.h"

namespace strata::tsdb {
namespace {

uint64_t bits(double v) { return std::bit_cast<uint64_t>(v); }

double any_value(std::mt19937_64& random) {
  switch (random() % 12) {
    case 0: return stale_nan();
    case 1: return std::bit_cast<double>(random());
    case 2: return -0.0;
    case 3: return 5e-324;
    case 4: return -std::numeric_limits<double>::infinity();
    case 5: return static_cast<double>(random() % 1000) / 10;
    case 6: return static_cast<double>(random() >> 10);
    case 7: return -static_cast<double>(random() % 100'000) / 100;
    case 8: return static_cast<double>(static_cast<float>(random()));
    case 9: return 0x1p51 - static_cast<double>(random() % 3);
    default: return static_cast<double>(random() % 300);
  }
}

ColumnPlan any_plan(std::mt19937_64& random) {
  return ColumnPlan::from_nibble(static_cast<unsigned>(random() % 16));
}

void expect_round_trip(const std::vector<double>& base, const std::vector<ColumnPlan>& plan,
                       const std::vector<double>& values) {
  std::string coded;
  encode_row(coded, base, plan, values);
  std::vector<double> decoded;
  ASSERT_TRUE(decode_row(coded, base, plan, decoded));
  ASSERT_TRUE(std::ranges::equal(values, decoded, {}, bits, bits));
}

TEST(RowCode, AnyValuesComeBackBitForBitUnderAnyPlan) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 3000; ++round) {
    std::vector<double> base;
    std::vector<double> values;
    std::vector<ColumnPlan> plan;
    for (uint64_t n = 1 + random() % 150; n > 0; --n) {
      base.push_back(any_value(random));
      plan.push_back(any_plan(random));
      switch (random() % 4) {
        case 0: values.push_back(base.back()); break;
        case 1: values.push_back(base.back() + static_cast<double>(random() % 70'000)); break;
        case 2: values.push_back(base.back() + 1); break;
        default: values.push_back(any_value(random)); break;
      }
    }
    expect_round_trip(base, plan, values);
    expect_round_trip({}, plan, values);
    expect_round_trip(base, plan_columns(values, nullptr), values);
  }
}

TEST(RowCode, ARowThatStandsStillTakesAByteAGroup) {
  const std::vector<double> values(800, 1.5);
  std::string coded;
  encode_row(coded, values, plan_columns(values, nullptr), values);
  EXPECT_EQ(coded.size(), 800 / kRowGroup + 1);
}

/// Cumulative buckets, as an exporter prints them: `observations` fall into bucket `into`.
void observe(std::vector<double>& buckets, size_t into, double observations) {
  for (size_t i = into; i < buckets.size(); ++i) buckets[i] += observations;
}

TEST(RowCode, BucketsTakeAsMuchAsTheirOwnCounts) {
  std::vector<double> buckets(64, 1e6);
  RowBase base{1, 0, nullptr, buckets, plan_columns(buckets, nullptr)};
  for (size_t i = 0; i < buckets.size(); ++i) observe(buckets, i, 100);
  const RowBase next{2, 0, nullptr, buckets, plan_columns(buckets, &base)};
  observe(buckets, 20, 1000);
  observe(buckets, 30, 1);
  std::string coded;
  encode_row(coded, next.values, next.plan, buckets);
  // A length, a bit a column, and two buckets that moved by themselves.
  EXPECT_LE(coded.size(), 1u + 8u + 3u);
  expect_round_trip(next.values, next.plan, buckets);
}

TEST(RowCode, PlansFollowWhatColumnsHold) {
  const auto plan_of = [](double v) { return plan_columns(std::vector{v}, nullptr)[0]; };
  EXPECT_EQ(plan_of(7).places, 0);
  EXPECT_EQ(plan_of(7.25).places, 2);
  EXPECT_EQ(plan_of(0.000125).places, 6);
  EXPECT_EQ(plan_of(1.0 / 3).places, ColumnPlan::kRaw);
  EXPECT_EQ(plan_of(stale_nan()).places, 0);
  // Places only grow; full doubles may be whole for once.
  const RowBase before{
      1, 0, nullptr, {7.25, 1.0 / 3}, plan_columns(std::vector{7.25, 1.0 / 3}, nullptr)};
  const auto plan = plan_columns(std::vector{7.0, 12.0}, &before);
  EXPECT_EQ(plan[0].places, 2);
  EXPECT_EQ(plan[1].places, ColumnPlan::kRaw);
}

TEST(RowCode, AGroupIsReadAlone) {
  std::mt19937_64 random(5);
  std::vector<double> base(300);
  std::vector<double> values(300);
  for (size_t i = 0; i < 300; ++i) base[i] = values[i] = any_value(random);
  for (size_t i = 100; i < 300; i += 3) values[i] = any_value(random);
  const auto plan = plan_columns(base, nullptr);
  std::string coded;
  encode_row(coded, base, plan, values);
  for (size_t group = 0; group < 5; ++group) {
    RowReader in(coded, base, plan);
    for (size_t g = 0; g < group; ++g) in.skip();
    double out[kRowGroup];
    ASSERT_TRUE(in.next(out));
    const size_t first = group * kRowGroup;
    const auto expected = std::span(values).subspan(first, std::min(kRowGroup, 300 - first));
    EXPECT_TRUE(std::ranges::equal(expected, std::span(out, expected.size()), {}, bits, bits));
  }
}

TEST(RowCode, DamagedBytesAreCorruptionAndNothingWorse) {
  std::mt19937_64 random(6);
  std::vector<double> base(130);
  std::vector<double> values(130);
  for (size_t i = 0; i < 130; ++i) base[i] = any_value(random), values[i] = any_value(random);
  const auto plan = plan_columns(base, nullptr);
  std::string coded;
  encode_row(coded, base, plan, values);
  std::vector<double> out;
  for (size_t n = 0; n < coded.size(); ++n) {
    EXPECT_FALSE(decode_row(std::string_view(coded).substr(0, n), base, plan, out)) << n;
  }
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = coded;
    bytes[random() % bytes.size()] ^= static_cast<char>(1 << random() % 8);
    (void)decode_row(bytes, base, plan, out);  // whatever it is, it ends
  }
}

}  // namespace
}  // namespace strata::tsdb
