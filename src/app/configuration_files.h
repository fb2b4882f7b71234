// Which files a server's configuration is made of: for backups.
#pragma once
#include <string>
#include <vector>

#include "base/fs.h"
#include "base/result.h"

namespace strata::app {

/// The files that the command line names; empty: none.
struct MainFiles {
  std::string prometheus;
  std::string strata;
  std::string alertmanager;
  std::string web;
};

/// They, and what they name: rule files, files of scrape configurations, templates, catalogs,
/// dashboards, the gateway's ledger. Credentials in files of their own and certificates are not
/// among them. Errors: those of loading them.
Result<std::vector<std::string>> configuration_files(const MainFiles& main, Fs& fs);

/// The directory that relative names in them begin at: of the first that there is.
std::string configuration_directory(const MainFiles& main);

}  // namespace strata::app
