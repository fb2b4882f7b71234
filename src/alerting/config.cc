#include "alerting/config.h"

#include <algorithm>
#include <functional>
#include <set>

#include "alerting/integration_reader.h"
#include "alerting/notification_templates.h"
#include "base/utf8.h"
#include "config/config.h"
#include "config/decode.h"
#include "config/glob.h"
#include "config/validate.h"

namespace strata::alerting {
namespace {

using config::Decoder;
using config::YamlEntry;
using config::YamlNode;

bool is_label_name(std::string_view name) { return !name.empty() && is_utf8(name); }

// Reads the sections of one file. A walk goes on after an error; the first in the file is reported.
class FileReader {
 public:
  FileReader(std::string_view file_name, Fs& fs)
      : d_(std::string(file_name)), directory_(config::directory_of(file_name)), fs_(fs) {}

  Result<AlertmanagerFile> read(const YamlNode& root);

 private:
  using Body = std::function<bool(const YamlEntry&)>;
  // Calls `body` with each key; false: it is unknown.
  bool keys(std::string_view what, const YamlNode& node, std::span<const std::string_view> known,
            const Body& body);
  std::span<const YamlNode> list(std::string_view key, const YamlNode& node);
  std::string text(const YamlEntry& entry);
  std::vector<std::string> texts(const YamlEntry& entry);
  template <class Read>
  void entries(const YamlEntry& entry, const Read& read);

  void read_global(const YamlNode& node);
  RouteConfig read_route(const YamlNode& node);
  void read_group_by(const YamlEntry& entry, RouteConfig& route);
  void read_interval(const YamlEntry& entry, std::optional<Millis>& out, bool may_be_zero);
  void read_equalities(const YamlEntry& entry, Matcher::Op op, Matchers& out);
  void read_matchers(const YamlEntry& entry, Matchers& out);
  InhibitRule read_inhibit_rule(const YamlNode& node);
  Receiver read_receiver(const YamlNode& node);
  NamedTimeInterval read_named_interval(const YamlNode& node);
  TimeInterval read_time_interval(const YamlNode& node);
  void read_ranges(const YamlEntry& entry, Result<IntRange> (*parse)(std::string_view),
                   std::vector<IntRange>& out);
  IntRange read_times(const YamlNode& node);

  void check_root(const YamlNode& root);
  void check_names(const RouteConfig& route, const YamlNode& node);

