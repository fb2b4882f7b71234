#include "tsdb/form.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "model/sample.h"
#include "tsdb/tile_shapes.h"

namespace strata::tsdb {
namespace {

TEST(Form, ValuesComeBackBitForBitOrAreExceptions) {
  Random random(1);
  for (const auto& shape : shapes()) {
    const auto values = shape.make(300, random);
    for (const Scale scale :
         {Scale{Form::kInteger, 0}, Scale{Form::kDecimal, 3}, Scale{Form::kRatio, 27'863},
          Scale{Form::kComplement, 1000}, Scale{Form::kPercent, 512}, find_bits(values)}) {
      std::vector<int64_t> integers(values.size());
      std::vector<Exception> exceptions;
      ASSERT_TRUE(to_integers(scale, values, integers, exceptions, values.size()));
      std::vector<double> got(values.size());
      to_doubles(scale, integers, got.data());
      for (const auto& [position, value] : exceptions) got[position] = value;
      for (size_t i = 0; i < values.size(); ++i) {
        ASSERT_EQ(std::bit_cast<uint64_t>(got[i]), std::bit_cast<uint64_t>(values[i]))
            << shape.name << ", form " << static_cast<int>(scale.form);
      }
    }
  }
}

TEST(Form, TooManyExceptionsAreNoForm) {
  const std::vector<double> values = {1, 0.5, 2, 0.5};
  std::vector<int64_t> integers(4);
  std::vector<Exception> exceptions;
  EXPECT_FALSE(to_integers({Form::kInteger, 0}, values, integers, exceptions, 1));
}

TEST(Form, DecimalsAreFoundWhereMostValuesHaveThem) {
  const std::vector<double> prices = {1.25, 3.5, 0.125, 7, 19.99, stale_nan()};
  ASSERT_TRUE(find_decimal(prices).has_value());
  EXPECT_EQ(find_decimal(prices)->parameter, 3u);
  const std::vector<double> noise = {1.0 / 3, std::sqrt(2.0), std::exp(1.0), std::log(2.0)};
  EXPECT_FALSE(find_decimal(noise).has_value());
}

TEST(Form, ADenominatorIsFoundFromReducedFractions) {
  std::vector<double> shares;
  for (int i = 1; i < 40; ++i) shares.push_back(i / 360.0);
  ASSERT_TRUE(find_ratio(shares).has_value());
  EXPECT_EQ(find_ratio(shares)->form, Form::kRatio);
  EXPECT_EQ(find_ratio(shares)->parameter % 90, 0u);
  std::vector<double> rest;
  for (int i = 1; i < 40; ++i) rest.push_back(1 - i * 700 / 27'863.0);
  ASSERT_TRUE(find_ratio(rest).has_value());
  EXPECT_EQ(find_ratio(rest)->form, Form::kComplement);
  EXPECT_EQ(find_ratio(rest)->parameter, 27'863u);
}

TEST(Form, SingleValuesComeBackInFewBytes) {
  struct Case {
    double value;
    size_t bytes;
  };
  const double inf = std::numeric_limits<double>::infinity();
  const Case cases[] = {{0, 2},        {-1, 2},
                        {300, 3},      {0.5, 2},
                        {98.6, 3},     {stale_nan(), 1},
                        {inf, 1},      {-inf, 1},
                        {-0.0, 1},     {1.0 / 3, 9},
                        {1e300, 9},    {0x1p60, 9},
                        {-1e-3, 2},    {std::bit_cast<double>(kNormalNanBits), 1},
                        {0x1p-1074, 9}};
  for (const auto& [value, size] : cases) {
    std::string bytes;
    append_value(bytes, value);
    EXPECT_EQ(bytes.size(), size) << value;
    ByteReader in(bytes);
    EXPECT_EQ(std::bit_cast<uint64_t>(read_value(in)), std::bit_cast<uint64_t>(value)) << value;
    EXPECT_TRUE(in.ok() && in.done());
  }
}

}  // namespace
}  // namespace strata::tsdb
