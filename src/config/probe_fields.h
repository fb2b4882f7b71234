// The keys of a module of `probes`: private to strata_config.cc. Keys that blackbox_exporter has
// and that change nothing here are taken: all addresses of a name are tried, in the system's order.
#pragma once
#include "config/fields.h"
#include "config/probe_config.h"
#include "config/validate.h"

namespace strata::config {

template <>
struct EnumNames<ProbeKind> {
  static constexpr std::array<std::pair<std::string_view, ProbeKind>, 3> kNames = {
      {{"http", ProbeKind::kHttp}, {"tcp", ProbeKind::kTcp}, {"canary", ProbeKind::kCanary}}};
};

template <class V>
void fields(V& v, HeaderMatch& c) {
  v.field("header", c.header);
  v.field("regexp", c.regexp);
  v.field("allow_missing", c.allow_missing);
}

template <class V>
void fields(V& v, HttpProbe& c) {
  v.field("method", c.method);
  v.field("headers", c.headers);
  v.field("body", c.body);
  v.field("valid_status_codes", c.valid_status_codes);
  v.field("valid_http_versions", c.valid_http_versions);
  v.field("fail_if_ssl", c.fail_if_ssl);
  v.field("fail_if_not_ssl", c.fail_if_not_ssl);
  v.field("fail_if_body_matches_regexp", c.fail_if_body_matches_regexp);
  v.field("fail_if_body_not_matches_regexp", c.fail_if_body_not_matches_regexp);
  v.field("fail_if_header_matches", c.fail_if_header_matches);
  v.field("fail_if_header_not_matches", c.fail_if_header_not_matches);
  v.field("body_size_limit", c.body_size_limit);
  v.opaque("preferred_ip_protocol");
  v.opaque("ip_protocol_fallback");
  fields(v, c.http);
}

template <class V>
void fields(V& v, TcpStep& c) {
  v.field("expect", c.expect);
  v.field("send", c.send);
}

template <class V>
void fields(V& v, TcpProbe& c) {
  v.field("query_response", c.query_response);
  v.field("tls", c.tls);
  v.field("tls_config", c.tls_config);
  v.opaque("preferred_ip_protocol");
  v.opaque("ip_protocol_fallback");
}

template <class V>
void fields(V& v, CanaryProbe& c) {
  v.field("path", c.path);
  v.field("model", c.model);
  v.field("prompt", c.prompt);
  fields(v, c.http);
}

template <class V>
void fields(V& v, ProbeModule& c) {
  v.field("prober", c.prober);
  v.field("timeout", c.timeout);
  v.field("allowed_targets", c.allowed_targets);
  v.field("http", c.http);
  v.field("tcp", c.tcp);
  v.field("canary", c.canary);
}

void check(Decoder& d, const YamlNode& node, HttpProbe& c);
void check(Decoder& d, const YamlNode& node, TcpProbe& c);
void check(Decoder& d, const YamlNode& node, CanaryProbe& c);
void check(Decoder& d, const YamlNode& node, ProbeModule& c);

/// Joins relative paths to `directory`.
void resolve_paths(const std::string& directory, ProbeModule& c);

}  // namespace strata::config
