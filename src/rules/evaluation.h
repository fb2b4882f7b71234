// What a rule is evaluated with.
#pragma once
#include <functional>
#include <string>

#include "model/duration.h"
#include "model/query_value.h"
#include "rules/rule_file.h"
#include "templates/functions.h"

namespace strata::rules {

/// What a rule's expression gives at `at`: of a scalar, one sample without labels. `text` is what
/// `expr` was parsed from. Thread-safe. Error: the engine's; kExecution for a range vector or text.
using ExprQuery = std::function<Result<Vector>(const promql::Expr& expr, const std::string& text,
                                               TimestampMs at)>;

/// Of all rules; replaced as a whole when the configuration is.
struct RuleSettings {
  Labels external_labels{};
  std::string external_url{};            // "http://host:9090", as generator URLs begin
  Millis evaluation_interval{60'000};    // of groups without one
  Millis query_offset{0};                // of groups without one
  Millis resend_delay{60'000};           // how often a receiver is told that an alert still fires
  Millis no_data_hold{0};                // how long an alert fires on when its series is gone
  Millis outage_tolerance{3'600'000};    // pending alerts of a state older than this are dropped
  std::vector<std::string> on_scrape{};  // names of groups that run when scrapes end, too

  friend bool operator==(const RuleSettings&, const RuleSettings&) = default;
};

/// One evaluation of one rule.
struct EvaluationContext {
  const ExprQuery& query;
  const RuleSettings& settings;
  const templates::Functions& functions;  // query_functions() as of `at`
  TimestampMs at = 0;                     // the group's tick
  TimestampMs query_at = 0;               // `at` less the query offset: what is asked and written
  uint64_t limit = 0;                     // of the group
};

}  // namespace strata::rules