  Decoder d_;
  const std::string directory_;
  Fs& fs_;
  AlertmanagerFile out_;
  GlobalSection global_;
  size_t routes_ = 0;
};

bool FileReader::keys(std::string_view what, const YamlNode& node,
                      std::span<const std::string_view> known, const Body& body) {
  if (node.kind != YamlNode::Kind::kMapping) {
    d_.mismatch(what, node, "a mapping");
    return false;
  }
  for (const YamlEntry& entry : node.entries) {
    if (!body(entry)) d_.fail(entry.key_mark, config::unknown_key(entry.key, known));
  }
  return true;
}

std::span<const YamlNode> FileReader::list(std::string_view key, const YamlNode& node) {
  if (config::is_null(node)) return {};
  if (node.kind == YamlNode::Kind::kSequence) return node.items;
  d_.mismatch(key, node, "a list");
  return {};
}

std::string FileReader::text(const YamlEntry& entry) {
  std::string out;
  if (!config::is_null(entry.value)) decode(d_, entry.key, entry.value, out);
  return out;
}

std::vector<std::string> FileReader::texts(const YamlEntry& entry) {
  std::vector<std::string> out;
  if (!config::is_null(entry.value)) decode(d_, entry.key, entry.value, out);
  return out;
}

template <class Read>
void FileReader::entries(const YamlEntry& entry, const Read& read) {
  for (const YamlNode& item : list(entry.key, entry.value)) {
    if (config::is_null(item)) {
      d_.empty_entry(entry.key, item);
    } else {
      read(item);
    }
  }
}

void FileReader::read_global(const YamlNode& node) {
  global_ = IntegrationReader(d_, directory_).read_global(node);
  const YamlEntry* timeout = node.find("resolve_timeout");
  if (timeout != nullptr) decode(d_, timeout->key, timeout->value, out_.resolve_timeout);
}

void FileReader::read_interval(const YamlEntry& entry, std::optional<Millis>& out,
                               bool may_be_zero) {
  if (config::is_null(entry.value)) return;
  decode(d_, entry.key, entry.value, out.emplace());
  if (!may_be_zero && *out == Millis(0)) {
    d_.fail(entry.value.mark, fmt::format("{} must be longer than 0", entry.key));
  }
}

void FileReader::read_group_by(const YamlEntry& entry, RouteConfig& route) {
  if (config::is_null(entry.value)) return;
  std::vector<std::string> names;
  for (const std::string& name : texts(entry)) {
    if (name == "...") {
      route.group_by_all = true;
    } else if (!is_label_name(name)) {
      d_.fail(entry.value.mark, fmt::format("group_by: \"{}\" is no label name", name));
    } else if (std::ranges::find(names, name) != names.end()) {
      d_.fail(entry.value.mark, fmt::format("group_by has {} twice", name));
    } else {
      names.push_back(name);
    }
  }
  if (route.group_by_all && !names.empty()) {
    d_.fail(entry.value.mark, "group_by: ... stands for all labels: no others beside it");
  }
  if (!route.group_by_all) route.group_by = std::move(names);
}

void FileReader::read_equalities(const YamlEntry& entry, Matcher::Op op, Matchers& out) {
  if (config::is_null(entry.value)) return;
  if (entry.value.kind != YamlNode::Kind::kMapping) {
    return d_.mismatch(entry.key, entry.value, "a mapping of labels to values");
  }
  for (const YamlEntry& pair : entry.value.entries) {
    if (!config::is_label_name(config::NameValidation::kLegacy, pair.key)) {
      d_.fail(pair.key_mark, fmt::format("\"{}\" is no label name", pair.key));
    }
    if (op == Matcher::Op::kRegex && config::is_null(pair.value)) {
      d_.fail(pair.value.mark, fmt::format("{}: the regular expression is missing", pair.key));
      continue;
    }
    // Alertmanager's groupKey has match_re's expressions with their anchors, and what is made of
    // the key (PagerDuty's dedup_key, …) must be the same here.
    const bool regex = op == Matcher::Op::kRegex;
    auto matcher =
        Matcher::make(op, pair.key, regex ? fmt::format("^(?:{})$", text(pair)) : text(pair));
    if (matcher) {
      out.push_back(*std::move(matcher));
    } else {
      d_.fail(pair.value.mark, matcher.error().message);
    }
  }
}

void FileReader::read_matchers(const YamlEntry& entry, Matchers& out) {
  for (const YamlNode& line : list(entry.key, entry.value)) {
    auto parsed = parse_matchers(config::as_text(line).value_or(""));
    if (!parsed) {
      d_.fail(line.mark, fmt::format("{}: {}", entry.key, parsed.error().message));
      continue;
    }
    if (parsed->warning) d_.warn(line.mark, *parsed->warning);
    std::ranges::move(parsed->matchers, std::back_inserter(out));
  }
}

RouteConfig FileReader::read_route(const YamlNode& node) {
  static constexpr std::string_view kKeys[] = {"receiver",
                                               "group_by",
                                               "match",
                                               "match_re",
                                               "matchers",
                                               "group_wait",
                                               "group_interval",
                                               "repeat_interval",
                                               "continue",
                                               "mute_time_intervals",
                                               "active_time_intervals",
                                               "labels",
                                               "routes"};
  RouteConfig out;
  if (++routes_ > kMaxRoutes) {
    d_.fail(node.mark, fmt::format("more than {} routes", kMaxRoutes));
    return out;
  }
  keys("route", node, kKeys, [&](const YamlEntry& entry) {
    const std::string& key = entry.key;
    if (key == "receiver")
      out.receiver = text(entry);
    else if (key == "group_by")
      read_group_by(entry, out);
    else if (key == "match")
      read_equalities(entry, Matcher::Op::kEqual, out.matchers);
    else if (key == "match_re")
      read_equalities(entry, Matcher::Op::kRegex, out.matchers);
    else if (key == "matchers")
      read_matchers(entry, out.matchers);
    else if (key == "group_wait")
      read_interval(entry, out.group_wait, true);
    else if (key == "group_interval")
      read_interval(entry, out.group_interval, false);
    else if (key == "repeat_interval")
      read_interval(entry, out.repeat_interval, false);
    else if (key == "mute_time_intervals")
      out.mute_time_intervals = texts(entry);
    else if (key == "active_time_intervals")
      out.active_time_intervals = texts(entry);
    else if (key == "routes")
      entries(entry, [&](const YamlNode& child) { out.routes.push_back(read_route(child)); });
    else if (key == "continue") {
      if (!config::is_null(entry.value)) decode(d_, key, entry.value, out.continues);
    } else if (key == "labels") {
      if (!config::is_null(entry.value)) decode(d_, key, entry.value, out.labels);
    } else
      return false;
    return true;
  });
  for (const auto& [name, value] : out.labels) {
    if (!is_label_name(name))
      d_.fail(node.mark, fmt::format("labels: \"{}\" is no label name", name));
  }
  sort_matchers(out.matchers);
  return out;
}

InhibitRule FileReader::read_inhibit_rule(const YamlNode& node) {
  static constexpr std::string_view kKeys[] = {
      "name",         "source_match",    "source_match_re", "source_matchers",
      "target_match", "target_match_re", "target_matchers", "equal"};
  InhibitRule out;
  keys("inhibit_rules", node, kKeys, [&](const YamlEntry& entry) {
    const std::string& key = entry.key;
    if (key == "name")
      out.name = text(entry);
    else if (key == "source_match")
      read_equalities(entry, Matcher::Op::kEqual, out.source);
    else if (key == "source_match_re")
      read_equalities(entry, Matcher::Op::kRegex, out.source);
    else if (key == "source_matchers")
      read_matchers(entry, out.source);
    else if (key == "target_match")
      read_equalities(entry, Matcher::Op::kEqual, out.target);
    else if (key == "target_match_re")
      read_equalities(entry, Matcher::Op::kRegex, out.target);
    else if (key == "target_matchers")
      read_matchers(entry, out.target);
    else if (key == "equal")
      out.equal = texts(entry);
    else
      return false;
    return true;
  });
  for (const std::string& name : out.equal) {
    if (!is_label_name(name))
      d_.fail(node.mark, fmt::format("equal: \"{}\" is no label name", name));
  }
  return out;
}

Receiver FileReader::read_receiver(const YamlNode& node) {
  std::vector<std::string> lists;
  std::vector<std::string_view> known = {"name", "labels"};
  for (const IntegrationKind& kind : integration_kinds())
    lists.push_back(std::string(kind.name) + "_configs");
  known.insert(known.end(), lists.begin(), lists.end());
  Receiver out;
  IntegrationReader reader(d_, directory_);
  keys("receivers", node, known, [&](const YamlEntry& entry) {
    if (entry.key == "name") {
      out.name = text(entry);
    } else if (entry.key == "labels") {
      if (!config::is_null(entry.value)) decode(d_, entry.key, entry.value, out.labels);
    } else {
      return std::ranges::find(lists, entry.key) != lists.end();
    }
    return true;
  });
  for (size_t k = 0; k < lists.size(); ++k) {
    const YamlEntry* entry = node.find(lists[k]);
    if (entry == nullptr) continue;
    size_t index = 0;
    for (const YamlNode& item : list(entry->key, entry->value)) {
      out.integrations.push_back(reader.read(integration_kinds()[k], index++, item, global_));
    }
  }
  if (out.name.empty()) d_.fail(node.mark, "a receiver needs a name");
  for (const auto& [name, value] : out.labels) {
    if (name == "name" && value != out.name)
      d_.fail(node.mark, "a receiver's label name is its name");
  }
  return out;
}

IntRange FileReader::read_times(const YamlNode& node) {
  static constexpr std::string_view kKeys[] = {"start_time", "end_time"};
  IntRange out;
  std::string begin;
  std::string end;
  keys("times", node, kKeys, [&](const YamlEntry& entry) {
    if (entry.key == "start_time")
      begin = text(entry);
    else if (entry.key == "end_time")
      end = text(entry);
    else
      return false;
    return true;
  });
  if (begin.empty() || end.empty()) {
    d_.fail(node.mark, "times: start_time and end_time belong together");
    return out;
  }
  const auto first = parse_time_of_day(begin);
  const auto last = parse_time_of_day(end);
  if (!first || !last) {
    d_.fail(node.mark, first ? last.error().message : first.error().message);
  } else if (*first >= *last) {
    d_.fail(node.mark,
            "times: end_time is after start_time; a night is two entries, to 24:00 and from 00:00");
  } else {
    out = {*first, *last};
  }
  return out;
}

void FileReader::read_ranges(const YamlEntry& entry, Result<IntRange> (*parse)(std::string_view),
                             std::vector<IntRange>& out) {
  for (const YamlNode& item : list(entry.key, entry.value)) {
    auto range = parse(config::as_text(item).value_or(""));
    if (range)
      out.push_back(*range);
    else
      d_.fail(item.mark, fmt::format("{}: {}", entry.key, range.error().message));
  }
}

TimeInterval FileReader::read_time_interval(const YamlNode& node) {
  static constexpr std::string_view kKeys[] = {"times",  "weekdays", "days_of_month",
                                               "months", "years",    "location"};
  TimeInterval out;
  keys("time_intervals", node, kKeys, [&](const YamlEntry& entry) {
    const std::string& key = entry.key;
    if (key == "times")
      entries(entry, [&](const YamlNode& item) { out.times.push_back(read_times(item)); });
    else if (key == "weekdays")
      read_ranges(entry, parse_weekdays, out.weekdays);
    else if (key == "days_of_month")
      read_ranges(entry, parse_days_of_month, out.days_of_month);
    else if (key == "months")
      read_ranges(entry, parse_months, out.months);
    else if (key == "years")
      read_ranges(entry, parse_years, out.years);
    else if (key == "location") {
      auto zone = TimeZone::load(text(entry), fs_);
      if (zone)
        out.location = *std::move(zone);
      else
        d_.fail(entry.value.mark, zone.error().message);
    } else
      return false;
    return true;
  });
  return out;
}

NamedTimeInterval FileReader::read_named_interval(const YamlNode& node) {
  static constexpr std::string_view kKeys[] = {"name", "time_intervals"};
  NamedTimeInterval out;
  keys("time_intervals", node, kKeys, [&](const YamlEntry& entry) {
    if (entry.key == "name")
      out.name = text(entry);
    else if (entry.key == "time_intervals")
      entries(entry,
              [&](const YamlNode& item) { out.intervals.push_back(read_time_interval(item)); });
    else
      return false;
    return true;
  });
  if (out.name.empty()) d_.fail(node.mark, "a time interval needs a name");
  return out;
}

void FileReader::check_names(const RouteConfig& route, const YamlNode& node) {
  if (!route.receiver.empty() && out_.receiver(route.receiver) == nullptr) {
    d_.fail(config::mark_of(node, "receiver"),
            fmt::format("receiver \"{}\" is not defined", route.receiver));
  }
  for (const auto& [key, names] :
       {std::pair("mute_time_intervals", &route.mute_time_intervals),
        std::pair("active_time_intervals", &route.active_time_intervals)}) {
    for (const std::string& name : *names) {
      if (out_.time_interval(name) == nullptr)
        d_.fail(config::mark_of(node, key),
                fmt::format("time interval \"{}\" is not defined", name));
    }
  }
  const YamlEntry* children = node.find("routes");
  for (size_t i = 0; i < route.routes.size(); ++i) {
    check_names(route.routes[i], children->value.items[i]);
  }
}

void FileReader::check_root(const YamlNode& root) {
  const YamlEntry* entry = root.find("route");
  if (entry == nullptr || config::is_null(entry->value))
    return d_.fail(root.mark, "route is missing: where alerts go by default");
  const RouteConfig& route = out_.route;
  const auto wrong = [&](std::string_view key, std::string_view what) {
    d_.fail(config::mark_of(entry->value, key), what);
  };
  if (route.receiver.empty())
    wrong("receiver",
          "the root route needs a receiver: the one of alerts that no other route takes");
  if (!route.matchers.empty())
    wrong("matchers", "the root route takes every alert: it has no matchers");
  if (!route.mute_time_intervals.empty())
    wrong("mute_time_intervals", "the root route cannot be muted");
  if (!route.active_time_intervals.empty())
    wrong("active_time_intervals", "the root route is always active");
  if (route.continues) wrong("continue", "nothing comes after the root route: it cannot continue");
  if (!d_.failed()) check_names(route, entry->value);
}

Result<AlertmanagerFile> FileReader::read(const YamlNode& root) {
  static constexpr std::string_view kKeys[] = {
      "global",         "templates",           "route",   "inhibit_rules", "receivers",
      "time_intervals", "mute_time_intervals", "tracing", "event_recorder"};
  static const YamlNode kNone;
  const YamlEntry* global = root.find("global");
  read_global(global == nullptr ? kNone : global->value);
  const auto named = [&](const auto& items, const YamlNode& node, std::string_view what) {
    for (size_t i = 0; i + 1 < items.size(); ++i) {
      if (items[i].name == items.back().name)
        d_.fail(config::mark_of(node, "name"),
                fmt::format("{} \"{}\" is there twice", what, items[i].name));
    }
  };
  keys("alertmanager.yml", root, kKeys, [&](const YamlEntry& entry) {
    const std::string& key = entry.key;
    if (key == "global") return true;
    if (key == "route") {
      if (!config::is_null(entry.value)) out_.route = read_route(entry.value);
    } else if (key == "inhibit_rules") {
      entries(entry,
              [&](const YamlNode& item) { out_.inhibit_rules.push_back(read_inhibit_rule(item)); });
    } else if (key == "receivers") {
      entries(entry, [&](const YamlNode& item) {
        out_.receivers.push_back(read_receiver(item));
        named(out_.receivers, item, "receiver");
      });
    } else if (key == "time_intervals" || key == "mute_time_intervals") {
      entries(entry, [&](const YamlNode& item) {
        out_.time_intervals.push_back(read_named_interval(item));
        named(out_.time_intervals, item, "time interval");
      });
    } else if (key == "templates") {
      for (const std::string& glob : texts(entry))
        out_.templates.push_back(config::join_path(directory_, glob));
    } else if (key == "tracing" || key == "event_recorder") {
      d_.warn(entry.key_mark, fmt::format("{}: not supported; ignored", key));
    } else {
      return false;
    }
    return true;
  });
  if (!d_.failed()) check_root(root);
  TRY(d_.result());
  out_.warnings = d_.warnings();
  return std::move(out_);
}

}  // namespace

const Receiver* AlertmanagerFile::receiver(std::string_view name) const {
  const auto at = std::ranges::find(receivers, name, &Receiver::name);
  return at == receivers.end() ? nullptr : &*at;
}

const NamedTimeInterval* AlertmanagerFile::time_interval(std::string_view name) const {
  const auto at = std::ranges::find(time_intervals, name, &NamedTimeInterval::name);
  return at == time_intervals.end() ? nullptr : &*at;
}

Result<AlertmanagerFile> parse_alertmanager_file(std::string_view text, std::string_view file_name,
                                                 Fs& fs) {
  const YamlNode root = TRY(config::parse_yaml(text, file_name));
  if (config::is_null(root)) {
    return bad_data(config::at(file_name, root.mark,
                               "the file is empty; it needs at least a route and its receiver"));
  }
  auto file = TRY(FileReader(file_name, fs).read(root));
  file.original = text;
  file.texts = TRY(NotificationTemplates::load(file.templates, fs));
  return file;
}

Result<AlertmanagerFile> load_alertmanager_file(const std::string& path, Fs& fs) {
  return parse_alertmanager_file(TRY(fs.read_file(path)), path, fs);
}

}  // namespace strata::alerting
