#include "rules/rule_file.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/utf8.h"
#include "config/decode.h"
#include "config/glob.h"
#include "config/yaml.h"
#include "model/labels.h"
#include "rules/alert_template.h"

namespace strata::rules {

template <class V>
void fields(V& v, RuleSpec& c) {
  v.field("record", c.record);
  v.field("alert", c.alert);
  v.field("expr", c.expr);
  v.field("for", c.hold);
  v.field("keep_firing_for", c.keep_firing_for);
  v.field("labels", c.labels);
  v.field("annotations", c.annotations);
}

template <class V>
void fields(V& v, GroupSpec& c) {
  v.field("name", c.name);
  v.field("interval", c.interval);
  v.field("query_offset", c.query_offset);
  v.field("limit", c.limit);
  v.field("rules", c.rules);
  v.field("labels", c.labels);
}

template <class V>
void fields(V& v, RuleFile& c) {
  v.field("groups", c.groups);
}

namespace {

using config::YamlMark;
using config::YamlNode;

// The checks behind decoding. All problems are kept: whoever mends a file wants to see them at
// once.
class Checker {
 public:
  Checker(std::string_view file, const RuleFileOptions& options) : file_(file), options_(options) {}

  void check(RuleFile& parsed, const YamlNode& root);
  std::vector<std::string> take() { return std::move(problems_); }

 private:
  void check_group(GroupSpec& group, const YamlNode& node);
  void check_rule(RuleSpec& rule, const YamlNode& node);
  void check_expression(RuleSpec& rule, const YamlNode& node);
  void check_recording(const RuleSpec& rule, const YamlNode& node);
  void check_labels(const StringPairs& labels, const YamlNode& node);
  void check_templates(const RuleSpec& rule, const YamlNode& node);
  void problem(YamlMark mark, std::string_view message);
  bool is_label_name(std::string_view name) const {
    if (options_.names == config::NameValidation::kLegacy) return is_classic_label_name(name);
    return !name.empty() && is_utf8(name);
  }

