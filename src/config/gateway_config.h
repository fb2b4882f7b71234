// Section `gateway` of strata.yml: where the gateway listens, which engines stand behind it, who
// its tenants are, what is kept and what it costs. gateway/ applies it; docs/gateway.md has an
// example.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "config/config.h"
#include "config/http_client_config.h"
#include "config/secret.h"
#include "model/duration.h"

namespace strata::config {

/// What an upstream is: decides what it may be asked for beside the request.
enum class UpstreamKind : uint8_t {
  kOpenai,  // include_usage
  kVllm,    // and continuous_usage_stats
  kSglang,  // as vLLM
  kOther,   // nothing is asked for
};

enum class RoutingPolicy : uint8_t {
  kRoundRobin,
  kLeastLoaded,
  kTwoChoices,      // the less loaded of two drawn by chance
  kPrefixAffinity,  // same beginning of the prompt, same upstream, unless that one is busy
};

struct GatewayUpstream {
  std::string name;  // of labels; host:port of the URL when empty
  std::string url;   // http://10.0.0.7:8000
  UpstreamKind kind = UpstreamKind::kVllm;
  /// Names of models that it serves; empty: whatever is asked for.
  std::vector<std::string> models;
  uint64_t weight = 1;
  /// Sent as `Authorization: Bearer` in place of the client's; of the two at most one.
  Secret api_key;
  std::string api_key_file;
  TlsConfig tls;
  friend bool operator==(const GatewayUpstream&, const GatewayUpstream&) = default;
};

/// What a tenant may spend in a day of UTC; 0: no limit.
struct GatewayBudget {
  std::string tenant;
  uint64_t tokens_per_day = 0;
  double usd_per_day = 0;
};

/// Tokens whose claim is the tenant: signed with the secret (HS256) or for the public key (RS256,
/// ES256), of which there is one.
struct GatewayJwt {
  std::string claim = {};  // empty: tokens are not looked at
  std::string secret_file = {};
  std::string public_key_file = {};  // PEM
  std::string issuer = {};           // `iss` must be this; empty: any
  std::string audience = {};         // `aud` must be or hold this; empty: any
};

struct GatewayTenants {
  /// Lines "<hex HMAC-SHA-256 of an API key> <tenant>"; read again when it changes.
  std::string file = {};
  /// The key of those HMACs: the file's content without the line break at its end.
  std::string hmac_key_file = {};
  /// A header that says the tenant, taken from clients in `trusted` only.
  std::string header = {};
  std::vector<std::string> trusted = {"127.0.0.0/8", "::1/128"};
  GatewayJwt jwt = {};
  /// Keys that the file does not know, and tokens that are not good, are refused with 401.
  bool require = false;
  /// Tenants that are labels of their own, those that ask most; the others are `other`.
  uint64_t max_labels = 50;
  std::vector<GatewayBudget> budgets = {};
};

struct GatewayLedger {
  std::string path = {};  // a directory; empty: no ledger
  Millis keep = std::chrono::hours(24 * 30);
  ByteSize max_size{int64_t{4} << 30};
};

struct GatewayConfig {
  bool enabled = false;  // the section is there
  std::string listen = "127.0.0.1:8080";
  std::string tls_cert_file;
  std::string tls_key_file;
  std::vector<GatewayUpstream> upstreams;
  RoutingPolicy policy = RoutingPolicy::kTwoChoices;
  /// How often engines' /metrics are asked for the requests that others gave them; 0: never.
  Millis load_interval = std::chrono::seconds(1);
  /// Ask engines for usage, so that streams are counted exactly.
  bool request_usage = true;
  ByteSize max_body{int64_t{64} << 20};
  ByteSize max_buffered{int64_t{1} << 30};  // bodies of all requests under way
  uint64_t max_connections = 20'000;
  uint64_t max_requests = 20'000;  // under way
  Millis connect_timeout = std::chrono::seconds(1);
  Millis first_byte_timeout{0};  // 0: none
  Millis idle_timeout = std::chrono::minutes(10);
  Millis write_timeout = std::chrono::minutes(1);
  uint64_t retries = 2;
  GatewayTenants tenants;
  GatewayLedger ledger;
  /// YAML files of prices (prices/*.yaml).
  std::vector<std::string> prices;
};

}  // namespace strata::config
