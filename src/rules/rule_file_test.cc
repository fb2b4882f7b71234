// Rule files: what loads, what is refused and where; other people's files.
#include "rules/rule_file.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace strata::rules {
namespace {

std::string first_problem(std::string_view text, RuleFileOptions options = {}) {
  const auto parsed = parse_rule_file(text, "r.yml", options);
  return parsed ? "" : parsed.error().message;
}

TEST(RuleFile, ReadsGroupsAndRules) {
  const auto parsed = parse_rule_file(R"(groups:
- name: g
  interval: 30s
  limit: 5
  query_offset: 10s
  labels: {team: a, severity: none}
  rules:
  - alert: Down
    expr: up == 0
    for: 5m
    keep_firing_for: 1m
    labels: {severity: page}
    annotations: {summary: "{{ $labels.instance }} is down"}
  - record: job:up:sum
    expr: sum by (job) (up)
)",
                                      "r.yml");
  ASSERT_TRUE(parsed) << parsed.error().message;
  const GroupSpec& group = parsed->groups.at(0);
  EXPECT_EQ(group.interval, std::chrono::seconds(30));
  EXPECT_EQ(group.query_offset, std::chrono::seconds(10));
  EXPECT_EQ(group.limit, 5u);
  const RuleSpec& alert = group.rules.at(0);
  EXPECT_TRUE(alert.is_alert());
  EXPECT_EQ(alert.hold, std::chrono::minutes(5));
  EXPECT_EQ(alert.keep_firing_for, std::chrono::minutes(1));
  // A rule's own label wins over its group's.
  EXPECT_EQ(alert.labels, (StringPairs{{"severity", "page"}, {"team", "a"}}));
  EXPECT_EQ(group.rules.at(1).name(), "job:up:sum");
  ASSERT_NE(alert.parsed, nullptr);
}

TEST(RuleFile, AnEmptyFileHasNoGroups) {
  EXPECT_TRUE(parse_rule_file("", "r.yml"));
  EXPECT_TRUE(parse_rule_file("groups: []\n", "r.yml"));
}

TEST(RuleFile, SaysWhereItIsWrong) {
  EXPECT_EQ(first_problem("groups:\n- name: g\n  rules:\n  - alert: A\n    expr: 'up ==='\n"),
            "r.yml:5:11: group \"g\", rule 1, \"A\": could not parse expression: 1:6: parse error: "
            "unexpected \"=\"");
  EXPECT_EQ(
      first_problem("groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up\n    labls: {}\n"),
      "r.yml:6:5: unknown key \"labls\" (did you mean labels?)");
  EXPECT_EQ(first_problem("groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up\n"
                          "    annotations: {s: '{{ $lable.x }}'}\n"),
            "r.yml:6:22: group \"g\", rule 1, \"A\": annotation \"s\": template: __alert_A:1: "
            "undefined variable \"$lable\"");
}

TEST(RuleFile, NamesAllProblems) {
  const auto problems =
      problems_of("groups:\n- name: g\n  rules:\n  - expr: up\n  - alert: A\n", "r.yml");
  EXPECT_EQ(problems.size(), 2u);
}

TEST(RuleFile, UnknownKeysMayBeIgnored) {
  const std::string_view text =
      "groups:\n- name: g\n  owner: me\n  rules:\n  - alert: A\n    expr: up\n    page: x\n";
  EXPECT_NE(first_problem(text), "");
  EXPECT_EQ(first_problem(text, {.names = config::NameValidation::kUtf8,
                                 .syntax = {},
                                 .ignore_unknown_fields = true}),
            "");
}

