// Finds what is wrong with a query although it is valid PromQL: names that no engine has (any
// more), a 0-to-1 gauge compared with 90, rate() of a gauge, a quantile without le, a label that
// the alert's text names and the expression has lost, and so on. What it knows of metrics comes
// from the catalog; about names that are not in it, it says only what the expression itself shows.
//
// Pure functions, any thread. Bounded by the parser's limits and kMaxFindings.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/catalog.h"
#include "config/http_client_config.h"
#include "model/duration.h"

namespace strata::lint {

enum class Severity : uint8_t {
  kError,    // it cannot do what it is meant to
  kWarning,  // it probably does not
  kNote,     // it does something that is easily taken for another thing
};
std::string_view to_string(Severity severity);

struct Finding {
  std::string where;
  Severity severity = Severity::kWarning;
  std::string_view kind;  // one of kinds()
  std::string message;    // what is wrong and what to write instead

  /// "where: severity: message [kind]".
  std::string to_string() const;
};

/// One kind of mistake, for the reference.
struct Kind {
  std::string_view name;
  std::string_view meaning;
};
/// All that the linter looks for, by name.
std::span<const Kind> kinds();

struct Options {
  /// How often what the expressions are about is scraped.
  Millis scrape_interval{15'000};
  /// Names that recording rules make: they are never unknown.
  std::vector<std::string> recorded;
  /// Whether notes are wanted: things to know about a metric rather than mistakes.
  bool notes = false;
};

/// An expression and what stands around it.
struct Subject {
  std::string where;  // "rules.yml: group a, alert B"
  std::string expr;
  bool is_alert = false;
  bool is_recording = false;
  Millis hold{0};  // an alert's `for`
  /// An alert's annotations and labels: templates.
  std::vector<std::string> texts;
};

inline constexpr size_t kMaxFindings = 1'000;

/// Findings about one expression, in the order of its text; each kind once a metric.
std::vector<Finding> lint(const Subject& subject, const catalog::Catalog& catalog,
                          const Options& options = {});

/// Findings about every rule of a rule file. Error: kBadData, the file is no rule file.
Result<std::vector<Finding>> lint_rules(std::string_view text, std::string_view file_name,
                                        const catalog::Catalog& catalog,
                                        const Options& options = {});

/// Findings about every query of a Grafana dashboard in JSON, its variables' among them. Error:
/// kBadData, it is not JSON or no dashboard.
Result<std::vector<Finding>> lint_dashboard(std::string_view json, std::string_view file_name,
                                            const catalog::Catalog& catalog,
                                            const Options& options = {});

/// The queries of a dashboard, with Grafana's variables replaced by what PromQL can read.
Result<std::vector<Subject>> dashboard_queries(std::string_view json, std::string_view file_name);

/// docs/linter.md.
std::string kinds_markdown();

}  // namespace strata::lint
