// strata lint, strata check dashboard: what is wrong with queries that are valid PromQL. Each
// returns the process' exit code: 1 when a finding is an error or a file cannot be read.
#pragma once
#include <string>
#include <vector>

namespace strata::app {

struct LintCommand {
  std::vector<std::string> files;
  std::string scrape_interval = "15s";
  bool notes = false;
};

/// Rule files and Grafana dashboards, told apart by what is in them.
int lint_files(const LintCommand& command);

/// docs/linter.md.
int lint_doc();

}  // namespace strata::app
