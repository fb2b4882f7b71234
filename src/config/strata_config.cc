#include "config/strata_config.h"

#include <set>

#include "config/fields.h"
#include "config/gateway_fields.h"
#include "config/glob.h"
#include "config/http_section.h"
#include "config/oncall_fields.h"
#include "config/probe_fields.h"
#include "config/url.h"
#include "config/validate.h"

namespace strata::config {

template <>
struct EnumNames<GuardMode> {
  static constexpr std::array<std::pair<std::string_view, GuardMode>, 4> kNames = {
      {{"off", GuardMode::kOff},
       {"report", GuardMode::kReport},
       {"drop", GuardMode::kDrop},
       {"fold", GuardMode::kFold}}};
};

std::string_view to_string(GuardMode mode) { return name_of(mode); }

const GuardRules& GuardConfig::of(std::string_view job) const {
  for (const auto& one : jobs) {
    if (one.job_name == job) return one.rules;
  }
  return rules;
}

const CatalogRules& CatalogConfig::of(std::string_view job) const {
  for (const auto& one : jobs) {
    if (one.job_name == job) return one.rules;
  }
  return rules;
}

template <class V>
void fields(V& v, CatalogRules& c) {
  v.field("translate", c.translate);
  v.field("keep_raw", c.keep_raw);
}

template <class V>
void fields(V& v, CatalogJob& c) {
  v.field("job_name", c.job_name);
  fields(v, c.rules);
}

template <class V>
void fields(V& v, CatalogConfig& c) {
  fields(v, c.rules);
  v.field("files", c.files);
  v.opaque("jobs");  // decoded by check(): they begin with the rules above
}

// `jobs` of a section: each begins with the section's own rules and has a name of its own.
template <class Job, class Rules>
void decode_jobs(Decoder& d, const YamlNode& node, const Rules& rules, std::vector<Job>& out) {
  const YamlEntry* jobs = node.find("jobs");
  if (jobs == nullptr || is_null(jobs->value)) return;
  if (jobs->value.kind != YamlNode::Kind::kSequence) {
    return d.mismatch("jobs", jobs->value, "a list");
  }
  std::set<std::string> names;
  for (const YamlNode& item : jobs->value.items) {
    Job& job = out.emplace_back(Job{.job_name = {}, .rules = rules});
    decode(d, "jobs", item, job);
    if (d.failed()) return;
    if (job.job_name.empty()) d.fail(item.mark, "job_name is missing");
    if (!names.insert(job.job_name).second) {
      d.fail(mark_of(item, "job_name"), fmt::format("jobs names {} twice", job.job_name));
    }
  }
}

void check(Decoder& d, const YamlNode& node, CatalogConfig& c) {
  for (auto& file : c.files) file = join_path(directory_of(d.file_name()), file);
  decode_jobs(d, node, c.rules, c.jobs);
}

template <class V>
void fields(V& v, GuardRules& c) {
  v.field("mode", c.mode);
  v.field("max_series", c.max_series);
  v.field("new_values", c.new_values);
  v.field("exempt_labels", c.exempt_labels);
}

template <class V>
void fields(V& v, GuardJob& c) {
  v.field("job_name", c.job_name);
  fields(v, c.rules);
}

template <class V>
void fields(V& v, GuardConfig& c) {
  fields(v, c.rules);
  v.field("max_total_series", c.max_total_series);
  v.field("window", c.window);
  v.opaque("jobs");  // decoded by check(): they begin with the rules above
}

void check(Decoder& d, const YamlNode& node, GuardConfig& c) {
  constexpr Millis kMinWindow{1'000};
  if (c.window < kMinWindow) d.fail(mark_of(node, "window"), "window: at least 1s");
  if (c.rules.new_values == 0) d.fail(mark_of(node, "new_values"), "new_values: at least 1");
  decode_jobs(d, node, c.rules, c.jobs);
  if (d.failed()) return;
  const YamlEntry* jobs = node.find("jobs");
  for (size_t i = 0; i < c.jobs.size(); ++i) {
    if (c.jobs[i].rules.new_values > 0) continue;
    d.fail(mark_of(jobs->value.items[i], "new_values"), "new_values: at least 1");
  }
}

template <class V>
void fields(V& v, RetentionRule& c) {
  v.field("match", c.match);
  v.field("keep", c.keep);
}

void check(Decoder& d, const YamlNode& node, RetentionRule& c) {
  constexpr size_t kMaxMatch = 16 << 10;
  if (c.match.empty()) return d.fail(node.mark, "match is missing: a selector of series");
  const YamlMark mark = mark_of(node, "match");
  if (c.match.size() > kMaxMatch) d.fail(mark, "match is longer than 16 KiB");
  if (node.find("keep") == nullptr) d.fail(node.mark, "keep is missing: a duration, 0 for ever");
  c.place = fmt::format("{}:{}:{}", d.file_name(), mark.line, mark.column);
}

template <class V>
void fields(V& v, StoreConfig& c) {
  v.field("retention", c.retention);
}

void check(Decoder& d, const YamlNode& node, StoreConfig& c) {
  constexpr size_t kMaxRules = 100;  // each is asked about every series that is read
  if (c.retention.size() > kMaxRules) {
    d.fail(mark_of(node, "retention"), fmt::format("more than {} rules of retention", kMaxRules));
  }
}

template <class V>
void fields(V& v, DashboardsConfig& c) {
  v.field("folder", c.folder);
}

void check(Decoder& d, const YamlNode&, DashboardsConfig& c) {
  if (!c.folder.empty()) c.folder = join_path(directory_of(d.file_name()), c.folder);
}

template <class V>
void fields(V& v, RulesConfig& c) {
  v.field("on_scrape", c.on_scrape);
}

void check(Decoder& d, const YamlNode& node, RulesConfig& c) {
  constexpr size_t kMaxGroups = 20;  // each runs up to once a second
  if (c.on_scrape.size() > kMaxGroups) {
    d.fail(mark_of(node, "on_scrape"), fmt::format("on_scrape: more than {} groups", kMaxGroups));
  }
}

template <class V>
void fields(V& v, QueryBackendConfig& c) {
  v.field("url", c.url);
  v.field("timeout", c.timeout);
  fields(v, c.http);
}

void check(Decoder& d, const YamlNode& node, QueryBackendConfig& c) {
  check_http_client(d, node, c.http);
  if (d.failed()) return;
  if (c.url.empty()) return d.fail(node.mark, "query.backend: url is missing");
  if (c.timeout.count() <= 0) d.fail(mark_of(node, "timeout"), "timeout: more than 0");
}

template <class V>
void fields(V& v, QueryConfig& c) {
  v.field("backend", c.backend);
}

template <class V>
void fields(V& v, StrataConfig& c) {
  v.field("catalog", c.catalog);
  v.field("dashboards", c.dashboards);
  v.field("guard", c.guard);
  v.field("storage", c.storage);
  v.field("gateway", c.gateway);
  v.section("probes", [&](auto& modules) { modules.named(c.probes); });
  v.field("oncall", c.oncall);
  v.field("query", c.query);
  v.field("rules", c.rules);
  v.opaque("receivers");
}

Result<StrataConfig> parse_strata_config(std::string_view text, std::string_view file_name) {
  const YamlNode root = TRY(parse_yaml(text, file_name));
  StrataConfig out;
  if (is_null(root)) return out;
  Decoder d{std::string(file_name)};
  decode(d, "", root, out);
  TRY(d.result());
  if (const YamlEntry* receivers = root.find("receivers")) out.receivers = receivers->value;
  for (auto& module : out.probes) resolve_paths(directory_of(file_name), module);
  resolve_paths(directory_of(file_name), out.query.backend.http);
  for (auto& ping : out.oncall.dead_mans_switch) resolve_paths(directory_of(file_name), ping.http);
  return out;
}

Result<StrataConfig> load_strata_config(const std::string& path, Fs& fs) {
  if (path.empty()) return StrataConfig();
  const std::string text = TRY(fs.read_file(path));
  return parse_strata_config(text, path);
}

}  // namespace strata::config
