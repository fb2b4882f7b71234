// /api/v1/scrape_pools, scrape_pools/config, targets/relabel_steps.
#include "api/api.h"
#include "api/handlers.h"
#include "base/json.h"
#include "discover/json_reader.h"
#include "discover/relabel.h"
#include "wire/query_json.h"

namespace strata::api {
namespace {

using Config = std::shared_ptr<const config::ScrapeConfig>;

Result<Config> config_of(const Services& services, const Call& call) {
  const auto pool = call.parameter("scrapePool");
  if (pool.empty()) return bad_data("no scrapePool parameter provided");
  for (const auto& job : services.scrape.status()) {
    if (job.job == pool) return job.config;
  }
  return bad_data(
      fmt::format("error retrieving scrape config: scrape pool \"{}\" not found", pool));
}

// {"__address__":"localhost:9090",…}
Result<Labels> labels_from_json(std::string_view text) {
  std::map<std::string, std::string> values;
  discover::JsonReader reader(text);
  reader.object([&](std::string_view name) { reader.string(values[std::string(name)]); });
  if (const auto read = reader.finish(); !read) {
    return std::unexpected(read.error().within("error parsing labels"));
  }
  std::vector<Label> labels;
  for (const auto& [name, value] : values) labels.push_back({name, value});
  return Labels::from(std::move(labels));
}

void write_rule(JsonWriter& json, const config::RelabelConfig& rule) {
  json.begin_object();
  if (!rule.source_labels.empty()) {
    json.key("source_labels").begin_array();
    for (const auto& name : rule.source_labels) json.string(name);
    json.end_array();
  }
  const auto field = [&](std::string_view key, std::string_view text) {
    if (!text.empty()) json.key(key).string(text);
  };
  field("separator", rule.separator);
  field("regex", rule.regex.pattern());
  if (rule.modulus > 0) json.key("modulus").integer(static_cast<int64_t>(rule.modulus));
  field("target_label", rule.target_label);
  field("replacement", rule.replacement);
  field("action", to_string(rule.action));
  json.end_object();
}

}  // namespace

Result<Reply> scrape_pools(const Services& services, Call& call) {
  std::string data;
  JsonWriter json(data);
  json.begin_object().key("scrapePools").begin_array();
  for (const auto& job : services.scrape.status()) json.string(job.job);
  json.end_array().end_object();
  return success(call, data);
}

Result<Reply> scrape_pool_config(const Services& services, Call& call) {
  const auto config = TRY(config_of(services, call));
  std::string data;
  JsonWriter(data).begin_object().key("yaml").string(config::to_yaml(*config)).end_object();
  return success(call, data);
}

Result<Reply> relabel_steps(const Services& services, Call& call) {
  const auto text = call.parameter("labels");
  const auto config = TRY(config_of(services, call));
  if (text.empty()) return bad_data("no labels parameter provided");
  const auto labels = TRY(labels_from_json(text));
  const auto& rules = config->relabel_configs;
  const auto steps = discover::trace_relabel(rules, labels);
  std::string data;
  JsonWriter json(data);
  json.begin_object().key("steps").begin_array();
  // Prometheus shows the rules after the one that drops too, without labels.
  for (size_t i = 0; i < rules.size(); ++i) {
    const bool keep = i < steps.size() && steps[i].keep;
    std::string output;
    wire::append_labels_json(output, keep ? steps[i].output : Labels());
    json.begin_object().key("rule");
    write_rule(json, rules[i]);
    json.key("output").raw(output).key("keep").boolean(keep).end_object();
  }
  json.end_array().end_object();
  return success(call, data);
}

}  // namespace strata::api
