// The rules that come with Strata (rules/*.yaml) and a page on each alert (docs/runbooks/*.md), out
// of the binary. Constant; any thread.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/rule_file.h"

namespace strata::rules {

struct ShippedFile {
  std::string_view path;  // "rules/gpu.yaml", "docs/runbooks/GPULost.md"
  std::string_view text;

  std::string_view name() const;  // "gpu", "GPULost"
};

const std::vector<ShippedFile>& shipped_rule_files();  // by path
const std::vector<ShippedFile>& shipped_runbooks();    // by path

/// The page on an alert, in Markdown.
std::optional<std::string_view> runbook(std::string_view alert);

/// The files, read; their paths are "builtin/gpu.yaml" and so on. They are valid (a test sees to
/// it), so an error, as of parse_rule_file(), comes of `options` alone.
Result<std::vector<RuleFile>> load_shipped_rules(const RuleFileOptions& options = {});

}  // namespace strata::rules
