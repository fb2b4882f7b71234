#include "config/url.h"

namespace strata::config {

UrlParts split_url(std::string_view url) {
  UrlParts parts;
  const size_t separator = url.find("://");
  if (separator == std::string_view::npos) return parts;
  parts.scheme = url.substr(0, separator);
  std::string_view rest = url.substr(separator + 3);
  rest = rest.substr(0, rest.find_first_of("/?#"));
  const size_t at = rest.rfind('@');
  if (at != std::string_view::npos) {
    parts.user = rest.substr(0, at);
    rest.remove_prefix(at + 1);
  }
  parts.host = rest;
  return parts;
}

std::string redact_url(std::string_view url) {
  const std::string_view user = split_url(url).user;
  const size_t colon = user.find(':');
  if (colon == std::string_view::npos) return std::string(url);
  const auto password_start = static_cast<size_t>(user.data() - url.data()) + colon + 1;
  std::string out(url.substr(0, password_start));
  out += "xxxxx";
  out += url.substr(password_start + user.size() - colon - 1);
  return out;
}

}  // namespace strata::config
