// /api/v1/status/cardinality: what the series are made of, which labels grow, and who brought them.
#include "api/api.h"
#include "api/handlers.h"
#include "base/rfc3339.h"
#include "base/json.h"
#include "base/number.h"

namespace strata::api {
namespace {

constexpr size_t kDefaultTop = 10;
constexpr size_t kMaxTop = 1'000;

void write_number(JsonWriter& json, std::string_view key, uint64_t value) {
  json.key(key).integer(static_cast<int64_t>(value));
}

void write_counts(JsonWriter& json, std::string_view name, std::string_view counted,
                  const std::vector<tsdb::Cardinality::Count>& counts) {
  json.key(name).begin_array();
  for (const auto& count : counts) {
    json.begin_object().key("name").string(count.name);
    write_number(json, counted, count.value);
    json.end_object();
  }
  json.end_array();
}

void write_growth(JsonWriter& json, const scrape::LabelGrowth& growth) {
  json.begin_object();
  json.key("job").string(growth.job).key("metric").string(growth.metric);
  json.key("label").string(growth.label).key("mode").string(config::to_string(growth.mode));
  json.key("withoutEnd").boolean(growth.without_end);
  if (growth.without_end) json.key("since").string(rfc3339(growth.since));
  write_number(json, "values", growth.values);
  write_number(json, "newValues", growth.new_values);
  json.key("newValuesPerSecond").number(growth.new_a_second);
  write_number(json, "refusedSeries", growth.refused_series);
  json.key("targets").begin_array();
  for (const auto& [target, values] : growth.targets) {
    json.begin_object().key("target").string(target);
    write_number(json, "newValues", values);
    json.end_object();
  }
  json.end_array().key("examples").begin_array();
  for (const auto& example : growth.examples) json.string(example);
  json.end_array().end_object();
}

void write_churn(JsonWriter& json, uint64_t series, uint64_t created, uint64_t ended) {
  write_number(json, "series", series);
  write_number(json, "created", created);
  write_number(json, "ended", ended);
}

void write_guard(JsonWriter& json, const scrape::GuardReport& report) {
  json.key("growth").begin_array();
  for (const auto& growth : report.labels) write_growth(json, growth);
  json.end_array().key("jobs").begin_array();
  for (const auto& job : report.jobs) {
    json.begin_object().key("job").string(job.job);
    json.key("mode").string(config::to_string(job.mode));
    write_churn(json, job.series, job.created, job.ended);
    write_number(json, "maxSeries", job.max_series);
    write_number(json, "refused", job.refused);
    json.end_object();
  }
  json.end_array().key("targets").begin_array();
  for (const auto& target : report.targets) {
    json.begin_object().key("job").string(target.job).key("target").string(target.target);
    write_churn(json, target.series, target.created, target.ended);
    json.end_object();
  }
  json.end_array();
}

}  // namespace

Result<Reply> status_cardinality(const Services& services, Call& call) {
  size_t limit = kDefaultTop;
  if (const auto text = call.parameter("limit"); !text.empty()) {
    const auto value = parse_uint(text);
    if (!value || *value == 0 || *value > kMaxTop) {
      return bad_data(fmt::format("invalid parameter \"limit\": 1 to {}", kMaxTop));
    }
    limit = *value;
  }
  const auto stats = services.db.stats();
  const auto cardinality = services.db.cardinality(limit);
  const auto report = services.scrape.cardinality(limit);
  std::string data;
  JsonWriter json(data);
  json.begin_object();
  write_number(json, "headSeries", stats.head_series);
  write_number(json, "headSeriesCreated", stats.series_created);
  write_number(json, "headSeriesRemoved", stats.series_removed);
  write_number(json, "scrapedSeries", report.series);
  write_number(json, "maxTotalSeries", report.max_series);
  write_number(json, "unwatchedLabels", report.unwatched_labels);
  write_number(json, "untrackedValues", report.untracked_values);
  write_guard(json, report);
  write_counts(json, "metrics", "series", cardinality.series_by_metric);
  write_counts(json, "labels", "values", cardinality.values_by_label);
  write_counts(json, "labelValues", "series", cardinality.series_by_pair);
  json.end_object();
  return success(call, data);
}

}  // namespace strata::api
