#include "wire/openmetrics_validator.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "wire/testing.h"

namespace strata::wire {
namespace {

std::string verdict(const std::string& body) {
  const auto result = validate_open_metrics(body);
  return result ? "good" : result.error().message;
}

TEST(OpenMetricsValidator, SaysWhichRuleABodyBreaks) {
  struct {
    std::string_view lines, verdict;
  } cases[] = {
      {"", "good"},
      {"a 1\nb{c=\"d\"} 1\n", "good"},
      {"# TYPE a counter\na_total 1\na_created 2\n", "good"},
      {"# TYPE a gauge\n# TYPE a gauge\n", "line 2: metric family \"a\": the same metadata twice"},
      {"a 1\n# HELP a x\n", "line 2: metric family \"a\": metadata may not come after samples"},
      {"a 1\nb 1\na 1\n",
       "line 4: metric family \"a\": its name, or one that its samples may have, was used before"},
      {"# TYPE a_total counter\na_total 1\n",
       "line 3: metric family \"a_total\": its name, or one that its samples may have, was used "
       "before"},
      {"# TYPE a_s info\n# UNIT a_s s\n",
       "line 2: metric family \"a_s\": info and stateset have no unit"},
      {"# TYPE a counter\na_total -1\n",
       "line 2: metric family \"a\": a count may not be negative"},
      {"# TYPE a gauge\na{b=\"1\"} 1\na{b=\"2\"} 1\na{b=\"1\"} 1\n",
       "line 4: metric family \"a\": samples of one metric must stand together"},
      {"# TYPE a gauge\na 1\na 1\n",
       "line 3: metric family \"a\": the same series twice without timestamps"},
      {"# TYPE a gauge\na 1 2\na 1 1\n",
       "line 3: metric family \"a\": the timestamps of a metric go back"},
      {"# TYPE a gauge\na 1 2\na 1\n",
       "line 3: metric family \"a\": either all samples of a metric have timestamps or none"},
      {"# TYPE a histogram\na_bucket{le=\"1\"} 1\n",
       "line 3: metric family \"a\": it has no bucket with le=\"+Inf\""},
      {"# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_count 2\na_sum 1\n",
       "line 5: metric family \"a\": its count is not that of the +Inf bucket"},
      {"# TYPE a histogram\na_bucket{le=\"x\"} 1\n",
       "line 2: metric family \"a\": a bucket's le must be a number or +Inf, not \"x\""},
      {"# TYPE a summary\na{quantile=\"2\"} 1\n",
       "line 2: metric family \"a\": a quantile must be from 0 to 1, not \"2\""},
      {"# TYPE a gauge\na 1 # {b=\"c\"} 1\n",
       "line 2: metric family \"a\": only a counter's total and buckets have exemplars"},
      {"a{b=\"1\",b=\"2\"} 1\n", "line 1: label name \"b\" occurs twice"},
      {"a{b=\"1\",} 1\n",
       "line 1, column 8: a comma after the last label, in \"a{b=\\\"1\\\",} 1\""},
  };
  for (const auto& [lines, expected] : cases) {
    EXPECT_EQ(verdict(std::string(lines) + "# EOF\n"), expected) << lines;
  }
}

TEST(OpenMetricsValidator, LeavesScrapingAsLaxAsPrometheus) {
  const std::string_view body =
      "# TYPE a counter\na 1\na 1\nb{c=\"d\",} 1\na_total -5 # {x=\"y\"} 1\n# EOF\n";
  EXPECT_FALSE(validate_open_metrics(body));
  ExpositionParser parser(body, ExpositionFormat::kOpenMetrics);
  auto entry = parser.next();
  while (entry && *entry != Entry::kEnd) entry = parser.next();
  EXPECT_TRUE(entry);
}

// OpenMetrics' own cases. An exception needs its reason here.
TEST(OpenMetricsValidator, AgreesWithOpenMetricsParserCases) {
  const std::map<std::string, std::string> exceptions = {};
  const std::filesystem::path root = shared_data_dir() + "/openmetrics/parsers";
  if (!std::filesystem::is_directory(root)) GTEST_SKIP() << "no cases in " << root;
  size_t cases = 0;
  for (const auto& entry : std::filesystem::directory_iterator(root)) {
    const std::string name = entry.path().filename();
    if (!entry.is_directory() || exceptions.contains(name)) continue;
    const std::string description = read_shared_file("openmetrics/parsers/" + name + "/test.json");
    const std::string body = read_shared_file("openmetrics/parsers/" + name + "/metrics");
    const bool should_parse = description.find("\"shouldParse\": true") != std::string::npos;
    const bool should_fail = description.find("\"shouldParse\": false") != std::string::npos;
    ASSERT_NE(should_parse, should_fail) << name;
    EXPECT_EQ(verdict(body) == "good", should_parse) << name << ": " << verdict(body) << "\n"
                                                     << body;
    ++cases;
  }
  EXPECT_GE(cases, 200u);
}

}  // namespace
}  // namespace strata::wire
