// Section `probes` of strata.yml: what /probe?module=NAME&target=… may do, one module a name, in
// the spelling of blackbox_exporter's `modules`. probe/prober.h runs them.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/regex.h"
#include "config/config.h"
#include "config/http_client_config.h"

namespace strata::config {

enum class ProbeKind : uint8_t { kUnset, kHttp, kTcp, kCanary };

struct HeaderMatch {
  std::string header;
  Regex regexp = match_all();
  bool allow_missing = false;
};

/// Success: a status of valid_status_codes (2xx when empty), and no condition that fails.
struct HttpProbe {
  std::string method = "GET";
  StringPairs headers;
  std::string body;
  std::vector<uint64_t> valid_status_codes;
  std::vector<std::string> valid_http_versions;  // "HTTP/1.1"
  bool fail_if_ssl = false;
  bool fail_if_not_ssl = false;
  std::vector<Regex> fail_if_body_matches_regexp;
  std::vector<Regex> fail_if_body_not_matches_regexp;
  std::vector<HeaderMatch> fail_if_header_matches;
  std::vector<HeaderMatch> fail_if_header_not_matches;
  ByteSize body_size_limit{int64_t{10} << 20};
  HttpClientConfig http;
};

struct TcpStep {
  std::string expect;  // a regular expression on a line; empty: none
  std::string send;    // a newline is added
};

struct TcpProbe {
  std::vector<TcpStep> query_response;
  bool tls = false;
  TlsConfig tls_config;
};

/// One token from an engine's OpenAI API: the target is its base URL.
struct CanaryProbe {
  std::string path = "/v1/chat/completions";
  std::string model;  // empty: the first of /v1/models
  std::string prompt = "ping";
  HttpClientConfig http;
};

struct ProbeModule {
  std::string name;
  ProbeKind prober = ProbeKind::kUnset;
  /// Below the scrape's timeout in any case. 0: no limit of its own.
  Millis timeout{0};
  /// Which targets may be probed, matched whole; none: any. A module with credentials has some, or
  /// whoever may ask for a probe could have them sent anywhere.
  std::vector<Regex> allowed_targets;
  HttpProbe http;
  TcpProbe tcp;
  CanaryProbe canary;
};

}  // namespace strata::config
