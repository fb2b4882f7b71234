// node_os_*: /etc/os-release.
#include <fmt/format.h>

#include <chrono>
#include <map>

#include "base/number.h"
#include "collect/collectors.h"
#include "collect/fields.h"

namespace strata::collect {
namespace {

using Variables = std::map<std::string, std::string, std::less<>>;

// A shell-like assignment: NAME=value, NAME="va\\"lue" or NAME='value' (os-release(5)).
std::string unquote(std::string_view text) {
  text = trim(text);
  if (text.size() < 2 || (text[0] != '"' && text[0] != '\'') || text.back() != text[0]) {
    return std::string(text);
  }
  const bool escapes = text[0] == '"';
  text = text.substr(1, text.size() - 2);
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (escapes && text[i] == '\\' && i + 1 < text.size()) ++i;
    out += text[i];
  }
  return out;
}

Variables parse_os_release(std::string_view text) {
  Variables variables;
  for (Lines lines(text); lines.next();) {
    const std::string_view line = trim(lines.line());
    if (line.empty() || line[0] == '#') continue;
    const auto [name, value] = cut(line, '=');
    variables.insert_or_assign(std::string(trim(name)), unquote(value));
  }
  return variables;
}

// 20.04 of "20.04.2", 12 of "12".
std::optional<double> major_minor(std::string_view version) {
  constexpr std::string_view kDigits = "0123456789";
  size_t end = std::min(version.find_first_not_of(kDigits), version.size());
  if (end == 0) return std::nullopt;
  if (end < version.size() && version[end] == '.') {
    end = std::min(version.find_first_not_of(kDigits, end + 1), version.size());
  }
  return parse_double(version.substr(0, end));
}

// "2026-06-10", midnight UTC.
std::optional<double> parse_date(std::string_view text) {
  const auto [year, rest] = cut(text, '-');
  const auto [month, day] = cut(rest, '-');
  const auto y = parse_int(year), m = parse_int(month), d = parse_int(day);
  if (!y || !m || !d || *y < 1970 || *y > 9999 || *m < 1 || *m > 12 || *d < 1 || *d > 31) {
    return std::nullopt;
  }
  const std::chrono::sys_days date{std::chrono::year(static_cast<int>(*y)) /
                                   static_cast<unsigned>(*m) / static_cast<unsigned>(*d)};
  return static_cast<double>(std::chrono::sys_seconds(date).time_since_epoch().count());
}

}  // namespace

Result<> collect_os(Host& host) {
  auto text = host.root.read("etc/os-release");
  if (!text) text = host.root.read("usr/lib/os-release");
  if (!text) return std::unexpected(text.error());
  const Variables variables = parse_os_release(*text);
  const auto value = [&](std::string_view name) -> std::string_view {
    const auto found = variables.find(name);
    return found == variables.end() ? std::string_view() : std::string_view(found->second);
  };
  host.out
      .gauge("node_os_info",
             "A metric with a constant '1' value labeled by build_id, id, id_like, image_id, "
             "image_version, name, pretty_name, variant, variant_id, version, version_codename, "
             "version_id.")
      .add(1, {{"build_id", value("BUILD_ID")},
               {"id", value("ID")},
               {"id_like", value("ID_LIKE")},
               {"image_id", value("IMAGE_ID")},
               {"image_version", value("IMAGE_VERSION")},
               {"name", value("NAME")},
               {"pretty_name", value("PRETTY_NAME")},
               {"variant", value("VARIANT")},
               {"variant_id", value("VARIANT_ID")},
               {"version", value("VERSION")},
               {"version_codename", value("VERSION_CODENAME")},
               {"version_id", value("VERSION_ID")}});
  if (const auto version = major_minor(value("VERSION_ID")); version && *version > 0) {
    host.out.gauge("node_os_version", "Metric containing the major.minor part of the OS version.")
        .add(*version,
             {{"id", value("ID")}, {"id_like", value("ID_LIKE")}, {"name", value("NAME")}});
  }
  if (const auto end = parse_date(value("SUPPORT_END"))) {
    host.out
        .gauge("node_os_support_end_timestamp_seconds",
               "Metric containing the end-of-life date timestamp of the OS.")
        .add(*end);
  }
  return {};
}

}  // namespace strata::collect
