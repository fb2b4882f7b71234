// What the metrics library writes as protobuf is what Prometheus' clients write: our reader takes
// it, and finds what was counted.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "strata/metrics.h"
#include "wire/protobuf_exposition.h"

namespace strata::wire {
namespace {

using metrics::Format;
using testing::ElementsAre;
using testing::HasSubstr;

ProtobufExposition read(metrics::Registry& registry, ProtobufOptions options = {}) {
  ProtobufExposition out;
  const auto done = read_protobuf_exposition(registry.text(Format::kProtobuf), options, out);
  EXPECT_TRUE(done) << done.error().message;
  return out;
}

TEST(MetricsLibrary, ItsProtobufSaysWhatItsTextSays) {
  metrics::Registry registry({.labels = {{"node", "n\"1\n"}}});
  registry.counter<"k">("c_total", "C.").with("a,b=\"c\"").inc(7);
  registry.float_counter("f_total", "F.").add(0.25);
  registry.gauge("g", "G.").set(-2.5);
  auto& histogram = registry.histogram("h", "H.", {1, 2.5});
  for (const double value : {0.5, 2.0, 9.0}) histogram.observe(value);
  registry.summary<"k">("s", "S.", {0.5}).with("v").observe(3);
  const metrics::Callback callback = registry.callback_counter("d_total", "D.", [] { return 3.0; });
  const metrics::Callback broken =
      registry.callback_gauge("e", "E.", []() -> double { throw std::runtime_error("left out"); });
  const std::string text = read(registry).text;
  for (const std::string_view line : {
           "c_total{node=\"n\\\"1\\n\",k=\"a,b=\\\"c\\\"\"} 7",
           "d_total{node=\"n\\\"1\\n\"} 3",
           "f_total{node=\"n\\\"1\\n\"} 0.25",
           "g{node=\"n\\\"1\\n\"} -2.5",
           "h_bucket{node=\"n\\\"1\\n\",le=\"1.0\"} 1",
           "h_bucket{node=\"n\\\"1\\n\",le=\"2.5\"} 2",
           "h_bucket{node=\"n\\\"1\\n\",le=\"+Inf\"} 3",
           "h_sum{node=\"n\\\"1\\n\"} 11.5",
           "h_count{node=\"n\\\"1\\n\"} 3",
           "s_count{node=\"n\\\"1\\n\",k=\"v\"} 1",
       }) {
    EXPECT_THAT(text, HasSubstr(line));
  }
  EXPECT_EQ(text.find("# HELP e "), text.npos);
}

TEST(MetricsLibrary, ItsNativeHistogramsAreRead) {
  metrics::Registry registry;
  auto& histogram =
      registry.native_histogram<"k">("h", "H.", {.schema = 1, .lowest = 0.1, .highest = 100});
  for (const double value : {0.01, 1.0, 1.3, 1.3, 3.0, 1e6, -5.0}) {
    histogram.with("v").observe(value);
  }
  histogram.with("none yet");
  const auto native = read(registry).native;
  ASSERT_EQ(native.size(), 2u);
  const FloatHistogram& value = native[0].value;
  EXPECT_EQ(value.schema, 1);
  EXPECT_EQ(value.zero_threshold, 0.0625);
  EXPECT_EQ(value.zero_count, 1);
  EXPECT_EQ(value.count, 7);
  EXPECT_DOUBLE_EQ(value.sum, 1000001.61);
  // 1 is in bucket 0, 1.3 in 1, 3 in 4 (2.83 to 4), a million in 40, -5 in 5 (4 to 5.66).
  EXPECT_THAT(value.positive_spans,
              ElementsAre(BucketSpan{0, 2}, BucketSpan{2, 1}, BucketSpan{35, 1}));
  EXPECT_THAT(value.positive_buckets, ElementsAre(1, 2, 1, 1));
  EXPECT_THAT(value.negative_spans, ElementsAre(BucketSpan{5, 1}));
  EXPECT_THAT(value.negative_buckets, ElementsAre(1));
  EXPECT_EQ(native[1].value.count, 0);
  EXPECT_THAT(read(registry, {.native = false}).text,
              HasSubstr("h_bucket{k=\"v\",le=\"1.0\"} 3\n"));
}

TEST(MetricsLibrary, ItsExemplarsAreRead) {
  metrics::Registry registry;
  registry.counter("c_total", "C.").inc(2, {{"trace_id", "abc"}});
  registry.histogram("h", "H.", {1}).observe(0.5, {{"trace_id", "def"}});
  const std::string text = read(registry).text;
  EXPECT_THAT(text, HasSubstr("c_total 2 # {trace_id=\"abc\"} 2"));
  EXPECT_THAT(text, HasSubstr("h_bucket{le=\"1.0\"} 1 # {trace_id=\"def\"} 0.5"));
}

}  // namespace
}  // namespace strata::wire
