#include "config/web_config.h"

#include <algorithm>
#include <array>

#include "config/fields.h"
#include "config/glob.h"
#include "config/validate.h"

namespace strata::config {

template <>
struct EnumNames<ClientAuth> {
  static constexpr std::array<std::pair<std::string_view, ClientAuth>, 6> kNames = {
      {{"NoClientCert", ClientAuth::kNone},
       {"RequestClientCert", ClientAuth::kRequest},
       {"RequireAnyClientCert", ClientAuth::kRequireAny},
       {"RequireClientCert", ClientAuth::kRequireAny},  // the old spelling
       {"VerifyClientCertIfGiven", ClientAuth::kVerifyIfGiven},
       {"RequireAndVerifyClientCert", ClientAuth::kRequireAndVerify}}};
};

namespace {

struct HttpServerSection {
  bool http2 = true;
  StringPairs headers;
};

struct RateLimitSection {
  int64_t burst = 0;
  std::string interval;  // Go's duration syntax: "1.5s" too
};

struct WebFile {
  std::optional<TlsServerConfig> tls_server_config;
  HttpServerSection http_server_config;
  RateLimitSection rate_limit;
  StringPairs basic_auth_users;
};

template <class V>
void fields(V& v, HttpServerSection& c) {
  v.field("http2", c.http2);
  v.field("headers", c.headers);
}

template <class V>
void fields(V& v, RateLimitSection& c) {
  v.field("burst", c.burst);
  v.field("interval", c.interval);
}

template <class V>
void fields(V& v, WebFile& c) {
  v.field("tls_server_config", c.tls_server_config);
  v.field("http_server_config", c.http_server_config);
  v.field("rate_limit", c.rate_limit);
  v.field("basic_auth_users", c.basic_auth_users);
}

/// Go's time.ParseDuration for one number and unit: "1s", "250ms", "1.5m".
std::optional<Millis> parse_go_duration(std::string_view text) {
  if (text == "0" || text.empty()) return Millis{0};
  const size_t end = text.find_first_not_of("0123456789.");
  if (end == std::string_view::npos || end == 0) return std::nullopt;
  YamlNode number;
  number.text = text.substr(0, end);
  const std::optional<double> value = as_float(number);
  const std::string_view unit = text.substr(end);
  static constexpr std::array<std::pair<std::string_view, double>, 4> kUnits = {
      {{"ms", 1}, {"s", 1e3}, {"m", 60e3}, {"h", 3600e3}}};
  for (const auto& [name, millis] : kUnits) {
    if (unit == name && value && *value < 1e9) {
      return Millis(static_cast<int64_t>(*value * millis));
    }
  }
  return std::nullopt;
}

struct KnownHeader {
  std::string_view name;
  std::vector<std::string_view> values;  // empty: any
};

/// Only these: the others are the server's own business (exporter-toolkit: extraHTTPHeaders).
const std::vector<KnownHeader>& known_headers() {
  static const std::vector<KnownHeader> headers = {{"Strict-Transport-Security", {}},
                                                   {"X-Content-Type-Options", {"nosniff"}},
                                                   {"X-Frame-Options", {"deny", "sameorigin"}},
                                                   {"X-XSS-Protection", {}},
                                                   {"Content-Security-Policy", {}}};
  return headers;
}

void check_header(Decoder& d, const YamlEntry& entry) {
  for (const KnownHeader& known : known_headers()) {
    if (known.name != entry.key) continue;
    if (known.values.empty() ||
        std::ranges::find(known.values, entry.value.text) != known.values.end()) {
      return;
    }
    return d.fail(entry.value.mark,
                  fmt::format("{}: {}", entry.key, "value is " + one_of(known.values)));
  }
  d.fail(entry.key_mark, fmt::format("headers may not set {}", entry.key));
}

/// $2a$, $2b$ or $2y$, a cost, and 53 characters of salt and hash.
bool is_bcrypt(std::string_view hash) {
  return hash.size() == 60 && hash.starts_with("$2") && std::string_view("aby").contains(hash[2]) &&
         hash[3] == '$' && hash[6] == '$';
}

constexpr std::array<std::string_view, 4> kCurves = {"CurveP256", "CurveP384", "CurveP521",
                                                     "X25519"};
constexpr std::array<std::string_view, 18> kCiphers = {
    "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256"};

void check_names(Decoder& d, const YamlNode& node, std::string_view key,
                 const std::vector<std::string>& names, std::span<const std::string_view> known) {
  for (size_t i = 0; i < names.size(); ++i) {
    if (std::ranges::find(known, names[i]) != known.end()) continue;
    d.fail(node.find(key)->value.items[i].mark, fmt::format("{}: {} is unknown", key, names[i]));
  }
}

}  // namespace

template <class V>
void fields(V& v, TlsServerConfig& c) {
  v.field("cert", c.cert);
  v.field("key", c.key);
  v.field("client_ca", c.client_ca);
  v.field("cert_file", c.cert_file);
  v.field("key_file", c.key_file);
  v.field("client_ca_file", c.client_ca_file);
  v.unless_empty("client_auth_type", c.client_auth_type);
  v.field("client_allowed_sans", c.client_allowed_sans);
  v.field("cipher_suites", c.cipher_suites);
  v.field("curve_preferences", c.curve_preferences);
  v.unless_empty("min_version", c.min_version);
  v.unless_empty("max_version", c.max_version);
  v.field("prefer_server_cipher_suites", c.prefer_server_cipher_suites);
}

void check(Decoder& d, const YamlNode& node, TlsServerConfig& c) {
  const bool any = !c.cert.empty() || !c.cert_file.empty() || !c.key.empty() ||
                   !c.key_file.empty() || !c.client_ca.empty() || !c.client_ca_file.empty() ||
                   is_given(node, "client_auth_type");
  if (!any) return;
  if (c.cert.empty() && c.cert_file.empty()) {
    d.fail(node.mark, "tls_server_config needs cert or cert_file");
  }
  if (c.key.empty() && c.key_file.empty()) {
    d.fail(node.mark, "tls_server_config needs key or key_file");
  }
  const bool has_client_ca = !c.client_ca.empty() || !c.client_ca_file.empty();
  if (has_client_ca && c.client_auth_type == ClientAuth::kNone) {
    d.fail(mark_of(node, "client_auth_type"),
           "a client CA needs a client_auth_type that asks for certificates");
  }
  check_names(d, node, "cipher_suites", c.cipher_suites, kCiphers);
  check_names(d, node, "curve_preferences", c.curve_preferences, kCurves);
}

Result<WebConfig> parse_web_config(std::string_view text, std::string_view file_name) {
  const YamlNode root = TRY(parse_yaml(text, file_name));
  WebConfig out;
  if (is_null(root)) return out;
  Decoder d{std::string(file_name)};
  WebFile file;
  decode(d, "", root, file);
  TRY(d.result());
  if (const YamlEntry* server = root.find("http_server_config")) {
    if (const YamlEntry* headers = server->value.find("headers")) {
      for (const YamlEntry& header : headers->value.entries) check_header(d, header);
    }
  }
  for (auto& [name, hash] : file.basic_auth_users) {
    if (!is_bcrypt(hash)) {
      d.fail(mark_of(root.find("basic_auth_users")->value, name),
             fmt::format("the password of {} is not a bcrypt hash (htpasswd -nBC 10 makes one)",
                         name));
    }
    out.basic_auth_users.push_back({name, Secret(hash)});
  }
  const std::optional<Millis> interval = parse_go_duration(file.rate_limit.interval);
  if (!interval) {
    d.fail(mark_of(root.find("rate_limit")->value, "interval"), "interval is a duration like 1s");
  }
  TRY(d.result());

  if (file.tls_server_config) {
    TlsServerConfig& tls = *file.tls_server_config;
    const std::string dir = directory_of(file_name);
    for (std::string* path : {&tls.cert_file, &tls.key_file, &tls.client_ca_file}) {
      *path = join_path(dir, *path);
    }
    out.tls = !tls.cert.empty() || !tls.cert_file.empty();
    out.tls_server_config = std::move(tls);
  }
  out.http2 = file.http_server_config.http2;
  out.headers = std::move(file.http_server_config.headers);
  out.rate_limit_burst = file.rate_limit.burst;
  out.rate_limit_interval = *interval;
  return out;
}

Result<WebConfig> load_web_config(const std::string& path, Fs& fs) {
  const std::string text = TRY(fs.read_file(path));
  return parse_web_config(text, path);
}

}  // namespace strata::config
