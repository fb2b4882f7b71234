// promtool's unit-test format; its own files pass and fail as they should.
#include "rules/unit_test_file.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/log.h"
#include "base/temp_dir.h"

namespace strata::rules {
namespace {

class UnitTestFile : public ::testing::Test {
 protected:
  void SetUp() override { configure_logging(LogLevel::kError, LogFormat::kLogfmt); }
  void write(const std::string& name, std::string_view text) {
    auto file = std::move(*real_fs().create(dir_.file(name)));
    ASSERT_TRUE(file->append(text));
  }
  UnitTestReport run(std::string_view text, const UnitTestOptions& options = {}) {
    write("t.yml", text);
    auto report = run_unit_tests(dir_.file("t.yml"), real_fs(), options);
    EXPECT_TRUE(report) << report.error().message;
    return report ? *report : UnitTestReport{};
  }
  TempDir dir_;
};

constexpr std::string_view kRules = R"(groups:
- name: g
  rules:
  - {record: double, expr: x * 2}
  - alert: High
    expr: double > 10
    for: 1m
    labels: {severity: page}
    annotations: {summary: "{{ $value }} from {{ $externalLabels.dc }}"}
)";

TEST_F(UnitTestFile, PassesWhereItSaysWhatHappens) {
  write("r.yml", kRules);
  const auto report = run(R"(
rule_files: [r.yml]
evaluation_interval: 1m
tests:
- name: one
  interval: 1m
  external_labels: {dc: north}
  input_series:
  - {series: 'x{a="b"}', values: '1 6+0x5'}
  alert_rule_test:
  - {eval_time: 1m30s, alertname: High, exp_alerts: []}
  - eval_time: 2m
    alertname: High
    exp_alerts:
    - exp_labels: {a: b, severity: page}
      exp_annotations: {summary: 12 from north}
  promql_expr_test:
  - expr: double
    eval_time: 3m
    exp_samples: [{labels: 'double{a="b"}', value: 12}]
)");
  EXPECT_EQ(report.tests, 1u);
  for (const auto& failure : report.failures) ADD_FAILURE() << failure;
}

TEST_F(UnitTestFile, SaysWhatIsOtherwise) {
  write("r.yml", kRules);
  const auto report = run(R"(
rule_files: [r.yml]
tests:
- name: wrong
  interval: 1m
  input_series: [{series: x, values: 6}]
  alert_rule_test: [{eval_time: 1m, alertname: High, exp_alerts: []}]
  promql_expr_test:
  - {expr: double, eval_time: 0, exp_samples: [{labels: double, value: 13}]}
)");
  ASSERT_EQ(report.failures.size(), 2u);
  EXPECT_TRUE(report.failures[0].starts_with("name: wrong,\nalertname: High, time: 1m,\nexp:[],"));
  EXPECT_EQ(report.failures[1],
            "name: wrong,\nexpr: \"double\", time: 0s,\nexp: \n  double 13\ngot: \n  double 12");
}

TEST_F(UnitTestFile, TestsMayBeChosenByName) {
  const auto only = Regex::compile("^two");
  UnitTestOptions options;
  options.names.push_back(*only);
  EXPECT_EQ(run("tests: [{name: one}, {name: two}, {name: two b}]", options).tests, 2u);
}

// Of promtool's folder, those that are unit tests.
TEST_F(UnitTestFile, PromtoolsOwnFilesPassAndFailAsNamed) {
  const char* named = std::getenv("STRATA_SHARED_DATA");
  const std::filesystem::path folder =
      std::filesystem::path(named != nullptr ? named : "../shared/data") / "prometheus/promtool";
  if (!std::filesystem::exists(folder))
    GTEST_SKIP() << "no " << folder << ": set STRATA_SHARED_DATA";
  const std::map<std::string, size_t> kFailures = {{"unittest.yml", 0},
                                                   {"long-period.yml", 0},
                                                   {"start-time-test.yml", 0},
                                                   {"no-test-group-interval.yml", 0},
                                                   {"at-modifier-test.yml", 0},
                                                   {"negative-offset-test.yml", 0},
                                                   {"bad-input-series.yml", 1},
                                                   {"bad-promql.yml", 1},
                                                   {"bad-rules-error-test.yml", 1},
                                                   {"bad-rules-syntax-test.yml", 1},
                                                   {"failing.yml", 4},
                                                   {"rules_run.yml", 1},
                                                   {"rules_run_fuzzy.yml", 2},
                                                   {"rules_run_no_fuzzy.yml", 2},
                                                   {"rules_run_extrafields.yml", 1}};
  for (const auto& [name, failures] : kFailures) {
    const auto report = run_unit_tests((folder / name).string(), real_fs());
    if (!report) {
      ADD_FAILURE() << name << ": " << report.error().message;
      continue;
    }
    EXPECT_EQ(report->failures.size(), failures) << name << "\n"
                                                 << ::testing::PrintToString(report->failures);
  }
  UnitTestOptions lenient;
  lenient.ignore_unknown_fields = true;
  const auto extra =
      run_unit_tests((folder / "rules_run_extrafields.yml").string(), real_fs(), lenient);
  ASSERT_TRUE(extra);
  EXPECT_TRUE(extra->failures.empty());
}

}  // namespace
}  // namespace strata::rules
