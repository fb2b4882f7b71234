// `global`, scrape jobs and relabelling: one part of validate.h.
#include "config/validate.h"

#include <algorithm>

#include "base/utf8.h"
#include "config/fields.h"

namespace strata::config {
namespace {

/// A label name with $references in it: what a replace rule may write to under legacy names.
bool is_legacy_template(std::string_view text) {
  static const Result<Regex> kPattern =
      Regex::compile(R"((?:(?:[a-zA-Z_]|\$(?:\{\w+\}|\w+))+\w*)+)");
  return kPattern && kPattern->full_match(text);
}

bool is_name_or_template(NameValidation validation, std::string_view text) {
  return validation == NameValidation::kUtf8 ? is_label_name(validation, text)
                                             : is_legacy_template(text);
}

bool needs_target_label(RelabelAction action) {
  switch (action) {
    case RelabelAction::kReplace:
    case RelabelAction::kHashMod:
    case RelabelAction::kLowercase:
    case RelabelAction::kUppercase:
    case RelabelAction::kKeepEqual:
    case RelabelAction::kDropEqual: return true;
    default: return false;
  }
}

/// Fails for each key of the rule that is not one of `allowed`; values as by default are welcome,
/// but for a regex.
void check_only(Decoder& d, const YamlNode& node, const RelabelConfig& rule,
                std::initializer_list<std::string_view> allowed) {
  const RelabelConfig fresh;
  const auto fail_if = [&](std::string_view key, bool set) {
    if (!set || std::ranges::find(allowed, key) != allowed.end()) return;
    d.fail(mark_of(node, key), fmt::format("{} has no use for {}: it takes {} only",
                                           to_string(rule.action), key, joined(allowed, " and ")));
  };
  fail_if("source_labels", node.find("source_labels") != nullptr);
  fail_if("regex", node.find("regex") != nullptr);
  fail_if("target_label", rule.target_label != fresh.target_label);
  fail_if("modulus", rule.modulus != fresh.modulus);
  fail_if("separator", rule.separator != fresh.separator);
  fail_if("replacement", rule.replacement != fresh.replacement);
}

void check_target_label(Decoder& d, const YamlNode& node, const RelabelConfig& rule) {
  const bool is_template =
      rule.action == RelabelAction::kReplace && rule.target_label.find('$') != std::string::npos;
  const bool valid = is_template ? is_name_or_template(rule.name_validation, rule.target_label)
                                 : is_label_name(rule.name_validation, rule.target_label);
  if (valid) return;
  d.fail(mark_of(node, "target_label"),
         fmt::format("\"{}\" is not a label name that {} can write to", rule.target_label,
                     to_string(rule.action)));
}

void check_rule(Decoder& d, const YamlNode& node, RelabelConfig& rule) {
  const YamlEntry* action = node.find("action");
  if (action != nullptr && is_null(action->value)) {
    return d.fail(action->key_mark, "a relabelling rule's action is empty");
  }
  if (rule.action == RelabelAction::kHashMod && rule.modulus == 0) {
    return d.fail(mark_of(node, "modulus"), "hashmod needs a modulus above 0");
  }
  if (needs_target_label(rule.action)) {
    if (rule.target_label.empty()) {
      return d.fail(mark_of(node, "target_label"),
                    fmt::format("{} needs target_label", to_string(rule.action)));
    }
    check_target_label(d, node, rule);
  }
  for (const std::string& label : rule.source_labels) {
    if (is_label_name(NameValidation::kUtf8, label)) continue;
    d.fail(mark_of(node, "source_labels"), "source_labels: a label name is not empty and is UTF-8");
  }
  switch (rule.action) {
    case RelabelAction::kLowercase:
    case RelabelAction::kUppercase:
      if (rule.replacement != RelabelConfig().replacement) {
        d.fail(mark_of(node, "replacement"),
               fmt::format("{} takes no replacement", to_string(rule.action)));
      }
      break;
    case RelabelAction::kKeepEqual:
    case RelabelAction::kDropEqual:
      check_only(d, node, rule, {"source_labels", "target_label"});
      break;
    case RelabelAction::kLabelDrop:
    case RelabelAction::kLabelKeep: check_only(d, node, rule, {"regex"}); break;
    case RelabelAction::kLabelMap:
      if (!is_name_or_template(rule.name_validation, rule.replacement)) {
        d.fail(
            mark_of(node, "replacement"),
            fmt::format("\"{}\" is not a label name that labelmap can write to", rule.replacement));
      }
      break;
    default: break;
  }
}

void check_protocols(Decoder& d, const YamlNode& node) {
  const YamlEntry* entry = node.find("scrape_protocols");
  if (entry == nullptr || is_null(entry->value)) return;
  if (entry->value.items.empty()) {
    d.fail(entry->value.mark, "scrape_protocols lists at least one protocol");
  }
  const std::vector<YamlNode>& items = entry->value.items;
  for (size_t i = 0; i < items.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (items[i].text != items[j].text) continue;
      d.fail(items[i].mark, fmt::format("scrape_protocols names {} twice", items[i].text));
    }
  }
}

void check_scheme(Decoder& d, const YamlNode& node, const ScrapeConfig& c) {
  if (c.scheme != "http" && c.scheme != "https" && !c.scheme.empty()) {
    d.fail(mark_of(node, "scheme"), fmt::format("scheme is http or https, not \"{}\"", c.scheme));
  }
}

template <class T>
void take_over(T& own, const T& global) {
  if (own == T{}) own = global;
}

void take_over(const YamlNode& node, std::string_view key, bool& own, bool global) {
  if (!is_given(node, key)) own = global;
}

void apply_name_schemes(Decoder& d, const YamlNode& node, ScrapeConfig& job,
                        const GlobalConfig& global) {
  const bool own_validation = is_given(node, "metric_name_validation_scheme");
  if (!own_validation) job.metric_name_validation_scheme = global.metric_name_validation_scheme;
  if (!is_given(node, "metric_name_escaping_scheme")) {
    // A job that only asks for legacy names must not inherit UTF-8 escaping.
    const bool legacy = job.metric_name_validation_scheme == NameValidation::kLegacy;
    job.metric_name_escaping_scheme =
        !own_validation ? global.metric_name_escaping_scheme
                        : (legacy ? NameEscaping::kUnderscores : NameEscaping::kAllowUtf8);
  }
  if (job.metric_name_escaping_scheme == NameEscaping::kAllowUtf8 &&
      job.metric_name_validation_scheme == NameValidation::kLegacy) {
    d.fail(mark_of(node, "metric_name_escaping_scheme"),
           fmt::format("job {}: escaping allow-utf-8 needs metric_name_validation_scheme utf8",
                       job.job_name));
  }
}

void apply_limits(const YamlNode& node, ScrapeConfig& job, const GlobalConfig& global) {
  take_over(job.body_size_limit, global.body_size_limit);
  take_over(job.sample_limit, global.sample_limit);
  take_over(job.target_limit, global.target_limit);
  take_over(job.label_limit, global.label_limit);
  take_over(job.label_name_length_limit, global.label_name_length_limit);
  take_over(job.label_value_length_limit, global.label_value_length_limit);
  take_over(job.keep_dropped_targets, global.keep_dropped_targets);
  take_over(job.scrape_failure_log_file, global.scrape_failure_log_file);
  take_over(node, "scrape_native_histograms", job.scrape_native_histograms,
            global.scrape_native_histograms);
  take_over(node, "convert_classic_histograms_to_nhcb", job.convert_classic_histograms_to_nhcb,
            global.convert_classic_histograms_to_nhcb);
  take_over(node, "always_scrape_classic_histograms", job.always_scrape_classic_histograms,
            global.always_scrape_classic_histograms);
  take_over(node, "extra_scrape_metrics", job.extra_scrape_metrics, global.extra_scrape_metrics);
}

}  // namespace

