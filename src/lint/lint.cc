#include "lint/lint.h"

#include "lint/linter.h"
#include "rules/rule_file.h"

namespace strata::lint {
namespace {

constexpr Kind kKinds[] = {
    {"absent-with-regex", "absent() of a pattern speaks up only when all that it matches are gone"},
    {"always-true", "a comparison that the metric's range makes always true"},
    {"beyond-buckets", "a quantile compared with more than the last bucket's bound"},
    {"count-is-never-zero", "count() of nothing is nothing, not 0"},
    {"counter-without-rate", "a counter compared as if it fell again"},
    {"delta-of-counter", "delta(), idelta() or deriv() of a counter, which restarts at 0"},
    {"division-by-zero", "a denominator that is the number 0"},
    {"easily-misread", "a metric whose name promises something else"},
    {"full-by-design", "GPU memory near its limit, which an engine takes when it starts"},
    {"histogram-as-counter",
     "rate() of a histogram's family name, although it looks like a counter's"},
    {"join-label-lost", "the two sides of an operator have no label sets in common"},
    {"misspelt-name", "a name that is one of the catalog's with a slip, or ':' and '_' confused"},
    {"missing-for", "an alert on a gauge without `for`"},
    {"never-true",
     "a comparison that the metric's range, or another one beside it, makes impossible"},
    {"not-by-default", "a metric that has to be switched on"},
    {"part-of-the-rest", "used / free where used / (used + free) is meant"},
    {"percent-of-ratio", "a metric that is 0 to 1 compared with a percentage"},
    {"quantile-averaged", "an average or sum of quantiles"},
    {"quantile-not-aggregated", "a quantile of every single series"},
    {"quantile-of-averaged-buckets", "avg, min or max of buckets under histogram_quantile()"},
    {"quantile-of-non-bucket", "histogram_quantile() of something that is no bucket"},
    {"quantile-out-of-range", "a quantile below 0 or above 1"},
    {"quantile-without-le", "an aggregation under histogram_quantile() that drops le"},
    {"quantile-without-rate", "a quantile over all time since the process started"},
    {"range-too-short", "a range with fewer than two samples in it"},
    {"rate-of-gauge", "rate(), irate() or increase() of a gauge"},
    {"rate-of-sum", "rate() of a sum of counters"},
    {"ratio-of-percent", "a percentage compared with a ratio"},
    {"removed-name", "a metric that current versions no longer have"},
    {"sticky-gauge", "an alert on a gauge that keeps its last value for ever"},
    {"syntax", "not PromQL"},
    {"template-label-lost", "a text names a label that the expression has lost"},
    {"template-label-unknown", "a text names a label that only relabelling could give"},
    {"unguarded-ratio", "an alert on a ratio whose denominator may be 0"},
    {"unit-mismatch", "seconds with milliseconds, bytes with MiB"},
    {"unknown-label", "a label that the metric does not have"},
    {"unknown-label-value", "a label value that never occurs"},
    {"unknown-name", "a name with an engine's prefix that the catalog does not have"},
    {"up-misses-hangs", "`up` as the only watch on an engine, which can hang and still answer"},
};

}  // namespace

std::string_view to_string(Severity severity) {
  switch (severity) {
    case Severity::kError: return "error";
    case Severity::kWarning: return "warning";
    case Severity::kNote: return "note";
  }
  return "";
}

std::string Finding::to_string() const {
  return fmt::format("{}: {}: {} [{}]", where, lint::to_string(severity), message, kind);
}

std::span<const Kind> kinds() { return kKinds; }

std::vector<Finding> lint(const Subject& subject, const catalog::Catalog& catalog,
                          const Options& options) {
  return Linter(subject, catalog, options).run();
}

Result<std::vector<Finding>> lint_rules(std::string_view text, std::string_view file_name,
                                        const catalog::Catalog& catalog, const Options& options) {
  rules::RuleFileOptions reading;
  reading.syntax = promql::ParserOptions::everything();
  const auto file = TRY(rules::parse_rule_file(text, file_name, reading));
  Options with_recorded = options;
  for (const auto& group : file.groups) {
    for (const auto& rule : group.rules) {
      if (!rule.is_alert()) with_recorded.recorded.push_back(rule.record);
    }
  }
  std::vector<Finding> findings;
  for (const auto& group : file.groups) {
    for (const auto& rule : group.rules) {
      Subject subject;
      subject.where = fmt::format("{}: group {}, {} {}", file_name, group.name,
                                  rule.is_alert() ? "alert" : "record", rule.name());
      subject.expr = rule.expr;
      subject.is_alert = rule.is_alert();
      subject.is_recording = !rule.is_alert();
      subject.hold = rule.hold;
      for (const auto& [name, value] : rule.annotations) subject.texts.push_back(value);
      for (const auto& [name, value] : rule.labels) subject.texts.push_back(value);
      auto found = lint(subject, catalog, with_recorded);
      std::move(found.begin(), found.end(), std::back_inserter(findings));
      if (findings.size() >= kMaxFindings) return findings;
    }
  }
  return findings;
}

Result<std::vector<Finding>> lint_dashboard(std::string_view json, std::string_view file_name,
                                            const catalog::Catalog& catalog,
                                            const Options& options) {
  std::vector<Finding> findings;
  for (const auto& subject : TRY(dashboard_queries(json, file_name))) {
    auto found = lint(subject, catalog, options);
    std::move(found.begin(), found.end(), std::back_inserter(findings));
    if (findings.size() >= kMaxFindings) break;
  }
  return findings;
}

std::string kinds_markdown() {
  std::string out =
      "# What the linter looks for\nMade from the linter's own table by `./dev docs`; do not edit. "
      "`strata check rules --lint FILE` and `strata check dashboard FILE` print findings as "
      "`WHERE: "
      "SEVERITY: WHAT [KIND]`, and end with code 1 when one is an error. What they know of a "
      "metric "
      "is in [the catalog](catalog.md); of names that are not in it they say only what the "
      "expression itself shows.\n\n| kind | meaning |\n|---|---|\n";
  for (const auto& [name, meaning] : kinds()) out += fmt::format("| `{}` | {} |\n", name, meaning);
  return out;
}

}  // namespace strata::lint
