// strata check, strata version.
#include <cstdio>

#include "alerting/engine.h"
#include "alerting/route.h"
#include "app/commands.h"
#include "base/build_info.h"
#include "config/load.h"
#include "rules/rule_file.h"

namespace strata::app {

int check_config(const std::string& path) {
  const auto parsed = config::load_config(path, real_fs());
  if (!parsed) {
    fmt::print(stderr, "FAILED: {}\n", parsed.error().message);
    return 1;
  }
  const auto rules = rules::load_rule_files(
      parsed->config.rule_files, real_fs(),
      rules::RuleFileOptions{.names = parsed->config.global.metric_name_validation_scheme,
                             .syntax = {},
                             .ignore_unknown_fields = false});
  if (!rules) {
    fmt::print(stderr, "FAILED: {}\n", rules.error().message);
    return 1;
  }
  for (const auto& warning : parsed->warnings) fmt::print("warning: {}\n", warning);
  fmt::print("SUCCESS: {} is valid; {} scrape job(s), {} rule file(s)\n", path,
             parsed->config.scrape_configs.size(), rules->size());
  return 0;
}

int check_alertmanager(const std::string& path, const std::vector<std::string>& labels) {
  const auto file = alerting::load_alertmanager_file(path);
  if (!file) {
    fmt::print(stderr, "FAILED: {}\n", file.error().message);
    return 1;
  }
  for (const auto& warning : file->warnings) fmt::print("warning: {}\n", warning);
  for (const auto& what : alerting::unsupported(*file)) fmt::print("warning: {}\n", what);
  if (labels.empty()) {
    fmt::print("SUCCESS: {} is valid; {} receiver(s), {} inhibition rule(s), {} time interval(s)\n",
               path, file->receivers.size(), file->inhibit_rules.size(),
               file->time_intervals.size());
    return 0;
  }
  std::vector<Label> alert;
  for (const std::string& text : labels) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      fmt::print(stderr, "strata: \"{}\" is no label: write name=value\n", text);
      return 2;
    }
    alert.push_back(
        {std::string_view(text).substr(0, equals), std::string_view(text).substr(equals + 1)});
  }
  const alerting::RouteTree routes(file->route);
  for (const auto* route : routes.match(Labels::from(std::move(alert)))) {
    fmt::print("{}  (route {}; first word after {}, then every {}, again every {})\n",
               route->receiver, route->key, format_duration(route->group_wait),
               format_duration(route->group_interval), format_duration(route->repeat_interval));
  }
  return 0;
}

int print_version() {
  const auto& build = build_info();
  fmt::print("strata {} (revision {}, branch {})\n  built with {}\n  platform {}\n", build.version,
             build.revision, build.branch, build.compiler, build.platform);
  return 0;
}

}  // namespace strata::app
