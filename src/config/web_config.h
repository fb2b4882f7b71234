// web.yml: TLS, users and headers of our own HTTP server, in the format of Prometheus' exporter
// toolkit, so that the file serves both.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fs.h"
#include "base/result.h"
#include "config/http_client_config.h"
#include "model/duration.h"

namespace strata::config {

enum class ClientAuth : uint8_t {
  kNone,
  kRequest,
  kRequireAny,
  kVerifyIfGiven,
  kRequireAndVerify,
};

struct TlsServerConfig {
  std::string cert;
  Secret key;
  std::string client_ca;
  std::string cert_file;
  std::string key_file;
  std::string client_ca_file;
  ClientAuth client_auth_type = ClientAuth::kNone;
  std::vector<std::string> client_allowed_sans;
  std::vector<std::string> cipher_suites;      // IANA names; empty: the library's choice
  std::vector<std::string> curve_preferences;  // CurveP256, …; empty: the library's choice
  TlsVersion min_version = TlsVersion::kTls12;
  TlsVersion max_version = TlsVersion::kTls13;
  bool prefer_server_cipher_suites = true;
};

struct WebUser {
  std::string name;
  Secret bcrypt_hash;  // $2a$10$…
};

struct WebConfig {
  bool tls = false;  // tls_server_config is there: serve https
  TlsServerConfig tls_server_config;
  bool http2 = true;
  StringPairs headers;  // sent with every response
  std::vector<WebUser> basic_auth_users;
  /// Requests a client address may make at once and how often one more; 0: no limit.
  int64_t rate_limit_burst = 0;
  Millis rate_limit_interval{0};
};

/// Errors: kBadData with file:line:column. Relative paths are joined to file_name's directory.
Result<WebConfig> parse_web_config(std::string_view text, std::string_view file_name);
Result<WebConfig> load_web_config(const std::string& path, Fs& fs);

}  // namespace strata::config
