// strata dashboards list|export|push: those of the binary, of a running Strata, or of a Grafana,
// which both speak the same API.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace strata::app {

struct DashboardCommands {
  std::string url = {};  // of a server; empty: the dashboards in this binary
  std::string token_file = {};
  bool json = false;
  std::vector<std::string> uids = {};  // to export; empty: all
  std::string directory = {};
  std::vector<std::string> files = {};  // to push
  std::string folder = {};              // uid of Grafana's
  std::string message = {};
  std::string data_source = {};  // uid for ${DS_…} of a dashboard that was exported for sharing
  bool overwrite = false;

  int list() const;
  /// Writes a file for each; nothing that is there is overwritten.
  int export_all() const;
  int push() const;

 private:
  Result<std::string> ask(const std::string& method, const std::string& path,
                          const std::string& body = "") const;
  bool wants(const std::string& uid) const;
  Result<size_t> export_from_binary() const;
  Result<size_t> export_from_server() const;
  Result<> push_one(const std::string& file) const;
};

/// The body of POST /api/dashboards/db for what a file holds: a dashboard, an export of one, such
/// a body already, or only its panels (`name` is then the title). What was exported for sharing
/// gets `data_source` where it says ${DS_…}. Error: kBadData.
Result<std::string> wrap_dashboard(std::string_view text, std::string_view name,
                                   const DashboardCommands& command);

}  // namespace strata::app
