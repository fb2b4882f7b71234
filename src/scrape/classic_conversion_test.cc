#include "scrape/classic_conversion.h"

#include <gtest/gtest.h>

#include "scrape/histogram_limits.h"

namespace strata::scrape {
namespace {

/// Feeds lines of one histogram, as a body would.
class Conversion {
 public:
  void line(std::string_view name, std::string_view le, double v) {
    LabelsBuilder labels(Labels{{kMetricName, name}, {"le", le}});
    const auto part = ClassicConversion::part_of("h", labels);
    ASSERT_TRUE(part);
    bool is_new = false;
    const uint32_t number = conversion_.histogram(labels.build(), is_new);
    if (is_new) conversion_.set_series(number, tsdb::SeriesId{7});
    conversion_.attach(next_, number, *part);
    conversion_.note(next_++, v, {});
  }
  void begin() { conversion_.begin_body(); }
  /// Null when it does not convert.
  HistogramPtr finish() {
    std::vector<ClassicConversion::Converted> out;
    const size_t invalid = conversion_.finish_body(out);
    EXPECT_EQ(invalid + out.size(), 1u);
    return out.empty() ? nullptr : out.front().h;
  }

 private:
  ClassicConversion conversion_;
  uint32_t next_ = 0;
};

TEST(ClassicConversion, JoinsThePartsInAnyOrder) {
  Conversion c;
  c.begin();
  c.line("h_count", "", 10);
  c.line("h_bucket", "+Inf", 10);
  c.line("h_bucket", "0.5", 3);
  c.line("h_bucket", "1", 3);
  c.line("h_bucket", "0.1", 1);
  c.line("h_sum", "", 12.5);
  const auto h = c.finish();
  ASSERT_TRUE(h);
  EXPECT_EQ(h->schema, kCustomBucketsSchema);
  EXPECT_EQ(h->custom_values, (std::vector<double>{0.1, 0.5, 1}));
  EXPECT_EQ(h->positive_buckets, (std::vector<double>{1, 2, 0, 7}));
  EXPECT_EQ(h->positive_spans, (std::vector<BucketSpan>{{0, 4}}));
  EXPECT_EQ(h->count, 10);
  EXPECT_EQ(h->sum, 12.5);
}

TEST(ClassicConversion, DoesWithoutInfinityOrCount) {
  Conversion c;
  c.begin();
  c.line("h_bucket", "1", 3);
  c.line("h_count", "", 5);
  EXPECT_EQ(c.finish()->positive_buckets, (std::vector<double>{3, 2}));
  Conversion without;
  without.begin();
  without.line("h_bucket", "1", 3);
  without.line("h_bucket", "2", 4);
  EXPECT_EQ(without.finish()->count, 4);
}

TEST(ClassicConversion, RefusesCountsThatDoNotAddUp) {
  Conversion falls;
  falls.begin();
  falls.line("h_bucket", "1", 3);
  falls.line("h_bucket", "+Inf", 2);
  EXPECT_FALSE(falls.finish());
  Conversion other;
  other.begin();
  other.line("h_bucket", "+Inf", 2);
  other.line("h_count", "", 3);
  EXPECT_FALSE(other.finish());
}

TEST(ClassicConversion, LeavesOutABucketThatTheBodyLacks) {
  Conversion c;
  c.begin();
  c.line("h_bucket", "1", 3);
  c.line("h_bucket", "+Inf", 3);
  c.begin();
  c.line("h_bucket", "+Inf", 4);
  EXPECT_EQ(c.finish()->positive_buckets, (std::vector<double>{4}));
}

TEST(ClassicConversion, OtherSeriesAreNoParts) {
  for (const auto& labels :
       {Labels{{kMetricName, "h"}}, Labels{{kMetricName, "h_created"}},
        Labels{{kMetricName, "h_bucket"}}, Labels{{kMetricName, "h_bucket"}, {"le", "x"}},
        Labels{{kMetricName, "hh_sum"}}}) {
    LabelsBuilder builder(labels);
    EXPECT_FALSE(ClassicConversion::part_of("h", builder)) << labels.to_string();
  }
}

TEST(HistogramLimits, PicksTheSchemaOfAFactor) {
  EXPECT_EQ(schema_for_factor(0), 8);
  EXPECT_EQ(schema_for_factor(1), 8);
  EXPECT_EQ(schema_for_factor(1.1), 2);
  EXPECT_EQ(schema_for_factor(2), 0);
  EXPECT_EQ(schema_for_factor(65536), -4);
  EXPECT_EQ(schema_for_factor(1e30), -4);
}

TEST(HistogramLimits, LowersTheResolution) {
  config::ScrapeConfig config;
  FloatHistogram h;
  h.schema = 3;
  h.positive_spans = {{1, 8}, {8, 2}};
  h.positive_buckets = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  h.count = 55;
  config.native_histogram_bucket_limit = 4;
  ASSERT_TRUE(fit_limits(config, h));
  // Buckets 1 to 8 are one octave; 17 and 18 lie in the third.
  EXPECT_EQ(h.schema, 1);
  EXPECT_EQ(h.positive_spans, (std::vector<BucketSpan>{{1, 2}, {2, 1}}));
  EXPECT_EQ(h.positive_buckets, (std::vector<double>{10, 26, 19}));
  config.native_histogram_min_bucket_factor = 2;
  ASSERT_TRUE(fit_limits(config, h));
  EXPECT_EQ(h.schema, 0);
  EXPECT_EQ(h.positive_buckets, (std::vector<double>{36, 19}));
  config.native_histogram_bucket_limit = 1;
  h.positive_spans = {{0, 1}, {1000, 1}};
  EXPECT_FALSE(fit_limits(config, h));
}

}  // namespace
}  // namespace strata::scrape
