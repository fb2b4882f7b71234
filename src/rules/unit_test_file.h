// Unit tests of rules, in promtool's format: input series, and which alerts and values there must
// be at which time.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fs.h"
#include "base/regex.h"
#include "promql/engine.h"
#include "rules/rule_file.h"

namespace strata::rules {

struct UnitTestOptions {
  promql::EngineOptions engine;
  bool ignore_unknown_fields = false;  // in rule files
  std::vector<Regex> names;            // run only tests whose name one of them matches; empty: all
};

struct UnitTestReport {
  size_t tests = 0;  // that were run
  /// What went otherwise than the file says, ready to print; several lines each.
  std::vector<std::string> failures;
  std::vector<std::string> warnings;
};

/// Runs a test file; its rule_files are found relative to it. Error: kBadData, "FILE:LINE:…", where
/// it is no test file; kNotFound, kIo. A rule file that does not load, or a rule that cannot be
/// evaluated, is a failure of its test.
Result<UnitTestReport> run_unit_tests(const std::string& path, Fs& fs,
                                      const UnitTestOptions& options = {});

}  // namespace strata::rules
