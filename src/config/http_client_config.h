// How to talk to an HTTP peer: the keys that scrape configs, discovery, Alertmanagers and remote
// endpoints have in common (Prometheus' common/config). Plain values; paths are resolved already.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/secret.h"

namespace strata::config {

using StringPairs = std::vector<std::pair<std::string, std::string>>;

enum class TlsVersion : uint8_t { kUnset, kTls10, kTls11, kTls12, kTls13 };

/// Of cert and cert_file (and key, ca) at most one is set; a certificate always comes with a key.
struct TlsConfig {
  std::string ca;
  std::string cert;
  Secret key;
  std::string ca_file;
  std::string cert_file;
  std::string key_file;
  std::string server_name;
  bool insecure_skip_verify = false;
  TlsVersion min_version = TlsVersion::kUnset;
  TlsVersion max_version = TlsVersion::kUnset;
  friend bool operator==(const TlsConfig&, const TlsConfig&) = default;
};

/// Files are read for each request, so that rotated credentials count at once.
struct BasicAuth {
  std::string username;
  std::string username_file;
  Secret password;
  std::string password_file;
  friend bool operator==(const BasicAuth&, const BasicAuth&) = default;
};

/// `Authorization: <type> <credentials>`. bearer_token and bearer_token_file end up here too.
struct Authorization {
  std::string type = "Bearer";
  Secret credentials;
  std::string credentials_file;
  friend bool operator==(const Authorization&, const Authorization&) = default;
};

struct ProxyHeader {
  std::string name;
  std::vector<Secret> values;
  friend bool operator==(const ProxyHeader&, const ProxyHeader&) = default;
};

struct ProxyConfig {
  std::string proxy_url;
  std::string no_proxy;
  bool proxy_from_environment = false;
  std::vector<ProxyHeader> proxy_connect_header;
  friend bool operator==(const ProxyConfig&, const ProxyConfig&) = default;
};

/// RFC 6749 client credentials, or RFC 7523 when grant_type says so.
struct OAuth2 {
  std::string client_id;
  Secret client_secret;
  std::string client_secret_file;
  std::string client_certificate_key_id;
  Secret client_certificate_key;
  std::string client_certificate_key_file;
  std::string grant_type;
  std::string signature_algorithm;
  std::string iss;
  std::string audience;
  StringPairs claims;
  std::vector<std::string> scopes;
  std::string token_url;
  StringPairs endpoint_params;
  TlsConfig tls_config;
  ProxyConfig proxy;
  friend bool operator==(const OAuth2&, const OAuth2&) = default;
};

/// One request header: its literal, secret and file values, sent in that order.
struct HttpHeader {
  std::string name;
  std::vector<std::string> values;
  std::vector<Secret> secrets;
  std::vector<std::string> files;
  friend bool operator==(const HttpHeader&, const HttpHeader&) = default;
};

/// At most one of basic_auth, authorization and oauth2 is set.
struct HttpClientConfig {
  std::optional<BasicAuth> basic_auth;
  std::optional<Authorization> authorization;
  std::optional<OAuth2> oauth2;
  TlsConfig tls_config;
  bool follow_redirects = true;
  bool enable_http2 = true;
  ProxyConfig proxy;
  std::vector<HttpHeader> http_headers;
  friend bool operator==(const HttpClientConfig&, const HttpClientConfig&) = default;
};

}  // namespace strata::config
