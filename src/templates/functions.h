// The functions that Prometheus gives to the templates of rules, and those that Alertmanager gives
// to the templates of notifications. See docs/rules.md and docs/alerting.md for the lists.
#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "model/labels.h"
#include "model/query_value.h"
#include "templates/template.h"

namespace strata::templates {

/// Those that need nothing from outside: humanize and its like, text, regular expressions, links,
/// samples of a query, time. `query`, `now`, `externalURL` and `pathPrefix` are there for parsing
/// and fail when they are called: query_functions() has them for one execution.
std::shared_ptr<const Functions> rule_functions();

struct QueryContext {
  /// An instant query at `at`. Error: its message goes into the template's.
  std::function<Result<Vector>(std::string_view query, TimestampMs at)> query;
  TimestampMs at = 0;
  std::string_view external_url;  // "http://host:9090/path"
};
/// `context` outlives what is returned.
Functions query_functions(const QueryContext& context);

/// Alertmanager's: text, regular expressions, JSON, base64, lists and maps, dates. `now`, `since`,
/// `tz` and `routeLabels` are there for parsing; who executes gives them.
std::shared_ptr<const Functions> notification_functions();
/// `text` when it is one, else an error in Go's words: for functions made elsewhere.
Result<std::string> text_argument(const Value& value);
/// As Go's json.Marshal writes it, without its escapes for HTML.
void append_json(std::string& out, const Value& value);

/// Labels as map[string]string.
Value labels_value(const Labels& labels);

/// Numbers for people, as Prometheus writes them.
std::string humanize(double value);
std::string humanize_1024(double value);
std::string humanize_duration(double seconds);
std::string humanize_percentage(double ratio);

/// "/graph?g0.expr=…&g0.tab=0" (the graph) or 1 (the table).
std::string graph_link(std::string_view expression);
std::string table_link(std::string_view expression);

}  // namespace strata::templates
