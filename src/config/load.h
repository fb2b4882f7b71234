// prometheus.yml from text or disk to a Config: all of it or an error. An error names the place as
// file:line:column and, for an unknown key, the key that was probably meant. Pure functions: files
// and environment come in as arguments.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fs.h"
#include "base/result.h"
#include "config/config.h"

namespace strata::config {

/// The value of an environment variable, or nothing when it is not set.
using Environment = std::function<std::optional<std::string>(std::string_view name)>;
std::optional<std::string> process_environment(std::string_view name);

struct ParsedConfig {
  Config config;
  /// What is valid but has no effect here ("remote_write: not supported yet; ignored"), with its
  /// place: to be shown to the person who wrote the file.
  std::vector<std::string> warnings;
};

/// `file_name` stands in messages, and relative paths are joined to its directory.
/// scrape_config_files are not read. Errors: kBadData; kLimit for a file that is too large, too
/// deep, or whose aliases expand too far (yaml.h).
Result<ParsedConfig> parse_config(std::string_view text, std::string_view file_name,
                                  const Environment& environment = process_environment);

/// parse_config() of a file, then of all that scrape_config_files names. Errors: those, and the
/// file system's (kNotFound, kIo).
Result<ParsedConfig> load_config(const std::string& path, Fs& fs,
                                 const Environment& environment = process_environment);

/// The list of target groups in a file that file_sd_configs names, YAML or JSON. Errors: as above.
Result<std::vector<StaticConfig>> parse_target_file(std::string_view text,
                                                    std::string_view file_name);

}  // namespace strata::config
