// strata check rules, strata test rules, strata rules replay|list|show|export.
#pragma once
#include <string>
#include <vector>

namespace strata::app {

struct CheckRulesCommand {
  std::vector<std::string> files;
  bool ignore_unknown_fields = false;
  std::string features;                  // as --enable-feature
  std::string lint = "duplicate-rules";  // or "queries", "all", "none", or another file: "all"
  bool lint_fatal = false;
};
/// 0: all load; 1: some do not; 3: they load, and lint found something that is fatal.
int check_rules(const CheckRulesCommand& asked);

struct TestRulesCommand {
  std::vector<std::string> files;
  bool ignore_unknown_fields = false;
  std::string features;
  std::vector<std::string> run;  // regular expressions of tests' names
};
/// 0 when everything is as the files say.
int test_rules(const TestRulesCommand& command);

struct ReplayCommand {
  std::string file;
  std::string store;
  std::string from;             // empty: a day before the end
  std::string to;               // empty: the store's last sample
  std::string interval = "1m";  // of groups without one
  std::string features;
  bool json = false;
};
int replay_rules(const ReplayCommand& command);

/// The alerts that come with Strata, with severities and summaries.
int list_shipped_rules();
/// An alert's rules and its runbook, or a whole file. 1: there is none of that name.
int show_shipped_rule(const std::string& name);
/// Writes rules/ and docs/runbooks/ under `directory`; overwrites nothing. 1: that fails.
int export_shipped_rules(const std::string& directory);

}  // namespace strata::app
