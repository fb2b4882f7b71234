// Text to Config: decode, check, take over from `global`, resolve paths, warn.
#include <map>

#include "config/environment.h"
#include "config/fields.h"
#include "config/glob.h"
#include "config/http_section.h"
#include "config/load.h"
#include "config/scrape_files.h"
#include "config/validate.h"

namespace strata::config {
namespace {

const YamlNode& item_of(const YamlNode& root, std::string_view key, size_t i) {
  return root.find(key)->value.items[i];
}

void check_patterns(Decoder& d, const YamlNode& root, std::string_view key,
                    const std::vector<std::string>& patterns) {
  for (size_t i = 0; i < patterns.size(); ++i) {
    if (star_only_in_last_component(patterns[i])) continue;
    d.fail(item_of(root, key, i).mark,
           fmt::format("{}: \"{}\" has a * before its last path component", key, patterns[i]));
  }
}

void check_alerting(Decoder& d, const YamlNode& root, AlertingConfig& c, NameValidation names) {
  const YamlEntry* entry = root.find("alerting");
  if (entry == nullptr) return;
  const YamlNode& alerting = entry->value;
  check_relabeling(d, alerting, "alert_relabel_configs", c.alert_relabel_configs, names);
  for (size_t i = 0; i < c.alertmanagers.size(); ++i) {
    const YamlNode& node = item_of(alerting, "alertmanagers", i);
    check_relabeling(d, node, "relabel_configs", c.alertmanagers[i].relabel_configs, names);
    check_relabeling(d, node, "alert_relabel_configs", c.alertmanagers[i].alert_relabel_configs,
                     names);
  }
}

/// Two endpoints of one name.
template <class T>
void check_unique_names(Decoder& d, const YamlNode& root, std::string_view key,
                        const std::vector<T>& endpoints) {
  std::map<std::string_view, size_t> seen;
  for (size_t i = 0; i < endpoints.size(); ++i) {
    if (endpoints[i].name.empty() || seen.emplace(endpoints[i].name, i).second) continue;
    d.fail(mark_of(item_of(root, key, i), "name"),
           fmt::format("{} names {} twice", key, endpoints[i].name));
  }
}

void check_remote(Decoder& d, const YamlNode& root, Config& c) {
  check_unique_names(d, root, "remote_write", c.remote_write);
  check_unique_names(d, root, "remote_read", c.remote_read);
  for (size_t i = 0; i < c.remote_write.size(); ++i) {
    check_relabeling(d, item_of(root, "remote_write", i), "write_relabel_configs",
                     c.remote_write[i].write_relabel_configs,
                     c.global.metric_name_validation_scheme);
  }
}

void check_otlp(Decoder& d, const YamlNode& root, const Config& c) {
  if (!c.otlp || c.global.metric_name_validation_scheme != NameValidation::kLegacy) return;
  const std::string& strategy = c.otlp->translation_strategy;
  if (strategy != "NoTranslation" && strategy != "NoUTF8EscapingWithSuffixes") return;
  d.fail(mark_of(root.find("otlp")->value, "translation_strategy"),
         fmt::format("translation_strategy {} needs metric_name_validation_scheme utf8", strategy));
}

void expand_external_labels(Decoder& d, const YamlNode& root, GlobalConfig& c,
                            const Environment& environment) {
  LabelsBuilder expanded;
  for (const Label& label : c.external_labels) {
    std::vector<std::string> missing;
    expanded.set(label.name, expand_environment(label.value, environment, missing));
    const YamlNode& labels = root.find("global")->value.find("external_labels")->value;
    for (const std::string& name : missing) {
      d.warn(mark_of(labels, label.name),
             fmt::format("external_labels: environment variable {} is empty", name));
    }
  }
  c.external_labels = expanded.build();
}

/// Warns of each of `keys` that is given, and is not simply turned off.
void warn_ignored(Decoder& d, const YamlNode& node, std::string_view where,
                  std::span<const std::string_view> keys) {
  for (const std::string_view key : keys) {
    const YamlEntry* entry = node.find(key);
    if (!is_given(node, key) || as_bool(entry->value) == false) continue;
    d.warn(entry->key_mark, fmt::format("{}{}: not supported yet; ignored", where, key));
  }
}

void warn_unused(Decoder& d, const YamlNode& root) {
  static constexpr std::string_view kSections[] = {"runtime", "tracing", "otlp"};
  static constexpr std::string_view kGlobals[] = {"query_log_file", "scrape_failure_log_file"};
  static constexpr std::string_view kStore[] = {"out_of_order_time_window",
                                                "stale_series_compaction_threshold",
                                                "chunk_encoding", "retention"};
  warn_ignored(d, root, "", kSections);
  if (const YamlEntry* global = root.find("global")) warn_ignored(d, global->value, "", kGlobals);
  const YamlEntry* storage = root.find("storage");
  const YamlEntry* store = storage == nullptr ? nullptr : storage->value.find("tsdb");
  if (store != nullptr) warn_ignored(d, store->value, "storage: tsdb: ", kStore);
}

void warn_unused(Decoder& d, const YamlNode& node, const ScrapeConfig& job) {
  static constexpr std::string_view kKeys[] = {"scrape_failure_log_file"};
  const std::string where = fmt::format("job {}: ", job.job_name);
  warn_ignored(d, node, where, kKeys);
  const bool other_grant = job.http.oauth2 && !job.http.oauth2->grant_type.empty() &&
                           job.http.oauth2->grant_type != "client_credentials";
  if (!other_grant) return;
  d.warn(mark_of(node.find("oauth2")->value, "grant_type"),
         fmt::format("{}oauth2: grant_type {}: not supported yet; its scrapes fail", where,
                     job.http.oauth2->grant_type));
}

void resolve(const std::string& dir, std::string& path) { path = join_path(dir, path); }

void resolve(const std::string& dir, DiscoveryConfigs& c) {
  for (FileSdConfig& sd : c.file_sd_configs) {
    for (std::string& file : sd.files) resolve(dir, file);
  }
  for (HttpSdConfig& sd : c.http_sd_configs) resolve_paths(dir, sd.http);
  for (KubernetesSdConfig& sd : c.kubernetes_sd_configs) {
    resolve_paths(dir, sd.http);
    resolve(dir, sd.kubeconfig_file);
  }
}

void resolve(const std::string& dir, Config& c) {
  resolve(dir, c.global.query_log_file);
  resolve(dir, c.global.scrape_failure_log_file);
  for (std::string& file : c.rule_files) resolve(dir, file);
  for (std::string& file : c.scrape_config_files) resolve(dir, file);
  for (AlertmanagerConfig& am : c.alerting.alertmanagers) {
    resolve_paths(dir, am.http);
    resolve(dir, am.discovery);
  }
  for (RemoteWriteConfig& remote : c.remote_write) resolve_paths(dir, remote.http);
  for (RemoteReadConfig& remote : c.remote_read) resolve_paths(dir, remote.http);
  if (c.tracing) resolve_paths(dir, c.tracing->tls_config);
}

/// What a file of scrape_config_files may hold.
struct ScrapeFile {
  std::vector<ScrapeConfig> scrape_configs;
};

template <class V>
void fields(V& v, ScrapeFile& c) {
  v.field("scrape_configs", c.scrape_configs);
}

/// Globals, uniqueness, warnings and paths of the jobs that were decoded from `root`.
void finish_jobs(Decoder& d, const YamlNode& root, std::vector<ScrapeConfig>& jobs,
                 const GlobalConfig& global, JobNames& names) {
  const std::string dir = directory_of(d.file_name());
  for (size_t i = 0; i < jobs.size(); ++i) {
    const YamlNode& node = item_of(root, "scrape_configs", i);
    apply_global(d, node, jobs[i], global);
    const auto [first, fresh] = names.emplace(jobs[i].job_name, d.file_name());
    if (!fresh) {
      d.fail(mark_of(node, "job_name"),
             fmt::format("job_name {} is taken already (in {})", jobs[i].job_name, first->second));
    }
    warn_unused(d, node, jobs[i]);
    resolve_paths(dir, jobs[i].http);
    resolve(dir, jobs[i].discovery);
    resolve(dir, jobs[i].scrape_failure_log_file);
  }
}

}  // namespace

Result<ParsedConfig> parse_config(std::string_view text, std::string_view file_name,
                                  const Environment& environment) {
  const YamlNode root = TRY(parse_yaml(text, file_name));
  ParsedConfig parsed;
  Config& c = parsed.config;
  if (is_null(root)) return parsed;

  Decoder d{std::string(file_name)};
  decode(d, "", root, c);
  TRY(d.result());
  check_patterns(d, root, "rule_files", c.rule_files);
  check_patterns(d, root, "scrape_config_files", c.scrape_config_files);
  JobNames names;
  resolve(directory_of(file_name), c);
  finish_jobs(d, root, c.scrape_configs, c.global, names);
  check_alerting(d, root, c.alerting, c.global.metric_name_validation_scheme);
  check_remote(d, root, c);
  check_otlp(d, root, c);
  expand_external_labels(d, root, c.global, environment);
  warn_unused(d, root);
  TRY(d.result());
  c.own_scrape_configs = c.scrape_configs.size();
  parsed.warnings = d.warnings();
  return parsed;
}

Result<std::vector<StaticConfig>> parse_target_file(std::string_view text,
                                                    std::string_view file_name) {
  const YamlNode root = TRY(parse_yaml(text, file_name));
  std::vector<StaticConfig> groups;
  if (is_null(root)) return groups;
  Decoder d{std::string(file_name)};
  decode(d, "", root, groups);
  TRY(d.result());
  return groups;
}

Result<> add_scrape_file(std::string_view text, const std::string& path, JobNames& names,
                         ParsedConfig& parsed) {
  const YamlNode root = TRY(parse_yaml(text, path));
  if (is_null(root)) return {};
  Decoder d{path};
  ScrapeFile file;
  decode(d, "", root, file);
  TRY(d.result());
  finish_jobs(d, root, file.scrape_configs, parsed.config.global, names);
  TRY(d.result());
  for (ScrapeConfig& job : file.scrape_configs) {
    parsed.config.scrape_configs.push_back(std::move(job));
  }
  for (std::string& warning : d.warnings()) parsed.warnings.push_back(std::move(warning));
  return {};
}

}  // namespace strata::config
