#include "rules/shipped.h"

#include <algorithm>
#include <span>

#include "base/embedded_file.h"

// The tables that cmake/embed_files.cmake makes.
extern "C" const strata::EmbeddedFile strata_rules_files[];
extern "C" const uint64_t strata_rules_file_count;
extern "C" const strata::EmbeddedFile strata_docs_runbooks_files[];
extern "C" const uint64_t strata_docs_runbooks_file_count;

namespace strata::rules {
namespace {

std::vector<ShippedFile> read(std::span<const EmbeddedFile> table) {
  std::vector<ShippedFile> out;
  for (const auto& file : table) {
    out.push_back({file.name, file.bytes()});
  }
  std::ranges::sort(out, {}, &ShippedFile::path);
  return out;
}

}  // namespace

std::string_view ShippedFile::name() const {
  const std::string_view file = path.substr(path.rfind('/') + 1);
  return file.substr(0, file.rfind('.'));
}

const std::vector<ShippedFile>& shipped_rule_files() {
  static const auto files = read({strata_rules_files, strata_rules_file_count});
  return files;
}

const std::vector<ShippedFile>& shipped_runbooks() {
  static const auto pages = read({strata_docs_runbooks_files, strata_docs_runbooks_file_count});
  return pages;
}

std::optional<std::string_view> runbook(std::string_view alert) {
  const auto& pages = shipped_runbooks();
  const auto found = std::ranges::find(pages, alert, &ShippedFile::name);
  if (found == pages.end()) return std::nullopt;
  return found->text;
}

Result<std::vector<RuleFile>> load_shipped_rules(const RuleFileOptions& options) {
  std::vector<RuleFile> out;
  for (const ShippedFile& file : shipped_rule_files()) {
    out.push_back(
        TRY(parse_rule_file(file.text, fmt::format("builtin/{}.yaml", file.name()), options)));
  }
  return out;
}

}  // namespace strata::rules
