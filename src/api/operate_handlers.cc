// What an operator asks: which queries run, which features there are, which blocks; and /federate.
#include <set>

#include "api/active_queries.h"
#include "api/api.h"
#include "api/handlers.h"
#include "api/json_time.h"
#include "base/json.h"
#include "base/number.h"
#include "promql/function_table.h"

namespace strata::api {
namespace {

struct Feature {
  std::string_view name;
  bool on;
};

void write_features(JsonWriter& json, std::string_view category,
                    std::initializer_list<Feature> features) {
  json.key(category).begin_object();
  for (const auto& feature : features) json.key(feature.name).boolean(feature.on);
  json.end_object();
}

// A label value in the text format.
void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
}

void append_federated(std::string& out, const Labels& labels, const Labels& external, double value,
                      TimestampMs t) {
  LabelsBuilder all(labels);
  for (const auto& label : external) {
    if (labels.get(label.name).empty()) all.set(label.name, label.value);
  }
  const Labels merged = all.build();
  out.append(merged.metric_name()) += '{';
  bool first = true;
  for (const auto& label : merged) {
    if (label.name == kMetricName) continue;
    out += first ? "" : ",";
    first = false;
    out.append(label.name) += "=\"";
    append_escaped(out, label.value);
    out += '"';
  }
  out += "} ";
  append_double_g(out, value);
  out += fmt::format(" {}\n", t);
}

}  // namespace

Result<net::HttpResponse> active_queries(const Services& services, Call& call) {
  std::string data;
  JsonWriter json(data);
  json.begin_array();
  const auto now = services.clock.now_ms();
  for (const auto& query : services.active->list()) {
    json.begin_object().key("id").integer(static_cast<int64_t>(query.id));
    json.key("query").string(query.text).key("client").string(query.client);
    json.key("started").string(rfc3339(query.started));
    json.key("seconds").number(static_cast<double>(now - query.started) / 1000).end_object();
  }
  json.end_array();
  return success(call, data);
}

Result<net::HttpResponse> stop_query(const Services& services, Call& call) {
  const auto id = parse_uint(call.path_parameter);
  if (!id) return bad_data("a query's id is a number: see GET /api/v1/queries");
  if (!services.active->stop(*id)) {
    return fail(ErrorCode::kNotFound, fmt::format("no query with the id {} runs", *id));
  }
  return success(call, "null");
}

Result<net::HttpResponse> features(const Services& services, Call& call) {
  const auto& engine = services.engine.options();
  const auto& syntax = engine.syntax;
  std::string data;
  JsonWriter json(data);
  json.begin_object();
  write_features(json, "api",
                 {{"admin", false},
                  {"label_values_match", true},
                  {"lifecycle", true},
                  {"otlp_write_receiver", false},
                  {"query_stats", false},
                  {"query_warnings", true},
                  {"remote_write_receiver", false},
                  {"search", false},
                  {"time_range_labels", true},
                  {"time_range_series", true}});
  write_features(json, "prometheus", {{"agent_mode", false}, {"server_mode", true}});
  write_features(json, "promql",
                 {{"anchored", syntax.extended_range_selectors},
                  {"at_modifier", true},
                  {"bool", true},
                  {"by", true},
                  {"delayed_name_removal", engine.delayed_name_removal},
                  {"duration_expr", syntax.duration_expressions},
                  {"fill", syntax.binop_fill_modifiers},
                  {"fill_left", syntax.binop_fill_modifiers},
                  {"fill_right", syntax.binop_fill_modifiers},
                  {"group_left", true},
                  {"group_right", true},
                  {"ignoring", true},
                  {"negative_offset", true},
                  {"offset", true},
                  {"on", true},
                  {"per_query_lookback_delta", true},
                  {"per_step_stats", false},
                  {"smoothed", syntax.extended_range_selectors},
                  {"subqueries", true},
                  {"type_and_unit_labels", engine.type_and_unit_labels},
                  {"without", true}});
  json.key("promql_functions").begin_object();
  for (const auto& function : promql::functions()) {
    json.key(function.name).boolean(!function.experimental || syntax.experimental_functions);
  }
  json.end_object();
  write_features(json, "rules", {{"keep_firing_for", false}, {"query_offset", false}});
  write_features(json, "service_discovery_providers", {{"file", true}, {"static", true}});
  write_features(json, "tsdb",
                 {{"exemplar_storage", false}, {"isolation", true}, {"native_histograms", false}});
  json.end_object();
  return success(call, data);
}

Result<net::HttpResponse> status_blocks(const Services& services, Call& call) {
  const auto stats = services.db.stats();
  std::string data;
  JsonWriter json(data);
  json.begin_object().key("blocks").begin_array();
  for (const auto& block : stats.blocks) {
    json.begin_object().key("ulid").string(block.name);
    json.key("minTime").integer(block.min_time).key("maxTime").integer(block.max_time);
    json.key("stats").begin_object();
    json.key("numSeries").integer(static_cast<int64_t>(block.series));
    json.key("numSamples").integer(static_cast<int64_t>(block.samples));
    json.key("numBytes").integer(static_cast<int64_t>(block.bytes));
    json.end_object().end_object();
  }
  json.end_array().end_object();
  return success(call, data);
}

Result<net::HttpResponse> notifications(const Services&, Call& call) { return success(call, "[]"); }

// The newest sample of each selected series within the lookback, with the external labels, grouped
// by name: what another server scrapes (Prometheus' web/federate.go).
Result<net::HttpResponse> federate(const Services& services, Call& call) {
  const auto selectors = TRY(call.selectors());
  if (selectors.empty()) return bad_data("no match[] parameter provided");
  const auto now = services.clock.now_ms();
  const TimeRange range{now - services.engine.options().lookback.count() + 1, now};
  const Labels external = services.external_labels();
  std::map<Labels, std::pair<double, TimestampMs>> newest;
  for (const auto& matchers : selectors) {
    const auto set = TRY(services.source.select(matchers, range, 0));
    for (size_t i = 0; i < set->size(); ++i) {
      Sample sample;
      HistogramPtr histogram;
      if (!TRY(set->read_last(i, range, sample, histogram))) continue;
      if (histogram || is_stale_nan(sample.v)) continue;
      newest.emplace(set->labels(i), std::pair(sample.v, sample.t));
    }
  }
  net::HttpResponse response;
  response.headers.set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
  std::map<std::string_view, std::string> by_name;
  for (const auto& [labels, sample] : newest) {
    append_federated(by_name[labels.metric_name()], labels, external, sample.first, sample.second);
  }
  for (const auto& [name, lines] : by_name) {
    response.body += fmt::format("# TYPE {} untyped\n", name) + lines;
  }
  return response;
}

}  // namespace strata::api
