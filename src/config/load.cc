#include "config/load.h"

#include "config/glob.h"
#include "config/scrape_files.h"

namespace strata::config {

Result<ParsedConfig> load_config(const std::string& path, Fs& fs, const Environment& environment) {
  const std::string text = TRY(fs.read_file(path));
  ParsedConfig parsed = TRY(parse_config(text, path, environment));
  JobNames names;
  for (const ScrapeConfig& job : parsed.config.scrape_configs) names.emplace(job.job_name, path);
  for (const std::string& pattern : parsed.config.scrape_config_files) {
    for (const std::string& file : glob(fs, pattern)) {
      const std::string jobs = TRY(fs.read_file(file));
      TRY(add_scrape_file(jobs, file, names, parsed));
    }
  }
  return parsed;
}

}  // namespace strata::config