  const std::string_view file_;
  const RuleFileOptions& options_;
  std::string where_;  // "group "g", rule 1, "name": "
  std::vector<std::string> problems_;
};

// Where `key` stands, else where its section does.
YamlMark mark_of(const YamlNode& node, std::string_view key) {
  const auto* entry = node.find(key);
  return entry == nullptr ? node.mark : entry->value.mark;
}

void Checker::problem(YamlMark mark, std::string_view message) {
  problems_.push_back(config::at(file_, mark, where_ + std::string(message)));
}

void Checker::check(RuleFile& parsed, const YamlNode& root) {
  const auto* groups = root.find("groups");
  if (groups == nullptr) return;
  std::set<std::string_view> names;
  for (size_t i = 0; i < parsed.groups.size(); ++i) {
    GroupSpec& group = parsed.groups[i];
    const YamlNode& node = groups->value.items[i];
    if (group.name.empty()) problem(node.mark, "a group needs a name");
    if (!names.insert(group.name).second) {
      problem(mark_of(node, "name"),
              fmt::format("group \"{}\" stands twice in this file", group.name));
    }
    check_group(group, node);
  }
}

void Checker::check_group(GroupSpec& group, const YamlNode& node) {
  where_ = fmt::format("group \"{}\": ", group.name);
  if (const auto* labels = node.find("labels")) check_labels(group.labels, labels->value);
  for (size_t i = 0; i < group.rules.size(); ++i) {
    RuleSpec& rule = group.rules[i];
    where_ = fmt::format("group \"{}\", rule {}, \"{}\": ", group.name, i + 1, rule.name());
    check_rule(rule, node.find("rules")->value.items[i]);
    // A rule's own label wins.
    for (const auto& label : group.labels) {
      if (std::ranges::find(rule.labels, label.first, &StringPairs::value_type::first) ==
          rule.labels.end()) {
        rule.labels.push_back(label);
      }
    }
    std::ranges::sort(rule.labels);
    std::ranges::sort(rule.annotations);
  }
  where_.clear();
}

void Checker::check_rule(RuleSpec& rule, const YamlNode& node) {
  if (!rule.record.empty() && !rule.alert.empty()) {
    problem(mark_of(node, "record"), "only one of `record` and `alert` may be there");
  }
  if (rule.record.empty() && rule.alert.empty()) {
    problem(node.mark, "one of `record` and `alert` must be there");
  }
  check_expression(rule, node);
  if (!rule.record.empty()) check_recording(rule, node);
  if (const auto* labels = node.find("labels")) check_labels(rule.labels, labels->value);
  if (const auto* annotations = node.find("annotations")) {
    for (const auto& entry : annotations->value.entries) {
      if (is_label_name(entry.key)) continue;
      problem(entry.key_mark, fmt::format("\"{}\" is not a valid annotation name", entry.key));
    }
  }
  if (rule.is_alert()) check_templates(rule, node);
}

void Checker::check_expression(RuleSpec& rule, const YamlNode& node) {
  if (rule.expr.empty()) return problem(mark_of(node, "expr"), "`expr` must be there");
  auto parsed = promql::parse(rule.expr, options_.syntax);
  if (!parsed) {
    return problem(mark_of(node, "expr"), "could not parse expression: " + parsed.error().message);
  }
  rule.parsed = std::move(*parsed);
}

void Checker::check_recording(const RuleSpec& rule, const YamlNode& node) {
  if (!rule.annotations.empty()) {
    problem(mark_of(node, "annotations"), "a recording rule has no `annotations`");
  }
  if (rule.hold.count() != 0) problem(mark_of(node, "for"), "a recording rule has no `for`");
  if (rule.keep_firing_for.count() != 0) {
    problem(mark_of(node, "keep_firing_for"), "a recording rule has no `keep_firing_for`");
  }
  const bool legacy = options_.names == config::NameValidation::kLegacy;
  if (legacy ? !is_classic_metric_name(rule.record) : !is_utf8(rule.record)) {
    problem(mark_of(node, "record"),
            fmt::format("\"{}\" is not a valid name of a metric", rule.record));
  } else if (rule.record.find_first_of("{}") != std::string::npos) {
    problem(mark_of(node, "record"),
            fmt::format("\"{}\" has braces; labels go into `labels`", rule.record));
  }
}

void Checker::check_labels(const StringPairs& labels, const YamlNode& node) {
  for (const auto& entry : node.entries) {
    if (!is_label_name(entry.key) || entry.key == kMetricName) {
      problem(entry.key_mark, fmt::format("\"{}\" is not a valid label name", entry.key));
    }
  }
  for (const auto& [name, value] : labels) {
    if (!is_utf8(value)) {
      problem(node.mark, fmt::format("the value of label \"{}\" is not UTF-8", name));
    }
  }
}

void Checker::check_templates(const RuleSpec& rule, const YamlNode& node) {
  const auto check = [&](const StringPairs& texts, std::string_view key, std::string_view what) {
    for (const auto& [name, text] : texts) {
      const auto parsed = AlertTemplate::parse(rule.alert, text);
      if (parsed) continue;
      const YamlNode& section = node.find(key)->value;
      problem(mark_of(section, name),
              fmt::format("{} \"{}\": {}", what, name, parsed.error().message));
    }
  };
  check(rule.labels, "labels", "label");
  check(rule.annotations, "annotations", "annotation");
}

struct Checked {
  RuleFile file;
  std::vector<std::string> problems;
};

// Without the keys that are unknown, on any level that rule files have.
void drop_unknown(YamlNode& node, std::string_view level) {
  static const std::map<std::string_view, std::vector<std::string_view>> kKnown = {
      {"file", {"groups"}},
      {"group", {"name", "interval", "query_offset", "limit", "rules", "labels"}},
      {"rule", {"record", "alert", "expr", "for", "keep_firing_for", "labels", "annotations"}}};
  const auto& known = kKnown.at(level);
  std::erase_if(node.entries, [&](const config::YamlEntry& entry) {
    return std::ranges::find(known, entry.key) == known.end();
  });
  if (level == "rule") return;
  for (auto& entry : node.entries) {
    if (entry.key != "groups" && entry.key != "rules") continue;
    for (YamlNode& item : entry.value.items) {
      drop_unknown(item, entry.key == "groups" ? "group" : "rule");
    }
  }
}

Result<Checked> check_file(std::string_view text, std::string_view file_name,
                           const RuleFileOptions& options) {
  std::optional<YamlMark> second;
  YamlNode root = TRY(config::parse_yaml(text, file_name, {}, &second));
  Checked checked;
  checked.file.path = std::string(file_name);
  if (second) {
    checked.file.warnings.push_back(config::at(
        file_name, *second, "a second document starts here; only the first one is read"));
  }
  if (config::is_null(root)) return checked;
  if (options.ignore_unknown_fields) drop_unknown(root, "file");
  config::Decoder decoder{std::string(file_name)};
  decode(decoder, "the file", root, checked.file);
  TRY(decoder.result());
  Checker checker(file_name, options);
  checker.check(checked.file, root);
  checked.problems = checker.take();
  return checked;
}

}  // namespace

Result<RuleFile> parse_rule_file(std::string_view text, std::string_view file_name,
                                 const RuleFileOptions& options) {
  Checked checked = TRY(check_file(text, file_name, options));
  if (!checked.problems.empty()) return bad_data(checked.problems.front());
  return std::move(checked.file);
}

std::vector<std::string> problems_of(std::string_view text, std::string_view file_name,
                                     const RuleFileOptions& options) {
  auto checked = check_file(text, file_name, options);
  if (!checked) return {checked.error().message};
  return std::move(checked->problems);
}

Result<std::vector<RuleFile>> load_rule_files(const std::vector<std::string>& patterns, Fs& fs,
                                              const RuleFileOptions& options) {
  std::vector<RuleFile> files;
  std::set<std::string> seen;
  for (const std::string& pattern : patterns) {
    for (const std::string& path : config::glob(fs, pattern)) {
      if (!seen.insert(path).second) continue;
      const std::string text = TRY(fs.read_file(path));
      files.push_back(TRY(parse_rule_file(text, path, options)));
    }
  }
  return files;
}

std::vector<std::string> duplicate_rules(const std::vector<RuleFile>& files) {
  std::set<std::pair<std::string, StringPairs>> seen;
  std::vector<std::string> found;
  for (const RuleFile& file : files) {
    for (const GroupSpec& group : file.groups) {
      for (const RuleSpec& rule : group.rules) {
        if (seen.emplace(rule.name(), rule.labels).second) continue;
        found.push_back(fmt::format("{}: {} in group {}", file.path, rule.name(), group.name));
      }
    }
  }
  return found;
}

}  // namespace strata::rules
