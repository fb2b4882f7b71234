#include "wire/text_writer.h"

#include <gtest/gtest.h>

#include <random>

#include "wire/openmetrics_validator.h"

namespace strata::wire {
namespace {

using enum ExpositionFormat;

std::string write(const std::vector<MetricFamily>& families, ExpositionFormat format) {
  std::string out;
  append_exposition(out, families, format);
  return out;
}

std::vector<MetricFamily> one_of_each() {
  return {
      {"requests_total",
       MetricType::kCounter,
       "Requests \\ with \"quotes\"\nand lines.",
       {{"", {{"code", "200"}, {"path", "a\"b\\c\nd"}}, 1027}, {"", {}, 3e6}}},
      {"temperature_celsius", MetricType::kGauge, "", {{"", {}, -1.5}}},
      {"latency_seconds",
       MetricType::kHistogram,
       "Latency.",
       {{"_bucket", {{"le", "1"}}, 2},
        {"_bucket", {{"le", "+Inf"}}, 3},
        {"_sum", {}, 4.5},
        {"_count", {}, 3}}},
      {"size_bytes", MetricType::kSummary, "Size.", {{"", {{"quantile", "0.5"}}, 7}}},
      {"my.metric", MetricType::kUnknown, "Dotted.", {{"", {{"my.label", "v"}}, 1}, {"", {}, 2}}},
  };
}

TEST(TextWriter, WritesText) {
  EXPECT_EQ(write(one_of_each(), kText),
            R"(# HELP requests_total Requests \\ with "quotes"\nand lines.
# TYPE requests_total counter
requests_total{code="200",path="a\"b\\c\nd"} 1027
requests_total 3e+06
# TYPE temperature_celsius gauge
temperature_celsius -1.5
# HELP latency_seconds Latency.
# TYPE latency_seconds histogram
latency_seconds_bucket{le="1"} 2
latency_seconds_bucket{le="+Inf"} 3
latency_seconds_sum 4.5
latency_seconds_count 3
# HELP size_bytes Size.
# TYPE size_bytes summary
size_bytes{quantile="0.5"} 7
# HELP "my.metric" Dotted.
# TYPE "my.metric" untyped
{"my.metric","my.label"="v"} 1
{"my.metric"} 2
)");
}

TEST(TextWriter, WritesOpenMetricsThatTheValidatorAccepts) {
  const std::string out = write(one_of_each(), kOpenMetrics);
  EXPECT_TRUE(validate_open_metrics(out)) << validate_open_metrics(out).error().message;
  for (const std::string_view line :
       {"# HELP requests Requests \\\\ with \\\"quotes\\\"\\nand lines.\n",
        "# TYPE requests counter\n", "requests_total 3e+06\n",
        "latency_seconds_bucket{le=\"1.0\"} 2\n", "# TYPE \"my.metric\" unknown\n"}) {
    EXPECT_NE(out.find(line), std::string::npos) << line;
  }
  EXPECT_TRUE(out.ends_with("# EOF\n"));
  EXPECT_EQ(write({}, kOpenMetrics), "# EOF\n");
  EXPECT_EQ(write({}, kText), "");
}

TEST(TextWriter, KnowsTheTypesThatTextDoesNot) {
  const std::vector<MetricFamily> families = {
      {"a", MetricType::kInfo, "", {{"_info", {}, 1}}},
      {"b", MetricType::kStateSet, "", {{"", {{"b", "on"}}, 1}}},
      {"c", MetricType::kGaugeHistogram, "", {}},
  };
  EXPECT_EQ(write(families, kText),
            "# TYPE a gauge\na_info 1\n# TYPE b gauge\nb{b=\"on\"} 1\n# TYPE c histogram\n");
  EXPECT_TRUE(validate_open_metrics(write(families, kOpenMetrics)));
}

std::string random_text(std::mt19937_64& random, bool may_be_empty) {
  static constexpr std::string_view kPieces[] = {"a", "b_c", "\"", "\\", "\n", " ", "é", "{",  "}",
                                                 ",", "=",   "#",  "0",  "\t", "n", ":", "x.y"};
  std::string text;
  for (size_t n = (may_be_empty ? 0 : 1) + random() % 6; n-- > 0;) {
    text += kPieces[random() % std::size(kPieces)];
  }
  return text;
}

// What is written is what is read, whatever the names, labels, help and values are.
TEST(TextWriter, RoundTripsThroughTheParser) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 3000; ++round) {
    MetricFamily family{
        random_text(random, false), MetricType::kGauge, random_text(random, true), {}};
    for (size_t n = random() % 4; n-- > 0;) {
      LabelsBuilder labels;
      for (size_t m = random() % 4; m-- > 0;) {
        labels.set(random_text(random, false), random_text(random, true));
      }
      const double value = random() % 2 == 0 ? std::bit_cast<double>(random())
                                             : static_cast<double>(random() % 1000) / 8;
      family.samples.push_back({"", labels.build(), value});
    }
    for (const auto format : {kText, kOpenMetrics}) {
      const std::string body = write({family}, format);
      ExpositionParser parser(body, format);
      std::vector<Label> labels;
      size_t samples = 0;
      auto entry = parser.next();
      for (; entry && *entry != Entry::kEnd; entry = parser.next()) {
        if (*entry == Entry::kHelp) {
          EXPECT_EQ(parser.family(), family.name);
          // Text cannot say that a help is only blanks or begins with them, as in Prometheus.
          if (family.help.find_first_not_of(" \t") != std::string::npos || format == kOpenMetrics) {
            EXPECT_EQ(parser.text(), family.help) << body;
          }
        }
        if (*entry != Entry::kSample) continue;
        const auto& sample = family.samples.at(samples++);
        ASSERT_TRUE(parser.labels(labels));
        LabelsBuilder expected(sample.labels);
        expected.set(kMetricName, family.name);
        EXPECT_EQ(Labels::from_sorted(labels), expected.build()) << body;
        if (std::isnan(sample.value)) {
          EXPECT_TRUE(std::isnan(parser.value()));
        } else {
          EXPECT_EQ(std::bit_cast<uint64_t>(parser.value()), std::bit_cast<uint64_t>(sample.value));
        }
      }
      ASSERT_TRUE(entry) << entry.error().message << "\n" << body;
      EXPECT_EQ(samples, family.samples.size());
    }
  }
}

}  // namespace
}  // namespace strata::wire
