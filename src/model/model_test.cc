#include <gtest/gtest.h>

#include "model/duration.h"
#include "model/labels.h"
#include "model/matcher.h"
#include "model/sample.h"

namespace strata {
namespace {

TEST(Labels, SortsDropsEmptyAndKeepsTheLastOfARepeatedName) {
  const Labels labels{{"b", "2"}, {"a", "1"}, {"c", ""}, {"b", "3"}};
  EXPECT_EQ(labels.to_string(), R"({a="1", b="3"})");
  EXPECT_EQ(labels.size(), 2u);
  EXPECT_EQ(labels.get("b"), "3");
  EXPECT_EQ(labels.get("c"), "");
}

TEST(Labels, HoldsLongValues) {
  const std::string value(100000, 'x');
  const Labels labels{{"a", value}, {"b", "y"}};
  EXPECT_EQ(labels.get("a"), value);
  EXPECT_EQ(labels.get("b"), "y");
  EXPECT_EQ(Labels::from_bytes(labels.bytes()), labels);
}

TEST(Labels, OrdersByNameThenValueNotByBytes) {
  EXPECT_LT((Labels{{"a", "z"}}), (Labels{{"a", "zz"}}));
  EXPECT_LT((Labels{{"a", "zz"}}), (Labels{{"b", "a"}}));
  EXPECT_LT((Labels{{"a", "1"}}), (Labels{{"a", "1"}, {"b", "1"}}));
  EXPECT_EQ((Labels{{"a", "1"}} <=> Labels{{"a", "1"}}), std::strong_ordering::equal);
}

TEST(Labels, PrintsAsPrometheus) {
  EXPECT_EQ((Labels{{"__name__", "up"}}).to_string(), "up");
  EXPECT_EQ((Labels{{"__name__", "up"}, {"job", "a\"b"}}).to_string(), R"(up{job="a\"b"})");
  EXPECT_EQ((Labels{{"__name__", "my.metric"}, {"x.y", "1"}}).to_string(),
            R"({"my.metric", "x.y"="1"})");
  EXPECT_EQ(Labels().to_string(), "{}");
}

TEST(LabelsBuilder, SetsRemovesAndBuilds) {
  LabelsBuilder builder(Labels{{"a", "1"}, {"b", "2"}});
  builder.set("c", "3").set("a", "").remove("b").set("c", "4");
  EXPECT_EQ(builder.build(), (Labels{{"c", "4"}}));
}

TEST(Matcher, MissingLabelMatchesAsEmpty) {
  using Op = Matcher::Op;
  const Labels labels{{"a", "1"}};
  EXPECT_TRUE(Matcher::equal("b", "").matches(labels));
  EXPECT_TRUE(Matcher::make(Op::kRegex, "b", ".*")->matches_empty());
  EXPECT_FALSE(Matcher::make(Op::kNotRegex, "a", "1|2")->matches(labels));
  EXPECT_TRUE(Matcher::make(Op::kNotEqual, "a", "2")->matches(labels));
  EXPECT_FALSE(Matcher::make(Op::kRegex, "a", "(").has_value());
  EXPECT_EQ(Matcher::make(Op::kRegex, "a", "x.y")->to_string(), R"(a=~"x.y")");
}

TEST(Duration, ParsesAndPrintsAsPrometheus) {
  EXPECT_EQ(parse_duration("1h30m"), Millis(5'400'000));
  EXPECT_EQ(parse_duration("0"), Millis(0));
  EXPECT_EQ(parse_duration("5hs").error().message, "unknown unit \"hs\" in duration \"5hs\"");
  EXPECT_EQ(parse_duration("1y2w3d4h5m6s7ms")->count(),
            ((((365LL + 14 + 3) * 24 + 4) * 60 + 5) * 60 + 6) * 1000 + 7);
  for (const auto* bad :
       {"", "1", "1.5h", "-1s", "1m1h", "1s1s", "s", "1x", "99999999999y", "1 s"}) {
    EXPECT_FALSE(parse_duration(bad)) << bad;
  }
  for (const auto* text : {"1h30m", "15s", "1w", "36h", "1d", "100ms", "1m1ms", "5y"}) {
    const auto expected = std::string(text) == "36h" ? "36h" : text;
    EXPECT_EQ(format_duration(*parse_duration(text)), expected);
  }
  EXPECT_EQ(format_duration(Millis(0)), "0s");
}

TEST(Sample, StaleMarkerIsOneNanAmongMany) {
  EXPECT_TRUE(is_stale_nan(stale_nan()));
  EXPECT_FALSE(is_stale_nan(std::nan("")));
}

}  // namespace
}  // namespace strata
