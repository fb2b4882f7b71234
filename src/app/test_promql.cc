// strata test promql: runs .test files (the format of Prometheus' own suite).
#include <cstdio>

#include "app/commands.h"
#include "base/fs.h"
#include "promql/promqltest.h"

namespace strata::app {
namespace {

std::string summary(const promql::TestReport& report) {
  const promql::TestCount all = report.all();
  return fmt::format("{}/{} evaluations pass ({}); {} queries", all.passed, all.total,
                     report.classes(), report.queries);
}

}  // namespace

int test_promql(const std::vector<std::string>& paths) {
  promql::TestReport all;
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
    fmt::print("{}: {}\n", path, summary(*report));
    for (const auto& failure : report->failures) {
      fmt::print("  {}:{}: {}\n    {}\n", path, failure.line, failure.query, failure.message);
    }
    all.add(*report);
  }
  if (paths.size() > 1) fmt::print("all: {}\n", summary(all));
  return readable && all.failures.empty() ? 0 : 1;
}

}  // namespace strata::app