// Files of others, where they are there.
class OthersFiles : public ::testing::Test {
 protected:
  std::vector<std::filesystem::path> files(std::string_view under) const {
    const char* named = std::getenv("STRATA_SHARED_DATA");
    const std::filesystem::path root = named != nullptr ? named : "../shared/data";
    std::vector<std::filesystem::path> found;
    std::error_code none;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root / under, none)) {
      if (entry.is_regular_file()) found.push_back(entry.path());
    }
    std::ranges::sort(found);
    return found;
  }
  static std::string read(const std::filesystem::path& path) {
    return real_fs().read_file(path.string()).value_or("");
  }
};

TEST_F(OthersFiles, PublicRulesAllLoad) {
  const auto all = files("rules_public");
  if (all.empty()) GTEST_SKIP() << "no public rules: set STRATA_SHARED_DATA";
  size_t rules = 0;
  for (const auto& path : all) {
    const auto parsed = parse_rule_file(read(path), path.string());
    if (!parsed) {
      ADD_FAILURE() << parsed.error().message;
      continue;
    }
    for (const auto& group : parsed->groups) rules += group.rules.size();
  }
  std::cout << all.size() << " files, " << rules << " rules\n";
}

TEST_F(OthersFiles, PrometheusOwnFilesLoadOrAreRefusedAsTheirNamesSay) {
  const std::map<std::string, std::string> kRefused = {
      {"rulefmt/bad_expr.bad.yaml", "could not parse expression"},
      {"rulefmt/bad_field.bad.yaml", "unknown key \"annotation\""},
      {"rulefmt/duplicate_grp.bad.yaml", "stands twice"},
      {"rulefmt/invalid_label_name.bad.yaml", "not a valid label name"},
      {"rulefmt/invalid_record_name.bad.yaml", "has braces"},
      {"rulefmt/no_rec_alert.bad.yaml", "one of `record` and `alert`"},
      {"rulefmt/noexpr.bad.yaml", "`expr` must be there"},
      {"rulefmt/record_and_alert.bad.yaml", "only one of"},
      {"rulefmt/record_and_for.bad.yaml", "has no `for`"},
      {"rulefmt/record_and_keep_firing_for.bad.yaml", "has no `keep_firing_for`"},
      {"rules/invalid_rules.yaml", "unknown key \"unexpected_field\""},
      {"promtool/rules-bad.yml", "undefined variable \"$label\""},
      {"promtool/rules_extrafields.yml", "unknown key"},
      {"promtool/bad-rules-syntax.yml", "could not parse expression"},
      {"promtool/features.yml", "experimental"},
  };
  // Refused only where names are checked as before UTF-8; the file says so.
  const std::string legacy_only = "rulefmt/legacy_validation_annotation.bad.yaml";
  size_t seen = 0;
  for (const std::string_view under :
       {"prometheus/rules", "prometheus/rulefmt", "prometheus/promtool"}) {
    for (const auto& path : files(under)) {
      const std::string text = read(path);
      // promtool's folder has other kinds of files, too.
      if (!text.contains("groups:") || text.contains("rule_files:")) continue;
      ++seen;
      const std::string name = path.parent_path().filename() / path.filename();
      const auto refused = kRefused.find(name);
      if (refused == kRefused.end()) {
        EXPECT_EQ(first_problem(text), "") << name;
      } else {
        EXPECT_TRUE(first_problem(text).contains(refused->second))
            << name << ": " << first_problem(text);
        std::cout << name << ": " << first_problem(text) << "\n";
      }
      if (name == legacy_only) {
        EXPECT_TRUE(first_problem(text, {.names = config::NameValidation::kLegacy,
                                         .syntax = {},
                                         .ignore_unknown_fields = false})
                        .contains("not a valid annotation name"));
      }
      if (name == "promtool/features.yml") {
        EXPECT_EQ(first_problem(text, {.names = config::NameValidation::kUtf8,
                                       .syntax = promql::ParserOptions::everything(),
                                       .ignore_unknown_fields = false}),
                  "");
      }
    }
  }
  if (seen == 0) GTEST_SKIP() << "none of Prometheus' rule files: set STRATA_SHARED_DATA";
}

}  // namespace
}  // namespace strata::rules
