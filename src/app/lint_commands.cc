#include "app/lint_commands.h"

#include <algorithm>
#include <cstdio>

#include "base/fs.h"
#include "lint/lint.h"

namespace strata::app {
namespace {

Result<std::vector<lint::Finding>> lint_file(const std::string& path,
                                             const lint::Options& options) {
  const auto text = TRY(real_fs().read_file(path));
  const auto& catalog = catalog::Catalog::builtin();
  const size_t first = text.find_first_not_of(" \t\r\n");
  const bool is_json = first != std::string::npos && text[first] == '{';
  return is_json ? lint::lint_dashboard(text, path, catalog, options)
                 : lint::lint_rules(text, path, catalog, options);
}

}  // namespace

int lint_files(const LintCommand& command) {
  lint::Options options;
  options.notes = command.notes;
  const auto interval = parse_duration(command.scrape_interval);
  if (!interval) {
    fmt::print(stderr, "--scrape-interval: {}\n", interval.error().message);
    return 2;
  }
  options.scrape_interval = *interval;
  int code = 0;
  for (const auto& path : command.files) {
    const auto findings = lint_file(path, options);
    if (!findings) {
      fmt::print(stderr, "FAILED: {}\n", findings.error().message);
      code = 1;
      continue;
    }
    for (const auto& finding : *findings) fmt::print("{}\n", finding.to_string());
    const auto errors =
        std::ranges::count(*findings, lint::Severity::kError, &lint::Finding::severity);
    fmt::print("{}: {} finding(s), {} of them errors\n", path, findings->size(), errors);
    if (errors > 0) code = 1;
  }
  return code;
}

int lint_doc() {
  fmt::print("{}", lint::kinds_markdown());
  return 0;
}

}  // namespace strata::app