void check_static_targets(Decoder& d, const YamlNode& node, bool has_relabeling) {
  const YamlEntry* configs = node.find("static_configs");
  if (configs == nullptr || has_relabeling) return;
  for (const YamlNode& group : configs->value.items) {
    const YamlEntry* targets = group.find("targets");
    if (targets == nullptr) continue;
    for (const YamlNode& target : targets->value.items) {
      if (target.text.find('/') == std::string::npos) continue;
      d.fail(target.mark,
             fmt::format("\"{}\" is not a target: write host:port here, and scheme and path "
                         "beside it",
                         target.text));
    }
  }
}

void check(Decoder& d, const YamlNode& node, GlobalConfig& c) {
  if (!is_given(node, "metric_name_escaping_scheme") &&
      c.metric_name_validation_scheme == NameValidation::kLegacy) {
    c.metric_name_escaping_scheme = NameEscaping::kUnderscores;
  }
  if (const YamlEntry* labels = node.find("external_labels")) {
    for (const YamlEntry& label : labels->value.entries) {
      if (is_label_name(c.metric_name_validation_scheme, label.key)) continue;
      d.fail(label.key_mark, fmt::format("external_labels: \"{}\" is not a label name", label.key));
    }
  }
  const GlobalConfig fresh;
  take_over(c.scrape_interval, fresh.scrape_interval);
  take_over(c.evaluation_interval, fresh.evaluation_interval);
  if (!is_given(node, "scrape_timeout") || c.scrape_timeout == Millis{0}) {
    c.scrape_timeout = std::min(fresh.scrape_timeout, c.scrape_interval);
  }
  if (c.scrape_timeout > c.scrape_interval) {
    d.fail(mark_of(node, "scrape_timeout"),
           fmt::format("scrape_timeout {} is longer than scrape_interval {}",
                       format_duration(c.scrape_timeout), format_duration(c.scrape_interval)));
  }
  check_protocols(d, node);
}

