#include "base/number.h"

#include <gtest/gtest.h>

#include <random>

namespace strata {
namespace {

std::string as_g(double value) {
  std::string out;
  append_double_g(out, value);
  return out;
}

TEST(Number, FormatsAsPrometheusApiDoes) {
  EXPECT_EQ(format_double(0), "0");
  EXPECT_EQ(format_double(-0.0), "-0");
  EXPECT_EQ(format_double(1e21), "1000000000000000000000");
  EXPECT_EQ(format_double(9223372036854775808.0), "9223372036854776000");
  EXPECT_EQ(format_double(-9007199254740994.0), "-9007199254740994");
  EXPECT_EQ(format_double(1.2345678901234567e20), "123456789012345670000");
  EXPECT_EQ(format_double(1.7976931348623157e308).substr(0, 20), "17976931348623157000");
  EXPECT_EQ(format_double(1.7976931348623157e308).size(), 309u);
  EXPECT_EQ(format_double(0.1), "0.1");
  EXPECT_EQ(format_double(1e-7), "0.0000001");
  EXPECT_EQ(format_double(-std::numeric_limits<double>::infinity()), "-Inf");
  EXPECT_EQ(format_double(std::nan("")), "NaN");
}

TEST(Number, FormatsWithExponentAsExpositionDoes) {
  EXPECT_EQ(as_g(1e21), "1e+21");
  EXPECT_EQ(as_g(1e20), "100000000000000000000");
  EXPECT_EQ(as_g(0.00001), "1e-05");
  EXPECT_EQ(as_g(0.0001), "0.0001");
  EXPECT_EQ(as_g(0), "0");
}

TEST(Number, ParsesWhatGoParses) {
  EXPECT_EQ(parse_double("1.5e3"), 1500);
  EXPECT_EQ(parse_double("+Inf"), std::numeric_limits<double>::infinity());
  EXPECT_EQ(parse_double("-inf"), -std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(*parse_double("NaN")));
  EXPECT_EQ(parse_double("0x1p-2"), 0.25);
  EXPECT_EQ(parse_double(".5"), 0.5);
  EXPECT_EQ(parse_double("1e999"), std::numeric_limits<double>::infinity());
  EXPECT_EQ(parse_double("1e-999"), 0);
  for (const auto* bad : {"", "-", "+-1", "1 ", " 1", "1_000", "0x1", "abc", "1e", "--1", "infx"}) {
    EXPECT_EQ(parse_double(bad), std::nullopt) << bad;
  }
}

TEST(Number, RoundTripsRandomBits) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 20000; ++i) {
    const double value = std::bit_cast<double>(random());
    if (!std::isfinite(value)) continue;
    EXPECT_EQ(parse_double(format_double(value)), value);
    EXPECT_EQ(parse_double(as_g(value)), value);
  }
}

}  // namespace
}  // namespace strata
