#include "collect/textfile.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/number.h"
#include "base/temp_dir.h"
#include "collect/host.h"

namespace strata::collect {
namespace {

std::string lines_of(const std::vector<MetricFamily>& families) {
  std::string out;
  for (const MetricFamily& family : families) {
    out += std::string(to_string(family.type)) + " " + family.name + " '" + family.help + "'\n";
    for (const auto& sample : family.samples) {
      out += "  " + sample.suffix + sample.labels.to_string() + " ";
      append_double_g(out, sample.value);
      out += '\n';
    }
  }
  return out;
}

TEST(Textfile, FamiliesLabelsAndEscapes) {
  const auto families = parse_textfile(
      "# HELP a_total Line\\none, back\\\\slash.\n"
      "# TYPE a_total counter\n"
      "a_total{x=\"q\\\"uote\",y=\"n\\nl\",} 1e3\n"
      "# just a comment\n"
      "\n"
      "b 2.5\n"
      "a_total 7");
  ASSERT_TRUE(families.has_value()) << families.error().message;
  EXPECT_EQ(lines_of(*families),
            "counter a_total 'Line\none, back\\slash.'\n"
            "  {x=\"q\\\"uote\", y=\"n\\nl\"} 1000\n"
            "  {} 7\n"
            "unknown b ''\n"
            "  {} 2.5\n");
}

TEST(Textfile, HistogramsAndSummariesKeepTheirParts) {
  const auto families = parse_textfile(
      "# TYPE h histogram\nh_bucket{le=\"10.0\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n"
      "# TYPE s summary\ns{quantile=\"0.50\"} 4\ns_sum 5\ns_count 6\n"
      "s_bucket 7\n");
  ASSERT_TRUE(families.has_value()) << families.error().message;
  EXPECT_EQ(lines_of(*families),
            "histogram h ''\n"
            "  _bucket{le=\"10\"} 1\n  _bucket{le=\"+Inf\"} 2\n  _sum{} 3\n  _count{} 2\n"
            "summary s ''\n"
            "  {quantile=\"0.5\"} 4\n  _sum{} 5\n  _count{} 6\n"
            "unknown s_bucket ''\n  {} 7\n");
}

TEST(Textfile, WhatIsNotTheFormatSaysWhere) {
  const std::pair<const char*, const char*> cases[] = {
      {"a 1\na{x=\"1\"} 2 1700000000000\n", "line 2: timestamps are not supported here"},
      {"1a 2\n", "line 1: not a metric name"},
      {"a\n", "line 1: a sample without a value"},
      {"a{x} 1\n", "line 1: a label without '='"},
      {"a{x=1} 1\n", "line 1: a label value without quotes"},
      {"a{x=\"1} 1\n", "line 1: a label value that does not end"},
      {"a{x=\"1\\\n", "line 1: a label value that does not end"},
      {"a{x=\"1\" y=\"2\"} 1\n", "line 1: neither ',' nor '}' after a label"},
      {"a{x=\"1\",x=\"2\"} 1\n", "line 1: the same label twice"},
      {"a{__name__=\"b\"} 1\n", "line 1: not a label name"},
      {"a 1\na 2\n", "line 2: the same sample twice"},
      {"a 1\n# TYPE a counter\n", "line 2: a type after samples"},
      {"# TYPE a counter\n# TYPE a gauge\n", "line 2: said twice of the same metric"},
      {"# TYPE a number\n", "line 1: not a metric type"},
  };
  for (const auto& [text, message] : cases) {
    const auto families = parse_textfile(text);
    ASSERT_FALSE(families.has_value()) << text;
    EXPECT_EQ(families.error().message, message) << text;
  }
}

// ---- The collector.

class TextfileDirectory : public testing::Test {
 protected:
  void write(const char* name, std::string_view text) { std::ofstream(dir_.file(name)) << text; }

  std::string collect(const std::string& directory) {
    HostOptions options;
    for (const HostCollectorInfo& info : host_collectors()) {
      options.collectors.emplace_back(info.name, info.name == "textfile");
    }
    options.settings = {{"textfile.directory", directory}};
    std::vector<MetricFamily> families;
    (*HostCollector::create(options))->collect(families);
    std::erase_if(families, [](const MetricFamily& family) {
      return family.name.starts_with("node_scrape") || family.name == "node_textfile_mtime_seconds";
    });
    return lines_of(families);
  }

  static constexpr const char* kFine =
      "gauge node_textfile_scrape_error '1 if there was an error opening or reading a file, 0 "
      "otherwise'\n  {} 0\n";
  static constexpr const char* kFailed =
      "gauge node_textfile_scrape_error '1 if there was an error opening or reading a file, 0 "
      "otherwise'\n  {} 1\n";
  TempDir dir_;
};

TEST_F(TextfileDirectory, FilesOfOneMetricAreJoined) {
  write("a.prom", "# HELP m Help.\n# TYPE m gauge\nm{f=\"a\"} 1\n");
  write("b.prom", "# HELP m Help.\n# TYPE m gauge\nm{f=\"b\"} 2\n");
  write("c.txt", "not read\n");
  EXPECT_EQ(collect(dir_.path()),
            std::string("gauge m 'Help.'\n  {f=\"a\"} 1\n  {f=\"b\"} 2\n") + kFine);
}

TEST_F(TextfileDirectory, AMetricWithoutHelpSaysWhereItIsFrom) {
  write("a.prom", "m 1\n");
  EXPECT_EQ(collect(dir_.path() + "/"),
            "unknown m 'Metric read from " + dir_.file("a.prom") + "'\n  {} 1\n" + kFine);
}

TEST_F(TextfileDirectory, ABadFileIsLeftOutAndCounted) {
  write("a.prom", "m 1\n");
  write("b.prom", "n 1 1700000000000\n");
  EXPECT_EQ(collect(dir_.path()),
            "unknown m 'Metric read from " + dir_.file("a.prom") + "'\n  {} 1\n" + kFailed);
}

TEST_F(TextfileDirectory, ARepeatedSampleCountsOnce) {
  write("a.prom", "# HELP m Help.\nm 1\n");
  write("b.prom", "m 2\n");
  EXPECT_EQ(collect(dir_.path()), std::string("unknown m 'Help.'\n  {} 1\n") + kFailed);
}

TEST_F(TextfileDirectory, PatternsMatchDirectoriesAndAMissingOneIsAnError) {
  std::filesystem::create_directories(dir_.file("one"));
  std::filesystem::create_directories(dir_.file("two"));
  write("one/a.prom", "# HELP m Help.\nm{d=\"1\"} 1\n");
  write("two/a.prom", "# HELP m Help.\nm{d=\"2\"} 2\n");
  EXPECT_EQ(collect(dir_.path() + "/*"),
            std::string("unknown m 'Help.'\n  {d=\"1\"} 1\n  {d=\"2\"} 2\n") + kFine);
  EXPECT_EQ(collect(dir_.file("gone") + ", " + dir_.file("one")),
            std::string("unknown m 'Help.'\n  {d=\"1\"} 1\n") + kFailed);
}

}  // namespace
}  // namespace strata::collect
