#include "app/configuration_files.h"

#include "alerting/config.h"
#include "config/glob.h"
#include "config/load.h"
#include "config/strata_config.h"

namespace strata::app {
namespace {

using Files = std::vector<std::string>;

void add_all(Files& files, const Files& more) {
  files.insert(files.end(), more.begin(), more.end());
}

// The files in `directory`; none when it cannot be read.
void add_directory(Files& files, const std::string& directory, std::string_view ending, Fs& fs) {
  if (directory.empty()) return;
  const auto entries = fs.list(directory);
  if (!entries) return;
  for (const auto& entry : *entries) {
    if (entry.is_directory || entry.name == "lock" || !entry.name.ends_with(ending)) continue;
    files.push_back(directory + "/" + entry.name);
  }
}

}  // namespace

Result<Files> configuration_files(const MainFiles& main, Fs& fs) {
  Files files;
  for (const auto& file : {main.prometheus, main.strata, main.alertmanager, main.web}) {
    if (!file.empty()) files.push_back(file);
  }
  if (!main.prometheus.empty()) {
    const auto parsed = TRY(config::load_config(main.prometheus, fs));
    for (const auto& pattern : parsed.config.rule_files) add_all(files, config::glob(fs, pattern));
    for (const auto& pattern : parsed.config.scrape_config_files) {
      add_all(files, config::glob(fs, pattern));
    }
  }
  if (!main.strata.empty()) {
    const auto own = TRY(config::load_strata_config(main.strata, fs));
    add_all(files, own.catalog.files);
    add_directory(files, own.dashboards.folder, ".json", fs);
    if (own.gateway.enabled) add_directory(files, own.gateway.ledger.path, "", fs);
  }
  if (!main.alertmanager.empty()) {
    const auto file = TRY(alerting::load_alertmanager_file(main.alertmanager, fs));
    for (const auto& pattern : file.templates) add_all(files, config::glob(fs, pattern));
  }
  return files;
}

std::string configuration_directory(const MainFiles& main) {
  for (const auto& file : {main.prometheus, main.strata, main.alertmanager, main.web}) {
    if (!file.empty()) return config::directory_of(file);
  }
  return ".";
}

}  // namespace strata::app
