// Which format a scrape wants, by its Accept header (RFC 9110, 12.5.1). A pure function.
#pragma once
#include <charconv>
#include <string_view>

#include "strata/metrics/exposition.h"

namespace strata::metrics {

namespace detail {

constexpr std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Cuts `text` at the first `separator` and returns what stood before it.
constexpr std::string_view next_part(std::string_view& text, char separator) {
  const size_t end = text.find(separator);
  const std::string_view part = trim(text.substr(0, end));
  text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  return part;
}

/// "type/subtype;version=1.0.0;q=0.5"
struct MediaRange {
  std::string_view type;
  std::string_view version;
  std::string_view proto;
  std::string_view encoding;
  double quality = 1;
};

inline MediaRange parse_media_range(std::string_view text) {
  MediaRange range;
  range.type = next_part(text, ';');
  while (!text.empty()) {
    std::string_view value = next_part(text, ';');
    const std::string_view key = next_part(value, '=');
    value = trim(value);
    if (key == "version") range.version = value;
    if (key == "proto") range.proto = value;
    if (key == "encoding") range.encoding = value;
    if (key != "q") continue;
    range.quality = 0;
    std::from_chars(value.data(), value.data() + value.size(), range.quality);
  }
  return range;
}

}  // namespace detail

/// What `accept` prefers; the text format where it says nothing that is known. `protobuf`: whether
/// that may be chosen.
inline Format negotiate(std::string_view accept, bool protobuf = true) {
  double open = 0, text = 0, binary = 0;
  while (!accept.empty()) {
    const auto range = detail::parse_media_range(detail::next_part(accept, ','));
    if (range.type == "application/openmetrics-text") {
      const bool ours = range.version.empty() || range.version.starts_with("1.") ||
                        range.version == "0.0.1";  // what old Prometheus servers ask for
      if (ours && range.quality > open) open = range.quality;
    } else if (range.type == "text/plain" || range.type == "text/*") {
      if (range.quality > text) text = range.quality;
    } else if (range.type == "application/vnd.google.protobuf") {
      const bool ours = range.proto == "io.prometheus.client.MetricFamily" &&
                        range.encoding == "delimited" && protobuf;
      if (ours && range.quality > binary) binary = range.quality;
    }
  }
  if (binary > 0 && binary >= open && binary >= text) return Format::kProtobuf;
  return open > 0 && open >= text ? Format::kOpenMetrics : Format::kText;
}

}  // namespace strata::metrics