void check(Decoder& d, const YamlNode& node, ScrapeConfig& c) {
  if (c.job_name.empty()) d.fail(mark_of(node, "job_name"), "a scrape config needs a job_name");
  check_http_client(d, node, c.http);
  check_static_targets(d, node, !c.relabel_configs.empty());
  check_scheme(d, node, c);
  check_protocols(d, node);
}

void check_relabeling(Decoder& d, const YamlNode& node, std::string_view key,
                      std::vector<RelabelConfig>& rules, NameValidation validation) {
  const YamlEntry* list = node.find(key);
  if (list == nullptr) return;
  for (size_t i = 0; i < rules.size(); ++i) {
    rules[i].name_validation = validation;
    check_rule(d, list->value.items[i], rules[i]);
  }
}

void apply_global(Decoder& d, const YamlNode& node, ScrapeConfig& job, const GlobalConfig& global) {
  const bool own_interval = is_given(node, "scrape_interval") && job.scrape_interval != Millis{0};
  if (!own_interval) job.scrape_interval = global.scrape_interval;
  const bool own_timeout = is_given(node, "scrape_timeout") && job.scrape_timeout != Millis{0};
  if (!own_timeout) job.scrape_timeout = std::min(global.scrape_timeout, job.scrape_interval);
  if (job.scrape_timeout > job.scrape_interval) {
    d.fail(mark_of(node, "scrape_timeout"),
           fmt::format("job {}: scrape_timeout {} is longer than scrape_interval {}", job.job_name,
                       format_duration(job.scrape_timeout), format_duration(job.scrape_interval)));
  }
  apply_limits(node, job, global);
  if (!is_given(node, "scrape_protocols")) {
    job.scrape_protocols = global.scrape_protocols.empty()
                               ? default_scrape_protocols(job.scrape_native_histograms)
                               : global.scrape_protocols;
  }
  apply_name_schemes(d, node, job, global);
  check_relabeling(d, node, "relabel_configs", job.relabel_configs,
                   job.metric_name_validation_scheme);
  check_relabeling(d, node, "metric_relabel_configs", job.metric_relabel_configs,
                   job.metric_name_validation_scheme);
}

}  // namespace strata::config
