// Runs .test files: series in a short notation, queries, and what they must answer. The format is
// that of Prometheus' own promqltest, so that its suite runs here (tests/promql/README.md).
#pragma once
#include <cstddef>
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

struct TestReport {
  size_t passed = 0;
  size_t total = 0;    // eval commands
  size_t queries = 0;  // with their variants
  std::vector<TestFailure> failures;
};

/// Error: kBadData, "line N: …", where the text is not a test file.
Result<TestReport> run_test(std::string_view text, const TestOptions& options = {});

}  // namespace strata::promql
