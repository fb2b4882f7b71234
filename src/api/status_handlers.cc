// /api/v1/status/*, /version.
#include <unistd.h>

#include <thread>

#include "api/api.h"
#include "api/handlers.h"
#include "base/rfc3339.h"
#include "base/build_info.h"
#include "base/json.h"
#include "base/number.h"

namespace strata::api {
namespace {

// The release of Prometheus whose API this is.
constexpr std::string_view kApiVersion = "3.14.0";
constexpr size_t kDefaultTopSize = 10;
constexpr size_t kMaxTopSize = 10'000;

void write_counts(JsonWriter& json, std::string_view name,
                  const std::vector<tsdb::Cardinality::Count>& counts) {
  json.key(name).begin_array();
  for (const auto& count : counts) {
    json.begin_object().key("name").string(count.name);
    json.key("value").integer(static_cast<int64_t>(count.value)).end_object();
  }
  json.end_array();
}

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "";
}

std::string working_directory() {
  char path[4096] = {};
  return ::getcwd(path, sizeof path) != nullptr ? path : "";
}

void write_build(JsonWriter& json) {
  const auto& build = build_info();
  json.begin_object();
  json.key("application").string("Strata");
  // Grafana takes what is below 2.24 for a Prometheus that cannot filter label values, so the
  // version is that of the API; what follows the plus is ours (SemVer's build metadata).
  json.key("version").string(fmt::format("{}+strata.{}", kApiVersion, build.version));
  json.key("revision").string(build.revision);
  json.key("branch").string(build.branch);
  json.key("buildUser").string("");
  json.key("buildDate").string("");
  json.key("goVersion").string(build.compiler);
  json.end_object();
}

}  // namespace

Result<Reply> status_config(const Services& services, Call& call) {
  std::string data;
  JsonWriter(data).begin_object().key("yaml").string(services.config_yaml()).end_object();
  return success(call, data);
}

Result<Reply> status_flags(const Services& services, Call& call) {
  std::string data;
  JsonWriter json(data);
  json.begin_object();
  for (const auto& [name, value] : services.flags()) json.key(name).string(value);
  json.end_object();
  return success(call, data);
}

Result<Reply> status_runtimeinfo(const Services& services, Call& call) {
  const auto stats = services.db.stats();
  const auto reload = services.last_reload();
  std::string data;
  JsonWriter json(data);
  json.begin_object();
  json.key("startTime").string(rfc3339(services.started_at));
  json.key("CWD").string(working_directory());
  json.key("hostname").string(host_name());
  json.key("serverTime").string(rfc3339(services.clock.now_ms()));
  json.key("reloadConfigSuccess").boolean(reload.success);
  json.key("lastConfigTime").string(rfc3339(reload.at));
  json.key("corruptionCount").integer(static_cast<int64_t>(stats.damaged_records));
  // Prometheus' Go runtime; the nearest things that there are here.
  json.key("goroutineCount").integer(static_cast<int64_t>(services.pool.threads()));
  json.key("GOMAXPROCS").integer(std::thread::hardware_concurrency());
  json.key("GOMEMLIMIT").integer(0);
  json.key("GOGC").string("");
  json.key("GODEBUG").string("");
  json.key("storageRetention").string(services.storage_retention);
  json.end_object();
  return success(call, data);
}

Result<Reply> status_buildinfo(const Services&, Call& call) {
  std::string data;
  JsonWriter json(data);
  write_build(json);
  return success(call, data);
}

Result<Reply> version(const Services&, Call&) {
  std::string body;
  JsonWriter json(body);
  write_build(json);
  return net::json_response(200, std::move(body));
}

/// Beyond what Prometheus says: what the head takes, and what was refused for it.
void write_head_memory(JsonWriter& json, const tsdb::Stats& stats) {
  json.key("headMemory").begin_object();
  json.key("budgetBytes").integer(static_cast<int64_t>(stats.memory_budget));
  json.key("bytesByPart").begin_object();
  for (const auto& [part, bytes] : stats.memory) {
    json.key(part).integer(static_cast<int64_t>(bytes));
  }
  json.end_object();
  json.key("newSeriesRefused").integer(static_cast<int64_t>(stats.series_refused));
  json.key("newSeriesRefusedByLabel").begin_object();
  for (const auto& [label, count] : stats.refused_by_label) {
    json.key(label).integer(static_cast<int64_t>(count));
  }
  json.end_object().end_object();
}

Result<Reply> status_tsdb(const Services& services, Call& call) {
  size_t limit = kDefaultTopSize;
  if (const auto text = call.parameter("limit"); !text.empty()) {
    const auto value = parse_uint(text);
    if (!value || *value == 0 || *value > kMaxTopSize) {
      return bad_data(fmt::format("invalid parameter \"limit\": 1 to {}", kMaxTopSize));
    }
    limit = *value;
  }
  const auto stats = services.db.stats();
  const auto cardinality = services.db.cardinality(limit);
  std::string data;
  JsonWriter json(data);
  json.begin_object().key("headStats").begin_object();
  json.key("numSeries").integer(static_cast<int64_t>(stats.head_series));
  json.key("numLabelPairs").integer(static_cast<int64_t>(cardinality.label_pairs));
  json.key("chunkCount").integer(static_cast<int64_t>(stats.sealed_tiles));
  json.key("minTime").integer(stats.head_min_time);
  json.key("maxTime").integer(stats.head_max_time);
  json.end_object();
  write_counts(json, "seriesCountByMetricName", cardinality.series_by_metric);
  write_counts(json, "labelValueCountByLabelName", cardinality.values_by_label);
  write_counts(json, "memoryInBytesByLabelName", cardinality.value_bytes_by_label);
  write_counts(json, "seriesCountByLabelValuePair", cardinality.series_by_pair);
  write_head_memory(json, stats);
  json.end_object();
  return success(call, data);
}

Result<Reply> status_blocks(const Services& services, Call& call) {
  const auto stats = services.db.stats();
  std::string data;
  JsonWriter json(data);
  json.begin_object().key("blocks").begin_array();
  for (const auto& block : stats.blocks) {
    json.begin_object().key("ulid").string(block.name).key("version").integer(1);
    json.key("minTime").integer(block.min_time).key("maxTime").integer(block.max_time);
    json.key("stats").begin_object();
    json.key("numSeries").integer(static_cast<int64_t>(block.series));
    json.key("numSamples").integer(static_cast<int64_t>(block.samples));
    json.key("numBytes").integer(static_cast<int64_t>(block.bytes));
    // A block's columns are one for each series: there is nothing smaller.
    json.key("numChunks").integer(static_cast<int64_t>(block.series));
    json.end_object().key("compaction").begin_object();
    json.key("level").integer(1).key("sources").begin_array().string(block.name).end_array();
    json.end_object().end_object();
  }
  json.end_array().end_object();
  return success(call, data);
}

Result<Reply> status_walreplay(const Services&, Call& call) {
  // Replay is over before the server listens; the numbers are those of a finished one.
  return success(call, R"({"min":0,"max":0,"current":0})");
}

}  // namespace strata::api
