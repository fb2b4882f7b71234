// strata backup and restore. Each returns the process' exit code.
#pragma once
#include <string>

#include "app/configuration_files.h"

namespace strata::app {

struct BackupCommand {
  std::string directory;  // of the backup
  std::string url;        // of the server that runs on the data; empty: none does
  std::string data_dir;   // when no server runs
  MainFiles configuration;
};
int backup(const BackupCommand& command);

struct RestoreCommand {
  std::string backup;
  std::string data_dir;
  std::string config_dir;
  bool check = false;  // only look
};
int restore(const RestoreCommand& command);

}  // namespace strata::app
