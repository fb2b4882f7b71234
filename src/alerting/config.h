// alertmanager.yml, read as Alertmanager 0.34 reads it and checked as strictly.
//
// Values: loaded once, then shared as an immutable snapshot. Bounds are YamlLimits' and kMaxRoutes.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "alerting/integration.h"
#include "alerting/matchers.h"
#include "alerting/time_interval.h"
#include "base/fs.h"
#include "base/result.h"
#include "model/duration.h"

namespace strata::alerting {

class NotificationTemplates;

inline constexpr size_t kMaxRoutes = 100'000;

/// A node of the routing tree as the file has it; what is absent is the parent's.
struct RouteConfig {
  std::string receiver;
  /// Absent: the parent's. "..." is group_by_all and not in the list.
  std::optional<std::vector<std::string>> group_by;
  bool group_by_all = false;
  Matchers matchers;  // of match, match_re and matchers, sorted
  std::vector<std::string> mute_time_intervals;
  std::vector<std::string> active_time_intervals;
  bool continues = false;
  std::optional<Millis> group_wait;
  std::optional<Millis> group_interval;
  std::optional<Millis> repeat_interval;
  config::StringPairs labels;  // values may be templates
  std::vector<RouteConfig> routes;
};

/// Alerts that match `target` are muted while another matches `source` and both have the same
/// values of the labels in `equal`.
struct InhibitRule {
  std::string name;
  Matchers source;
  Matchers target;
  std::vector<std::string> equal;
};

struct Receiver {
  std::string name;
  config::StringPairs labels;
  std::vector<Integration> integrations;  // in the table's order of kinds
};

struct AlertmanagerFile {
  Millis resolve_timeout = std::chrono::minutes(5);
  RouteConfig route;
  std::vector<InhibitRule> inhibit_rules;
  std::vector<Receiver> receivers;
  std::vector<NamedTimeInterval> time_intervals;       // of mute_time_intervals too
  std::vector<std::string> templates;                  // globs, absolute
  std::shared_ptr<const NotificationTemplates> texts;  // the default ones, and those files'
  std::string original;
  std::vector<std::string> warnings;  // "file:line:column: what"

  const Receiver* receiver(std::string_view name) const;
  const NamedTimeInterval* time_interval(std::string_view name) const;
};

/// Errors: kBadData as "file:line:column: what, and what to do"; kLimit.
Result<AlertmanagerFile> parse_alertmanager_file(std::string_view text, std::string_view file_name,
                                                 Fs& fs = real_fs());
/// Errors: kNotFound, kIo too.
Result<AlertmanagerFile> load_alertmanager_file(const std::string& path, Fs& fs = real_fs());

}  // namespace strata::alerting
