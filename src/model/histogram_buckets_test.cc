#include "model/histogram_buckets.h"

#include <gtest/gtest.h>

#include <limits>

namespace strata {
namespace {

constexpr double kMax = std::numeric_limits<double>::max();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(HistogramBuckets, BoundsArePowersOfTwoToTheSchema) {
  struct {
    int64_t index;
    int32_t schema;
    double bound;
  } cases[] = {
      {-1, -1, 0.25},
      {0, -1, 1},
      {1, -1, 4},
      {512, -1, kMax},
      {513, -1, kInfinity},
      {-1, 0, 0.5},
      {0, 0, 1},
      {1, 0, 2},
      {1024, 0, kMax},
      {1025, 0, kInfinity},
      {-1, 2, 0.8408964152537144},
      {0, 2, 1},
      {1, 2, 1.189207115002721},
      {2, 2, 1.414213562373095},
      {4096, 2, kMax},
      {4097, 2, kInfinity},
      {3, 8, 1.0081558981184175},
      {int64_t{1} << 31, 0, kInfinity},
      {-(int64_t{1} << 31), -4, 0},
  };
  for (const auto& [index, schema, bound] : cases) {
    EXPECT_DOUBLE_EQ(exponential_bound(index, schema), bound) << index << " " << schema;
  }
}

TEST(HistogramBuckets, ListsNegativeZeroAndPositiveInOrder) {
  FloatHistogram histogram;
  histogram.schema = 0;
  histogram.zero_threshold = 0.75;  // reaches into the buckets next to it
  histogram.zero_count = 5;
  histogram.negative_spans = {{0, 1}, {1, 1}};
  histogram.negative_buckets = {1, 2};
  histogram.positive_spans = {{0, 2}};
  histogram.positive_buckets = {3, 0};
  std::vector<HistogramBucket> buckets;
  list_buckets(histogram, buckets);
  EXPECT_EQ(buckets, (std::vector<HistogramBucket>{{-4, -2, true, false, 2},
                                                   {-1, -0.75, true, false, 1},
                                                   {-0.75, 0.75, true, true, 5},
                                                   {0.75, 1, false, true, 3},
                                                   {1, 2, false, true, 0}}));
}

TEST(HistogramBuckets, ListsCustomBuckets) {
  FloatHistogram histogram;
  histogram.schema = kCustomBucketsSchema;
  histogram.custom_values = {5, 10};
  histogram.positive_spans = {{0, 3}};
  histogram.positive_buckets = {1, 2, 3};
  std::vector<HistogramBucket> buckets;
  list_buckets(histogram, buckets);
  EXPECT_EQ(buckets, (std::vector<HistogramBucket>{{-kInfinity, 5, true, true, 1},
                                                   {5, 10, false, true, 2},
                                                   {10, kInfinity, false, true, 3}}));
}

}  // namespace
}  // namespace strata
