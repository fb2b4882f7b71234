// Runs .test files: series in a short notation, queries, and what they must answer. The format is
// that of Prometheus' own promqltest, so that its suite runs here (tests/promql/README.md).
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "promql/engine.h"

namespace strata::promql {

struct TestOptions {
  EngineOptions engine;
  /// Run each instant evaluation again: with @ on its selectors at other times, and as the middle
  /// step of a range query.
  bool variants = true;
  ThreadPool* pool = nullptr;  // to evaluate on

  /// As the suite wants it: all syntax, delayed name removal, start timestamps.
  static TestOptions conformance();
};

struct TestFailure {
  int line = 0;  // of the eval command
  std::string query;
  std::string message;
};

/// What an evaluation needs of an engine. Experimental: syntax or start timestamps that are behind
/// a feature flag. Histogram: else, native histograms in what it selects or is to answer.
enum class TestClass : uint8_t { kFloat, kHistogram, kExperimental };
inline constexpr size_t kTestClasses = 3;

struct TestCount {
  size_t passed = 0;
  size_t total = 0;  // eval commands
};

struct TestReport {
  std::array<TestCount, kTestClasses> by_class;
  size_t queries = 0;  // with their variants
  std::vector<TestFailure> failures;

  TestCount all() const;
  /// "float 3/4, experimental 2/2": those that there are.
  std::string classes() const;
  void add(const TestReport& other);
};

/// Error: kBadData, "line N: …", where the text is not a test file.
Result<TestReport> run_test(std::string_view text, const TestOptions& options = {});

}  // namespace strata::promql
