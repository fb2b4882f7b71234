// /api/v1/rules and /api/v1/alerts, as Prometheus answers them.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include "api/api.h"
#include "api/handlers.h"
#include "base/rfc3339.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/number.h"
#include "promql/parser.h"

namespace strata::api {
namespace {

using rules::GroupView;
using rules::RuleView;

// Which rules and groups a request wants.
struct Filter {
  std::set<std::string_view> files, groups, names;
  std::vector<std::vector<Matcher>> matchers;
  bool alerting = true;
  bool recording = true;
  bool with_alerts = true;

  static Result<Filter> make(const Call& call);
  bool wants(const RuleView& rule) const;
  bool wants(const GroupView& group) const {
    return (files.empty() || files.contains(group.file)) &&
           (groups.empty() || groups.contains(group.spec->name));
  }
};

Result<Filter> Filter::make(const Call& call) {
  Filter filter;
  const auto all = [&](std::string_view name) {
    const auto values = call.parameters(name);
    return std::set<std::string_view>(values.begin(), values.end());
  };
  filter.files = all("file[]");
  filter.groups = all("rule_group[]");
  filter.names = all("rule_name[]");
  for (const std::string_view text : call.parameters("match[]")) {
    filter.matchers.push_back(TRY(promql::parse_selector(text)));
  }
  const std::string_view type = call.parameter("type");
  if (!type.empty() && type != "alert" && type != "record") {
    return bad_data(fmt::format("invalid query parameter type=\"{}\"", type));
  }
  filter.alerting = type != "record";
  filter.recording = type != "alert";
  filter.with_alerts = !TRY(call.boolean("exclude_alerts", false));
  return filter;
}

bool Filter::wants(const RuleView& rule) const {
  if (!(rule.spec->is_alert() ? alerting : recording)) return false;
  if (!names.empty() && !names.contains(rule.spec->name())) return false;
  if (matchers.empty()) return true;
  LabelsBuilder builder;
  for (const auto& [name, value] : rule.spec->labels) builder.set(name, value);
  const Labels labels = builder.build();
  return std::ranges::any_of(matchers, [&](const std::vector<Matcher>& all) {
    return std::ranges::all_of(all, [&](const Matcher& one) { return one.matches(labels); });
  });
}

void write_pairs(JsonWriter& json, const rules::StringPairs& pairs) {
  json.begin_object();
  for (const auto& [name, value] : pairs) json.key(name).string(value);
  json.end_object();
}

// Go's FormatFloat(value, 'e', -1, 64).
std::string scientific(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  char text[40];
  return {text, std::to_chars(text, text + sizeof text, value, std::chars_format::scientific).ptr};
}

void write_alert(JsonWriter& json, const rules::Alert& alert) {
  json.begin_object();
  json.key("labels").begin_object();
  for (const Label& label : alert.labels) json.key(label.name).string(label.value);
  json.end_object();
  json.key("annotations");
  write_pairs(json, alert.annotations);
  json.key("state").string(to_string(alert.state));
  json.key("activeAt").string(rfc3339(alert.active_at));
  if (alert.keep_firing_since != 0) {
    json.key("keepFiringSince").string(rfc3339(alert.keep_firing_since));
  }
  // Ours: the alert is held although its series is gone.
  if (alert.no_data_since != 0) json.key("noDataSince").string(rfc3339(alert.no_data_since));
  json.key("value").string(scientific(alert.value));
  json.end_object();
}

double seconds(Millis duration) { return static_cast<double>(duration.count()) / 1000; }

void write_rule(JsonWriter& json, const RuleView& rule, bool with_alerts) {
  const rules::RuleSpec& spec = *rule.spec;
  json.begin_object();
  if (spec.is_alert()) json.key("state").string(to_string(rule.state));
  json.key("name").string(spec.name());
  json.key("query").string(promql::to_string(*spec.parsed));
  if (spec.is_alert()) {
    json.key("duration").number(seconds(spec.hold));
    json.key("keepFiringFor").number(seconds(spec.keep_firing_for));
  }
  json.key("labels");
  write_pairs(json, spec.labels);
  if (spec.is_alert()) {
    json.key("annotations");
    write_pairs(json, spec.annotations);
    json.key("alerts").begin_array();
    if (with_alerts) {
      for (const rules::Alert& alert : rule.alerts) write_alert(json, alert);
    }
    json.end_array();
    // Ours: alerts whose series is gone, held or ended in the last 15 minutes.
    if (rule.no_data > 0) json.key("noData").integer(static_cast<int64_t>(rule.no_data));
  }
  json.key("health").string(to_string(rule.health));
  if (!rule.last_error.empty()) json.key("lastError").string(rule.last_error);
  json.key("evaluationTime").number(rule.evaluation_seconds);
  json.key("lastEvaluation").string(rfc3339(rule.last_evaluation));
  json.key("type").string(spec.is_alert() ? "alerting" : "recording");
  json.end_object();
}

void write_group(JsonWriter& json, const GroupView& group, const Filter& filter) {
  json.begin_object();
  json.key("name").string(group.spec->name);
  json.key("file").string(group.file);
  json.key("rules").begin_array();
  for (const RuleView& rule : group.rules) {
    if (filter.wants(rule)) write_rule(json, rule, filter.with_alerts);
  }
  json.end_array();
  json.key("interval").number(seconds(group.interval));
  json.key("limit").integer(static_cast<int64_t>(group.spec->limit));
  json.key("evaluationTime").number(group.evaluation_seconds);
  json.key("lastEvaluation").string(rfc3339(group.last_evaluation));
  json.end_object();
}

// Where the next page begins: names the group before it.
std::string token_of(const GroupView& group) {
  return fmt::format("{:016x}", xxh64(group.file + ";" + group.spec->name));
}

// The groups of the page that the request asks for; `next` is the token of the one after it.
Result<std::vector<const GroupView*>> page_of(const std::vector<const GroupView*>& groups,
                                              const Call& call, std::string& next) {
  const std::string_view limit_text = call.parameter("group_limit");
  const std::string_view token = call.parameter("group_next_token");
  if (limit_text.empty()) {
    if (token.empty()) return groups;
    return bad_data("group_limit needs to be present in order to paginate over the groups");
  }
  const auto limit = parse_uint(limit_text);
  if (!limit || *limit == 0) {
    return bad_data("group_limit must be a number of at least 1");
  }
  auto begin = groups.begin();
  if (!token.empty()) {
    begin =
        std::ranges::find(groups, token, [](const GroupView* group) { return token_of(*group); });
    if (begin == groups.end()) {
      return bad_data("invalid group_next_token. were rule groups changed?");
    }
    ++begin;
  }
  const auto left = static_cast<uint64_t>(groups.end() - begin);
  const auto end = begin + static_cast<std::ptrdiff_t>(std::min(left, *limit));
  if (end != groups.end() && end != begin) next = token_of(**(end - 1));
  return std::vector<const GroupView*>(begin, end);
}

}  // namespace

Result<Reply> rules(const Services& services, Call& call) {
  const Filter filter = TRY(Filter::make(call));
  const auto views = services.rules == nullptr ? std::vector<GroupView>() : services.rules->view();
  std::vector<const GroupView*> groups;
  for (const GroupView& group : views) {
    const bool has_rules =
        std::ranges::any_of(group.rules, [&](const RuleView& rule) { return filter.wants(rule); });
    // Only what was filtered away is left out: a group may have no rules at all.
    if (filter.wants(group) && (has_rules || group.rules.empty())) groups.push_back(&group);
  }
  std::string next;
  const auto page = TRY(page_of(groups, call, next));
  std::string data;
  JsonWriter json(data);
  json.begin_object().key("groups").begin_array();
  for (const GroupView* group : page) write_group(json, *group, filter);
  json.end_array();
  if (!next.empty()) json.key("groupNextToken").string(next);
  json.end_object();
  return success(call, data);
}

Result<Reply> alerts(const Services& services, Call& call) {
  std::string data;
  JsonWriter json(data);
  json.begin_object().key("alerts").begin_array();
  const auto views = services.rules == nullptr ? std::vector<GroupView>() : services.rules->view();
  for (const GroupView& group : views) {
    for (const RuleView& rule : group.rules) {
      for (const auto& alert : rule.alerts) write_alert(json, alert);
    }
  }
  json.end_array().end_object();
  return success(call, data);
}

}  // namespace strata::api
