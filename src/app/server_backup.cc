// What `strata backup` copies from a server that runs.
#include <filesystem>

#include "app/configuration_files.h"
#include "app/server.h"
#include "backup/staging.h"

namespace strata::app {
namespace {

// Below the data directory, with whose blocks it shares files.
constexpr const char* kStagedBackup = "/snapshots/backup";

}  // namespace

Result<std::string> Server::stage_backup() {
  MutexLock lock(backup_mutex_);
  const MainFiles files{.prometheus = options_.config_file,
                        .strata = options_.strata_config_file,
                        .alertmanager = options_.alertmanager_config_file,
                        .web = options_.web_config_file};
  const std::string staged = options_.storage_path + kStagedBackup;
  TRY(real_fs().create_directories(options_.storage_path + "/snapshots"));
  const auto configuration = TRY(configuration_files(files, real_fs()));
  const backup::Sources sources{
      .store = *db_,
      .data_dir = options_.storage_path,
      .databases = {{"alerting/state.db", &alerting_->database()},
                    {"dashboards/dashboards.db", &dashboards_->database()},
                    {"dashboards/annotations.db", &annotations_->database()}},
      .configuration = backup::named_below(configuration_directory(files), configuration)};
  TRY(backup::stage(real_fs(), sources, staged));
  return std::filesystem::absolute(staged).string();
}

Result<> Server::drop_backup() {
  MutexLock lock(backup_mutex_);
  return real_fs().remove_all(options_.storage_path + kStagedBackup);
}

}  // namespace strata::app
