// strata test promql: runs .test files (the format of Prometheus' own suite).
#include <cstdio>

#include "app/commands.h"
#include "base/fs.h"
#include "promql/promqltest.h"

namespace strata::app {

int test_promql(const std::vector<std::string>& paths) {
  size_t passed = 0;
  size_t total = 0;
  bool readable = true;
  for (const auto& path : paths) {
    const auto text = real_fs().read_file(path);
    if (!text) {
      fmt::print(stderr, "{}\n", text.error().message);
      readable = false;
      continue;
    }
    const auto report = promql::run_test(*text, promql::TestOptions::conformance());
    if (!report) {
      fmt::print(stderr, "{}: {}\n", path, report.error().message);
      readable = false;
      continue;
    }
    fmt::print("{}: {}/{} evaluations pass ({} queries)\n", path, report->passed, report->total,
               report->queries);
    for (const auto& failure : report->failures) {
      fmt::print("  {}:{}: {}\n    {}\n", path, failure.line, failure.query, failure.message);
    }
    passed += report->passed;
    total += report->total;
  }
  if (paths.size() > 1) fmt::print("{}/{} evaluations pass\n", passed, total);
  return readable && passed == total ? 0 : 1;
}

}  // namespace strata::app
