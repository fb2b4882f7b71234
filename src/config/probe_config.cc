#include "config/probe_config.h"

#include <algorithm>
#include <array>

#include "config/http_section.h"
#include "config/probe_fields.h"

namespace strata::config {
namespace {

// Whether a request with this has something that must not reach a stranger.
bool has_credentials(const HttpClientConfig& c) {
  return c.basic_auth || c.authorization || c.oauth2 || !c.http_headers.empty() ||
         !c.tls_config.cert.empty() || !c.tls_config.cert_file.empty();
}

// By its name, a header that says who sends it.
bool is_credential(const std::pair<std::string, std::string>& header) {
  std::string name = header.first;
  std::ranges::transform(name, name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return std::ranges::any_of(std::array<std::string_view, 4>{"auth", "cookie", "key", "token"},
                             [&](auto word) { return name.find(word) != std::string::npos; });
}

bool has_credentials(const ProbeModule& c) {
  switch (c.prober) {
    case ProbeKind::kUnset: return false;
    case ProbeKind::kHttp:
      return has_credentials(c.http.http) || std::ranges::any_of(c.http.headers, is_credential);
    case ProbeKind::kTcp:
      return !c.tcp.tls_config.cert.empty() || !c.tcp.tls_config.cert_file.empty();
    case ProbeKind::kCanary: return has_credentials(c.canary.http);
  }
  return false;
}

}  // namespace

void check(Decoder& d, const YamlNode& node, HttpProbe& c) {
  check_http_client(d, node, c.http);
  for (const auto* list : {&c.fail_if_header_matches, &c.fail_if_header_not_matches}) {
    for (const auto& match : *list) {
      if (match.header.empty()) d.fail(node.mark, "a header's condition needs header");
    }
  }
}

void check(Decoder& d, const YamlNode& node, TcpProbe& c) {
  for (const auto& step : c.query_response) {
    const auto pattern = Regex::compile(step.expect);
    if (!pattern) {
      d.fail(mark_of(node, "query_response"), "expect: " + pattern.error().message);
    }
  }
}

void check(Decoder& d, const YamlNode& node, CanaryProbe& c) {
  check_http_client(d, node, c.http);
  if (!c.path.starts_with('/')) d.fail(mark_of(node, "path"), "path: begins with /");
}

void check(Decoder& d, const YamlNode& node, ProbeModule& c) {
  if (c.prober == ProbeKind::kUnset) return d.fail(node.mark, "prober is missing");
  if (!c.allowed_targets.empty() || !has_credentials(c)) return;
  d.fail(node.mark,
         "a module that sends credentials needs allowed_targets: whoever may ask for a "
         "probe could have them sent anywhere");
}

void resolve_paths(const std::string& directory, ProbeModule& c) {
  resolve_paths(directory, c.http.http);
  resolve_paths(directory, c.tcp.tls_config);
  resolve_paths(directory, c.canary.http);
}

}  // namespace strata::config
