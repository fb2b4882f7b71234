#include "metrics/own_metrics.h"

#include <algorithm>
#include <string_view>

#include "base/build_info.h"
#include "base/number.h"

namespace strata::metrics {
namespace {

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Cuts `text` at the first `separator` and returns what stood before it.
std::string_view next_part(std::string_view& text, char separator) {
  const size_t end = text.find(separator);
  const std::string_view part = trim(text.substr(0, end));
  text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  return part;
}

// One media range of an Accept header: "type/subtype;version=1.0.0;q=0.5" (RFC 9110, 12.5.1).
struct MediaRange {
  std::string_view type;
  std::string_view version;
  double quality = 1;
};

MediaRange parse_media_range(std::string_view text) {
  MediaRange range;
  range.type = next_part(text, ';');
  while (!text.empty()) {
    std::string_view parameter = next_part(text, ';');
    const std::string_view key = next_part(parameter, '=');
    if (key == "q") range.quality = parse_double(trim(parameter)).value_or(0);
    if (key == "version") range.version = trim(parameter);
  }
  return range;
}

}  // namespace

void register_build_info(Registry& registry) {
  const BuildInfo& build = build_info();
  registry
      .gauge<"version", "revision", "branch", "compiler">("strata_build_info",
                                                          "The build that is running; always 1.")
      .with(build.version, build.revision, build.branch, build.compiler)
      .set(1);
  // What dashboards of Prometheus ask for. The version is ours: which Prometheus it behaves like is
  // said by /api/v1/status/buildinfo.
  registry
      .gauge<"version", "revision", "branch">("prometheus_build_info",
                                              "The build that is running; always 1.")
      .with(build.version, build.revision, build.branch)
      .set(1);
}

void append_own_metrics(std::string& out, Format format, Registry& registry) {
  registry.expose(out, format);
}

Format negotiate_format(std::string_view accept) {
  double open = 0, text = 0;
  while (!accept.empty()) {
    const MediaRange range = parse_media_range(next_part(accept, ','));
    if (range.type == "application/openmetrics-text") {
      const bool ours = range.version.empty() || range.version.starts_with("1.") ||
                        range.version == "0.0.1";  // what old Prometheus servers ask for
      if (ours) open = std::max(open, range.quality);
    } else if (range.type == "text/plain" || range.type == "text/*") {
      text = std::max(text, range.quality);
    }
  }
  return open > 0 && open >= text ? Format::kOpenMetrics : Format::kText;
}

}  // namespace strata::metrics
