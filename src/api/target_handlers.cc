// /api/v1/targets, targets/metadata, metadata.
#include <set>

#include "api/alertmanager_json.h"
#include "api/api.h"
#include "api/handlers.h"
#include "base/json.h"
#include "base/number.h"
#include "base/rfc3339.h"
#include "discover/json_reader.h"
#include "notify/sender.h"
#include "promql/parser.h"
#include "remote/query_backend.h"
#include "remote/receiver.h"

namespace strata::api {
namespace {

using Families = std::map<std::string, std::vector<Metadata>, std::less<>>;

std::string_view health_name(scrape::Health health) {
  switch (health) {
    case scrape::Health::kUnknown: return "unknown";
    case scrape::Health::kUp: return "up";
    case scrape::Health::kDown: return "down";
  }
  return "unknown";
}

void write_active(JsonWriter& json, std::string_view job, const scrape::TargetStatus& status) {
  json.begin_object();
  json.key("discoveredLabels");
  write_labels(json, status.target.discovered_labels);
  json.key("labels");
  write_labels(json, status.target.labels);
  json.key("scrapePool").string(job);
  json.key("scrapeUrl").string(status.target.url);
  json.key("globalUrl").string(status.target.url);
  json.key("lastError").string(status.last_error);
  json.key("lastScrape").string(rfc3339(status.last_scrape));
  json.key("lastScrapeDuration")
      .number(std::chrono::duration<double>(status.last_duration).count());
  json.key("health").string(health_name(status.health));
  json.key("scrapeInterval").string(format_duration(status.target.interval));
  json.key("scrapeTimeout").string(format_duration(status.target.timeout));
  json.end_object();
}

// Whether metadata of `family` is asked for; "" asks for all.
bool wanted(std::string_view asked, std::string_view family) {
  return asked.empty() || asked == family;
}

}  // namespace

Result<Reply> targets(const Services& services, Call& call) {
  const auto state = call.parameter("state");
  const auto pool = call.parameter("scrapePool");
  if (!state.empty() && state != "active" && state != "dropped" && state != "any") {
    return bad_data("invalid parameter \"state\": active, dropped or any");
  }
  const bool active = state != "dropped";
  const bool dropped = state != "active";
  const auto jobs = services.scrape.status();

  std::string data;
  JsonWriter json(data);
  json.begin_object().key("activeTargets").begin_array();
  for (const auto& job : jobs) {
    if (!active || (!pool.empty() && pool != job.job)) continue;
    for (const auto& status : job.active) write_active(json, job.job, status);
  }
  json.end_array().key("droppedTargets").begin_array();
  for (const auto& job : jobs) {
    if (!dropped || (!pool.empty() && pool != job.job)) continue;
    for (const auto& labels : job.dropped) {
      json.begin_object().key("discoveredLabels");
      write_labels(json, labels);
      json.key("scrapePool").string(job.job).end_object();
    }
  }
  json.end_array().key("droppedTargetCounts").begin_object();
  for (const auto& job : jobs) {
    if (dropped) json.key(job.job).integer(static_cast<int64_t>(job.dropped_count));
  }
  json.end_object().end_object();
  return success(call, data);
}

Result<Reply> targets_metadata(const Services& services, Call& call) {
  const auto limit = TRY(call.limit());
  const auto metric = call.parameter("metric");
  std::vector<Matcher> matchers;
  if (const auto text = call.parameter("match_target"); !text.empty()) {
    matchers = TRY(promql::parse_selector(text));
  }
  std::string data;
  JsonWriter json(data);
  json.begin_array();
  size_t written = 0;
  for (const auto& job : services.scrape.status()) {
    for (const auto& status : job.active) {
      const auto& labels = status.target.labels;
      if (!std::ranges::all_of(matchers, [&](const auto& m) { return m.matches(labels); })) {
        continue;
      }
      for (const auto& [family, about] : *status.metadata) {
        if (!wanted(metric, family)) continue;
        if (limit > 0 && written == limit) break;
        ++written;
        json.begin_object().key("target");
        write_labels(json, labels);
        if (metric.empty()) json.key("metric").string(family);
        json.key("type").string(to_string(about.type)).key("help").string(about.help);
        json.key("unit").string(about.unit).end_object();
      }
    }
  }
  json.end_array();
  return success(call, data);
}

// What the query backend knows of families; that it cannot be asked is a warning.
void learn_from_backend(const Services& services, Call& call, Families& families) {
  net::FormValues parameters;
  if (const auto metric = call.parameter("metric"); !metric.empty()) {
    parameters.add("metric", std::string(metric));
  }
  const auto body = services.backend->get("/api/v1/metadata", parameters, call.stop());
  if (!body) return call.warnings.push_back(body.error().message);
  discover::JsonReader reader(*body);
  reader.object([&](std::string_view key) {
    if (key != "data") return static_cast<void>(reader.skip());
    reader.object([&](std::string_view family) {
      auto& known = families[std::string(family)];
      reader.array([&] {
        Metadata about;
        std::string type;
        reader.object([&](std::string_view field) {
          if (field == "type") return reader.string(type);
          if (field == "help") return reader.string(about.help);
          if (field == "unit") return reader.string(about.unit);
          reader.skip();
        });
        about.type = metric_type(type);
        if (std::ranges::find(known, about) == known.end()) known.push_back(std::move(about));
      });
    });
  });
  if (const auto read = reader.finish(); !read) call.warnings.push_back(read.error().message);
}

Result<Reply> metadata(const Services& services, Call& call) {
  const auto limit = TRY(call.limit());
  const auto metric = call.parameter("metric");
  const auto per_metric_text = call.parameter("limit_per_metric");
  size_t per_metric = SIZE_MAX;
  if (!per_metric_text.empty()) {
    const auto value = parse_uint(per_metric_text);
    if (!value) return bad_data("invalid parameter \"limit_per_metric\": not a number");
    if (*value > 0) per_metric = *value;
  }
  // Targets of a job say the same of a family: what is equal is shown once.
  Families families;
  for (const auto& job : services.scrape.status()) {
    for (const auto& status : job.active) {
      for (const auto& [family, about] : *status.metadata) {
        if (!wanted(metric, family)) continue;
        auto& known = families[family];
        if (known.size() < per_metric && std::ranges::find(known, about) == known.end()) {
          known.push_back(about);
        }
      }
    }
  }
  if (services.receiver != nullptr) {
    for (const auto& [family, about] : services.receiver->families()) {
      if (!wanted(metric, family)) continue;
      auto& known = families[family];
      if (known.size() < per_metric && std::ranges::find(known, about) == known.end()) {
        known.push_back(about);
      }
    }
  }
  if (services.backend != nullptr) learn_from_backend(services, call, families);
  std::string data;
  JsonWriter json(data);
  json.begin_object();
  size_t written = 0;
  for (const auto& [family, known] : families) {
    if (limit > 0 && written++ == limit) break;
    json.key(family).begin_array();
    for (const auto& about : known) {
      json.begin_object().key("type").string(to_string(about.type));
      json.key("help").string(about.help).key("unit").string(about.unit).end_object();
    }
    json.end_array();
  }
  json.end_object();
  return success(call, data);
}

Result<Reply> alertmanagers(const Services& services, Call& call) {
  const notify::Endpoints known =
      services.notify == nullptr ? notify::Endpoints{} : services.notify->alertmanagers();
  std::string data;
  JsonWriter json(data);
  const auto write = [&](std::string_view key, const std::vector<std::string>& urls) {
    json.key(key).begin_array();
    for (const std::string& url : urls) json.begin_object().key("url").string(url).end_object();
    json.end_array();
  };
  json.begin_object();
  write("activeAlertmanagers", known.active);
  write("droppedAlertmanagers", known.dropped);
  json.end_object();
  return success(call, data);
}

}  // namespace strata::api
