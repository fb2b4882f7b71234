#include "discover/targets.h"

#include <optional>
#include <set>

#include "base/result.h"
#include "base/utf8.h"
#include "discover/relabel.h"
#include "discover/target_url.h"

namespace strata::discover {
namespace {

constexpr std::string_view kAddress = "__address__";
constexpr std::string_view kScheme = "__scheme__";
constexpr std::string_view kMetricsPath = "__metrics_path__";
constexpr std::string_view kInterval = "__scrape_interval__";
constexpr std::string_view kTimeout = "__scrape_timeout__";
constexpr std::string_view kUnixSocket = "__unix_socket__";
constexpr std::string_view kParamPrefix = "__param_";
constexpr std::string_view kMetaPrefix = "__meta_";
constexpr std::string_view kReservedPrefix = "__";
constexpr std::string_view kNativeHistograms = "__scrape_native_histograms__";
constexpr std::string_view kClassicHistograms = "__always_scrape_classic_histograms__";
constexpr std::string_view kConvertHistograms = "__convert_classic_histograms_to_nhcb__";

/// Go's strconv.ParseBool.
Result<bool> parse_bool(std::string_view label, std::string_view text) {
  for (const std::string_view word : {"1", "t", "T", "TRUE", "true", "True"}) {
    if (text == word) return true;
  }
  for (const std::string_view word : {"", "0", "f", "F", "FALSE", "false", "False"}) {
    if (text == word) return false;
  }
  return bad_data(fmt::format("{}: \"{}\" is neither true nor false", label, text));
}

Result<Millis> parse_period(std::string_view label, std::string_view text) {
  const Result<Millis> period = parse_duration(text);
  if (!period || *period == Millis{0}) {
    return bad_data(fmt::format("{}: \"{}\" is not a duration above 0", label, text));
  }
  return *period;
}

std::string url_of(const config::ScrapeConfig& config, const LabelsBuilder& labels) {
  QueryValues query;
  for (const config::QueryParam& param : config.params) query[param.name] = param.values;
  for (const auto& [name, value] : labels.labels()) {
    if (!name.starts_with(kParamPrefix)) continue;
    std::vector<std::string>& values = query[name.substr(kParamPrefix.size())];
    if (values.empty()) values.emplace_back();
    values[0] = value;
  }
  return make_url(labels.get(kScheme), labels.get(kAddress), labels.get(kMetricsPath), query);
}

/// Removes the labels that start with `prefix`.
void remove_prefixed(LabelsBuilder& labels, std::string_view prefix) {
  std::vector<std::string> kept;
  for (const auto& [name, value] : labels.labels()) {
    if (!name.starts_with(prefix)) kept.push_back(name);
  }
  labels.keep(kept);
}

/// A target from labels that relabelling let through; leaves `labels` without __meta_ ones.
Result<Target> target_from(const config::ScrapeConfig& config, LabelsBuilder& labels) {
  Target target;
  const std::string address(labels.get(kAddress));
  if (address.empty()) return bad_data("no __address__");
  if (address.contains('/')) {
    return bad_data(fmt::format("\"{}\" is not a host and port", address));
  }
  target.interval = TRY(parse_period(kInterval, labels.get(kInterval)));
  target.timeout = TRY(parse_period(kTimeout, labels.get(kTimeout)));
  if (target.timeout > target.interval) {
    return bad_data(fmt::format("scrape timeout {} is longer than the interval {}",
                                format_duration(target.timeout), format_duration(target.interval)));
  }
  target.scrape_native_histograms =
      TRY(parse_bool(kNativeHistograms, labels.get(kNativeHistograms)));
  target.always_scrape_classic_histograms =
      TRY(parse_bool(kClassicHistograms, labels.get(kClassicHistograms)));
  target.convert_classic_histograms_to_nhcb =
      TRY(parse_bool(kConvertHistograms, labels.get(kConvertHistograms)));
  remove_prefixed(labels, kMetaPrefix);
  if (labels.get("instance").empty()) labels.set("instance", address);
  for (const auto& [name, value] : labels.labels()) {
    if (!is_utf8(value)) return bad_data(fmt::format("the value of label {} is not UTF-8", name));
  }
  target.url = url_of(config, labels);
  target.unix_socket = labels.get(kUnixSocket);
  return target;
}

}  // namespace

Labels discovered_labels(const config::ScrapeConfig& config, const Labels& target,
                         const Labels& group) {
  LabelsBuilder labels(target);
  const auto set_missing = [&](std::string_view name, std::string_view value) {
    if (labels.get(name).empty()) labels.set(name, value);
  };
  for (const Label& label : group) set_missing(label.name, label.value);
  const auto set_bool = [&](std::string_view name, bool value) {
    set_missing(name, value ? "true" : "false");
  };
  set_missing("job", config.job_name);
  set_missing(kInterval, format_duration(config.scrape_interval));
  set_missing(kTimeout, format_duration(config.scrape_timeout));
  set_missing(kMetricsPath, config.metrics_path);
  set_missing(kScheme, config.scheme);
  set_bool(kConvertHistograms, config.convert_classic_histograms_to_nhcb);
  set_bool(kClassicHistograms, config.always_scrape_classic_histograms);
  set_bool(kNativeHistograms, config.scrape_native_histograms);
  for (const config::QueryParam& param : config.params) {
    if (param.values.empty()) continue;
    set_missing(std::string(kParamPrefix) + param.name, param.values[0]);
  }
  return labels.build();
}

TargetSet make_targets(const config::ScrapeConfig& config, std::span<const TargetGroup> groups) {
  TargetSet out;
  std::set<std::string> seen;  // by all labels that are left and the URL
  LabelsBuilder labels;
  for (const TargetGroup& group : groups) {
    for (size_t i = 0; i < group.targets.size(); ++i) {
      Labels discovered = discovered_labels(config, group.targets[i], group.labels);
      labels.reset(discovered);
      if (!relabel(config.relabel_configs, labels)) {
        ++out.dropped_count;
        if (config.keep_dropped_targets == 0 || out.dropped.size() < config.keep_dropped_targets) {
          out.dropped.push_back(std::move(discovered));
        }
        continue;
      }
      Result<Target> target = target_from(config, labels);
      if (!target) {
        out.errors.push_back(fmt::format("job {}: target {} of {}: {}", config.job_name, i,
                                         group.source, target.error().message));
        continue;
      }
      if (!seen.insert(labels.build().bytes() + target->url).second) continue;
      remove_prefixed(labels, kReservedPrefix);
      target->labels = labels.build();
      target->discovered_labels = std::move(discovered);
      out.active.push_back(*std::move(target));
    }
  }
  out.over_target_limit = config.target_limit > 0 && out.active.size() > config.target_limit;
  return out;
}

}  // namespace strata::discover
