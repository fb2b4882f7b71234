// The step from a parsed main file to the files of scrape_config_files. Private to config/.
#pragma once
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "config/load.h"

namespace strata::config {

/// Job names and the file each was first seen in.
using JobNames = std::map<std::string, std::string, std::less<>>;

/// Appends the jobs of one such file to parsed.config, which has its `global` already.
Result<> add_scrape_file(std::string_view text, const std::string& path, JobNames& names,
                         ParsedConfig& parsed);

}  // namespace strata::config
