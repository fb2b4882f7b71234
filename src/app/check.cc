// strata check, strata version.
#include <cstdio>

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

int print_version() {
  const auto& build = build_info();
  fmt::print("strata {} (revision {}, branch {})\n  built with {}\n  platform {}\n", build.version,
             build.revision, build.branch, build.compiler, build.platform);
  return 0;
}

}  // namespace strata::app
