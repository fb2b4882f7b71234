#include <algorithm>
#include <string>

#include "wire/exposition.h"

namespace strata::wire {
namespace {

std::string_view trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace

Result<ExpositionFormat> format_of_content_type(std::string_view content_type) {
  std::string media(trim(content_type.substr(0, content_type.find(';'))));
  std::ranges::transform(media, media.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  });
  if (media == "text/plain") return ExpositionFormat::kText;
  if (media == "application/openmetrics-text") return ExpositionFormat::kOpenMetrics;
  if (media.empty()) {
    return bad_data("the target sends no Content-Type; set fallback_scrape_protocol for it");
  }
  if (media == "application/vnd.google.protobuf") {
    return bad_data("the target sends protobuf, which was not asked for");
  }
  return bad_data("Content-Type \"" + media.substr(0, 100) +
                  "\" is not an exposition format; is metrics_path right? "
                  "If it is, set fallback_scrape_protocol");
}

std::string_view content_type_of(ExpositionFormat format) {
  return format == ExpositionFormat::kText
             ? "text/plain; version=0.0.4; charset=utf-8"
             : "application/openmetrics-text; version=1.0.0; charset=utf-8";
}

}  // namespace strata::wire
