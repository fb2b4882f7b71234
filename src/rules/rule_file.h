// Rule files as Prometheus has them, read whole and checked: groups of recording and alerting
// rules. Values; a RuleFile is made once and then read by any thread.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fs.h"
#include "base/result.h"
#include "config/http_client_config.h"
#include "config/relabel_config.h"
#include "model/duration.h"
#include "promql/ast.h"
#include "promql/parser.h"

namespace strata::rules {

using config::StringPairs;

/// One rule: `record` or `alert` is set, never both.
struct RuleSpec {
  std::string record;
  std::string alert;
  std::string expr;  // as written
  Millis hold{0};    // `for`
  Millis keep_firing_for{0};
  StringPairs labels;  // by name, those of the group among them
  StringPairs annotations;
  /// `expr`, parsed; annotations of a query point into `expr`.
  std::shared_ptr<const promql::Expr> parsed;

  bool is_alert() const { return !alert.empty(); }
  const std::string& name() const { return is_alert() ? alert : record; }
};

struct GroupSpec {
  std::string name;
  Millis interval{0};  // 0: global evaluation_interval
  std::optional<Millis> query_offset;
  uint64_t limit = 0;  // 0: none
  std::vector<RuleSpec> rules;
  StringPairs labels;
};

struct RuleFile {
  std::string path;
  std::vector<GroupSpec> groups;
  /// What is valid but surely not meant ("only the first document is read"), with its place.
  std::vector<std::string> warnings;
};

struct RuleFileOptions {
  config::NameValidation names = config::NameValidation::kUtf8;
  promql::ParserOptions syntax;
  /// promtool's --ignore-unknown-fields.
  bool ignore_unknown_fields = false;
};

/// Error: kBadData for the first thing that is wrong, "FILE:LINE:COLUMN: …"; kLimit as parse_yaml.
Result<RuleFile> parse_rule_file(std::string_view text, std::string_view file_name,
                                 const RuleFileOptions& options = {});
/// All that is wrong, in the file's order; empty: parse_rule_file() succeeds.
std::vector<std::string> problems_of(std::string_view text, std::string_view file_name,
                                     const RuleFileOptions& options = {});

/// Every file that `patterns` (globs) match, each once, in order. Errors: those above, kIo.
Result<std::vector<RuleFile>> load_rule_files(const std::vector<std::string>& patterns, Fs& fs,
                                              const RuleFileOptions& options = {});

/// Names of rules that stand in the files twice, with the same labels: "FILE: group, rule".
std::vector<std::string> duplicate_rules(const std::vector<RuleFile>& files);

}  // namespace strata::rules
