// Credentials, TLS, proxies and headers: one part of validate.h.
#include <algorithm>
#include <array>

#include "config/validate.h"

namespace strata::config {
namespace {

constexpr std::string_view kJwtBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer";

std::string lowercase(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return out;
}

/// Fails when more than one of `keys` is given in `node`.
void at_most_one(Decoder& d, const YamlNode& node, std::initializer_list<std::string_view> keys) {
  std::string_view first;
  for (const std::string_view key : keys) {
    if (!is_given(node, key)) continue;
    if (!first.empty()) {
      return d.fail(mark_of(node, key), fmt::format("{} and {} exclude each other", first, key));
    }
    first = key;
  }
}

void check_basic_auth(Decoder& d, const YamlNode& node) {
  at_most_one(d, node, {"username", "username_file"});
  at_most_one(d, node, {"password", "password_file"});
}

void check_authorization(Decoder& d, const YamlNode& node, Authorization& c) {
  at_most_one(d, node, {"credentials", "credentials_file"});
  c.type.erase(0, c.type.find_first_not_of(" \t\n"));
  c.type.erase(c.type.find_last_not_of(" \t\n") + 1);
  if (c.type.empty()) c.type = "Bearer";
  if (lowercase(c.type) == "basic") {
    d.fail(mark_of(node, "type"), "authorization of type basic is written as basic_auth");
  }
}

void check_proxy(Decoder& d, const YamlNode& node, const ProxyConfig& c) {
  if (!c.proxy_connect_header.empty() && !c.proxy_from_environment && c.proxy_url.empty()) {
    d.fail(mark_of(node, "proxy_connect_header"),
           "proxy_connect_header needs proxy_url or proxy_from_environment");
  }
  if (c.proxy_from_environment && !c.proxy_url.empty()) {
    d.fail(mark_of(node, "proxy_url"), "proxy_url and proxy_from_environment exclude each other");
  }
  if (c.proxy_from_environment && !c.no_proxy.empty()) {
    d.fail(mark_of(node, "no_proxy"), "no_proxy and proxy_from_environment exclude each other");
  }
  if (c.proxy_url.empty() && !c.proxy_from_environment && !c.no_proxy.empty()) {
    d.fail(mark_of(node, "no_proxy"), "no_proxy needs proxy_url");
  }
}

void check_oauth2(Decoder& d, const YamlNode& node, const OAuth2& c) {
  if (c.client_id.empty()) d.fail(mark_of(node, "client_id"), "oauth2 needs client_id");
  if (c.token_url.empty()) d.fail(mark_of(node, "token_url"), "oauth2 needs token_url");
  if (c.grant_type != kJwtBearer) {
    at_most_one(d, node, {"client_secret", "client_secret_file"});
  } else {
    at_most_one(d, node, {"client_certificate_key", "client_certificate_key_file"});
    static constexpr std::array<std::string_view, 4> kAlgorithms = {"", "RS256", "RS384", "RS512"};
    if (std::ranges::find(kAlgorithms, c.signature_algorithm) == kAlgorithms.end()) {
      d.fail(mark_of(node, "signature_algorithm"),
             "signature_algorithm is one of RS256, RS384, RS512");
    }
  }
  check_proxy(d, node, c.proxy);
}

/// Headers that the client sets itself (common/config: ReservedHeaders), in lower case.
constexpr std::array<std::string_view, 18> kReservedHeaders = {
    "authorization",
    "host",
    "content-encoding",
    "content-length",
    "content-type",
    "user-agent",
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "www-authenticate",
    "accept-encoding",
    "x-prometheus-remote-write-version",
    "x-prometheus-remote-read-version",
    "x-prometheus-scrape-timeout-seconds",
    "x-amz-date",
    "x-amz-security-token",
    "x-amz-content-sha256"};

void check_http_headers(Decoder& d, const YamlNode& node) {
  const YamlEntry* headers = node.find("http_headers");
  if (headers == nullptr) return;
  for (const YamlEntry& header : headers->value.entries) {
    if (std::ranges::find(kReservedHeaders, lowercase(header.key)) == kReservedHeaders.end()) {
      continue;
    }
    d.fail(header.key_mark, fmt::format("http_headers may not set {}", header.key));
  }
}

/// Prometheus' old keys for a token.
void adopt_bearer_token(Decoder& d, const YamlNode& node, HttpClientConfig& c) {
  std::string token;
  std::string file;
  if (const YamlEntry* entry = node.find("bearer_token"); entry && !is_null(entry->value)) {
    decode(d, entry->key, entry->value, token);
  }
  if (const YamlEntry* entry = node.find("bearer_token_file"); entry && !is_null(entry->value)) {
    decode(d, entry->key, entry->value, file);
  }
  if (token.empty() && file.empty()) return;
  c.authorization = Authorization{.credentials = Secret(token), .credentials_file = file};
}

}  // namespace

YamlMark mark_of(const YamlNode& node, std::string_view key) {
  const YamlEntry* entry = node.find(key);
  return entry == nullptr ? node.mark : entry->value.mark;
}

bool is_given(const YamlNode& node, std::string_view key) {
  const YamlEntry* entry = node.find(key);
  if (entry == nullptr || is_null(entry->value)) return false;
  return entry->value.kind != YamlNode::Kind::kScalar || !entry->value.text.empty();
}

void check(Decoder& d, const YamlNode& node, TlsConfig& c) {
  at_most_one(d, node, {"ca", "ca_file"});
  at_most_one(d, node, {"cert", "cert_file"});
  at_most_one(d, node, {"key", "key_file"});
  const bool has_cert = !c.cert.empty() || !c.cert_file.empty();
  const bool has_key = !c.key.empty() || !c.key_file.empty();
  if (has_cert && !has_key) d.fail(node.mark, "a client certificate needs key or key_file");
  if (has_key && !has_cert) d.fail(node.mark, "a client key needs cert or cert_file");
}

void check_http_client(Decoder& d, const YamlNode& node, HttpClientConfig& c) {
  at_most_one(d, node, {"bearer_token", "bearer_token_file"});
  for (const std::string_view bearer : {"bearer_token", "bearer_token_file"}) {
    at_most_one(d, node, {"basic_auth", "authorization", "oauth2", bearer});
  }
  if (d.failed()) return;
  const auto section = [&](std::string_view key) -> const YamlNode& {
    return node.find(key)->value;
  };
  if (c.basic_auth) check_basic_auth(d, section("basic_auth"));
  if (c.authorization) check_authorization(d, section("authorization"), *c.authorization);
  if (c.oauth2) check_oauth2(d, section("oauth2"), *c.oauth2);
  adopt_bearer_token(d, node, c);
  check_proxy(d, node, c.proxy);
  check_http_headers(d, node);
}

void check_request_headers(Decoder& d, const YamlNode& node) {
  const YamlEntry* headers = node.find("headers");
  if (headers == nullptr) return;
  for (const YamlEntry& header : headers->value.entries) {
    const std::string name = lowercase(header.key);
    if (name == "authorization") {
      d.fail(header.key_mark,
             "headers may not set authorization: use basic_auth, authorization or "
             "oauth2");
    } else if (std::ranges::find(kReservedHeaders, name) != kReservedHeaders.end()) {
      d.fail(header.key_mark, fmt::format("headers may not set {}", header.key));
    }
  }
}

}  // namespace strata::config
