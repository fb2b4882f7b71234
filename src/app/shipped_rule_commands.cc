// strata rules list|show|export.
#include <cstdio>

#include "app/rule_commands.h"
#include "base/fs.h"
#include "rules/shipped.h"

namespace strata::app {
namespace {

int failed(const Error& error) {
  fmt::print(stderr, "strata: {}\n", error.message);
  return 1;
}

std::string_view value_of(const rules::StringPairs& pairs, std::string_view name) {
  for (const auto& [key, value] : pairs) {
    if (key == name) return value;
  }
  return "";
}

void print_rule(const rules::RuleFile& file, const rules::GroupSpec& group,
                const rules::RuleSpec& rule) {
  fmt::print("{} ({}), group {} of {}\n", rule.alert, value_of(rule.labels, "severity"), group.name,
             file.path);
  fmt::print("  for: {}, keep_firing_for: {}\n", format_duration(rule.hold),
             format_duration(rule.keep_firing_for));
  std::string expr = "  " + rule.expr;
  for (size_t at = 0; (at = expr.find('\n', at)) != std::string::npos; ++at) {
    if (at + 1 < expr.size()) expr.insert(at + 1, "  ");
  }
  fmt::print("{}\n", expr);
}

Result<> write_new(const std::string& path, std::string_view text) {
  Fs& fs = real_fs();
  if (fs.exists(path)) return bad_data(path + " is there already");
  const auto file = TRY(fs.create(path));
  TRY(file->append(text));
  return file->sync();
}

Result<> export_files(const std::string& directory) {
  size_t files = 0;
  for (const auto* shipped : {&rules::shipped_rule_files(), &rules::shipped_runbooks()}) {
    for (const rules::ShippedFile& file : *shipped) {
      const std::string path = fmt::format("{}/{}", directory, file.path);
      TRY(real_fs().create_directories(path.substr(0, path.rfind('/'))));
      TRY(write_new(path, file.text));
      ++files;
    }
  }
  fmt::print("{} files written under {}\n", files, directory);
  return {};
}

}  // namespace

int list_shipped_rules() {
  const auto files = rules::load_shipped_rules();
  if (!files) return failed(files.error());
  for (const auto& file : *files) {
    fmt::print("{}\n", file.path);
    for (const auto& group : file.groups) {
      for (const auto& rule : group.rules) {
        if (!rule.is_alert()) continue;
        fmt::print("  {:<4}  {:<26}  {}\n", value_of(rule.labels, "severity"), rule.alert,
                   value_of(rule.annotations, "summary"));
      }
    }
  }
  return 0;
}

int show_shipped_rule(const std::string& name) {
  for (const rules::ShippedFile& file : rules::shipped_rule_files()) {
    if (file.name() == name) {
      fmt::print("{}", file.text);
      return 0;
    }
  }
  const auto files = rules::load_shipped_rules();
  if (!files) return failed(files.error());
  bool found = false;
  for (const auto& file : *files) {
    for (const auto& group : file.groups) {
      for (const auto& rule : group.rules) {
        if (rule.alert != name) continue;
        print_rule(file, group, rule);
        found = true;
      }
    }
  }
  if (!found) {
    return failed(
        Error{ErrorCode::kNotFound,
              fmt::format("no shipped rule is called {}; see `strata rules list`", name)});
  }
  if (const auto page = rules::runbook(name)) fmt::print("\n{}", *page);
  return 0;
}

int export_shipped_rules(const std::string& directory) {
  const auto done = export_files(directory);
  return done ? 0 : failed(done.error());
}

}  // namespace strata::app
