// The test files: our own, and Prometheus' suite where it is at hand.
#include "promql/promqltest.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>

namespace strata::promql {
namespace {

namespace stdfs = std::filesystem;

std::string contents(const stdfs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

std::vector<stdfs::path> test_files(const stdfs::path& folder) {
  std::vector<stdfs::path> files;
  if (!stdfs::is_directory(folder)) return files;
  for (const auto& entry : stdfs::directory_iterator(folder)) {
    if (entry.path().extension() == ".test") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

stdfs::path shared_data() {
  if (const char* path = std::getenv("STRATA_SHARED_DATA")) return path;
  return "../shared/data";
}

void print(const stdfs::path& file, const TestReport& report) {
  std::cout << fmt::format("{:<28}{:>5}/{:<5} {} queries; {}\n", file.filename().string(),
                           report.all().passed, report.all().total, report.queries,
                           report.classes());
  const char* verbose = std::getenv("STRATA_PROMQLTEST_VERBOSE");
  if (verbose == nullptr) return;
  for (const auto& failure : report.failures) {
    std::cout << fmt::format("  {}:{}: {}\n      {}\n", file.filename().string(), failure.line,
                             failure.query, failure.message);
  }
}

TEST(PromqlTestFiles, OurOwnPass) {
  const auto files = test_files("tests/promql");
  ASSERT_FALSE(files.empty());
  for (const auto& file : files) {
    const auto report = run_test(contents(file), TestOptions::conformance());
    ASSERT_TRUE(report) << file << ": " << report.error().message;
    for (const auto& failure : report->failures) {
      ADD_FAILURE() << file.filename().string() << ":" << failure.line << ": " << failure.query
                    << "\n  " << failure.message;
    }
  }
}

/// Evaluations that may fail, by file. Anything more is a regression.
using Known = std::map<std::string, size_t>;

void run_suite(const TestOptions& options, const Known& known) {
  const auto files = test_files(shared_data() / "promqltest");
  if (files.empty()) GTEST_SKIP() << "no test files in " << shared_data() / "promqltest";
  TestReport all;
  for (const auto& file : files) {
    const std::string name = file.filename().string();
    const auto report = run_test(contents(file), options);
    if (!report) {
      ADD_FAILURE() << name << ": " << report.error().message;
      continue;
    }
    print(file, *report);
    all.add(*report);
    const auto allowed = known.find(name);
    EXPECT_LE(report->failures.size(), allowed == known.end() ? 0 : allowed->second) << name;
  }
  std::cout << fmt::format("{:<28}{:>5}/{:<5} {} queries; {}\n", "total", all.all().passed,
                           all.all().total, all.queries, all.classes());
}

TEST(PromqlTestFiles, PrometheusSuitePasses) { run_suite(TestOptions::conformance(), {}); }

TEST(PromqlTestFiles, PrometheusSuitePassesInParallel) {
  ThreadPool pool("query", 2);
  TestOptions options = TestOptions::conformance();
  options.pool = &pool;
  run_suite(options, {});
}

// As shipped, names go at once. Some evaluations expect that they are there until the end, and some
// annotations then lack the metric's name.
TEST(PromqlTestFiles, PrometheusSuiteWithNamesRemovedAtOnce) {
  TestOptions options = TestOptions::conformance();
  options.engine.delayed_name_removal = false;
  options.variants = false;
  run_suite(options, {{"histograms.test", 12},
                      {"name_label_dropping.test", 8},
                      {"native_histograms.test", 13},
                      {"type_and_unit.test", 2}});
}

TEST(PromqlTest, SaysWhereATestFileIsWrong) {
  const auto report = run_test("load 1m\n  metric 1 2 3\n\nevaluate this\n");
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().message, "line 4: unknown command \"evaluate\"");
}

TEST(PromqlTest, CountsByWhatAnEngineMustKnow) {
  const auto report = run_test(
      "load 1m\n  m 1 2 3\n  h {{count:1 sum:1}}x3\n\n"
      "eval instant at 2m m\n  m 3\n\n"
      "eval instant at 2m count(h)\n  {} 1\n\n"
      "eval instant at 2m limitk(1, m)\n  m 4\n",
      TestOptions::conformance());
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->classes(), "float 1/1, histogram 1/1, experimental 0/1");
}

TEST(PromqlTest, TellsWhatDiffers) {
  const auto report =
      run_test("load 1m\n  m{a=\"b\"} 1 2 3\n\neval instant at 2m m\n  m{a=\"b\"} 4\n");
  ASSERT_TRUE(report);
  ASSERT_EQ(report->failures.size(), 1U);
  EXPECT_EQ(report->failures[0].line, 4);
  EXPECT_EQ(report->failures[0].message, "m{a=\"b\"}: expected 4, got 3");
}

}  // namespace
}  // namespace strata::promql
