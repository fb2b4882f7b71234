// The keys of section `gateway`: private to strata_config.cc.
#pragma once
#include "config/fields.h"
#include "config/gateway_config.h"
#include "config/validate.h"

namespace strata::config {

template <>
struct EnumNames<UpstreamKind> {
  static constexpr std::array<std::pair<std::string_view, UpstreamKind>, 4> kNames = {
      {{"vllm", UpstreamKind::kVllm},
       {"sglang", UpstreamKind::kSglang},
       {"openai", UpstreamKind::kOpenai},
       {"other", UpstreamKind::kOther}}};
};

template <>
struct EnumNames<RoutingPolicy> {
  static constexpr std::array<std::pair<std::string_view, RoutingPolicy>, 4> kNames = {
      {{"round_robin", RoutingPolicy::kRoundRobin},
       {"least_loaded", RoutingPolicy::kLeastLoaded},
       {"two_choices", RoutingPolicy::kTwoChoices},
       {"prefix_affinity", RoutingPolicy::kPrefixAffinity}}};
};

template <class V>
void fields(V& v, GatewayUpstream& c) {
  v.field("name", c.name);
  v.field("url", c.url);
  v.field("kind", c.kind);
  v.field("models", c.models);
  v.field("weight", c.weight);
  v.field("api_key", c.api_key);
  v.field("api_key_file", c.api_key_file);
  v.field("tls_config", c.tls);
}

template <class V>
void fields(V& v, GatewayBudget& c) {
  v.field("tenant", c.tenant);
  v.field("tokens_per_day", c.tokens_per_day);
  v.field("usd_per_day", c.usd_per_day);
}

template <class V>
void fields(V& v, GatewayJwt& c) {
  v.field("claim", c.claim);
  v.field("secret_file", c.secret_file);
  v.field("public_key_file", c.public_key_file);
  v.field("issuer", c.issuer);
  v.field("audience", c.audience);
}

template <class V>
void fields(V& v, GatewayTenants& c) {
  v.field("file", c.file);
  v.field("hmac_key_file", c.hmac_key_file);
  v.field("header", c.header);
  v.field("trusted", c.trusted);
  v.field("jwt", c.jwt);
  v.field("require", c.require);
  v.field("max_labels", c.max_labels);
  v.field("budgets", c.budgets);
}

template <class V>
void fields(V& v, GatewayLedger& c) {
  v.field("path", c.path);
  v.field("keep", c.keep);
  v.field("max_size", c.max_size);
}

template <class V>
void fields(V& v, GatewayConfig& c) {
  v.field("listen", c.listen);
  v.field("tls_cert_file", c.tls_cert_file);
  v.field("tls_key_file", c.tls_key_file);
  v.field("upstreams", c.upstreams);
  v.field("policy", c.policy);
  v.field("load_interval", c.load_interval);
  v.field("request_usage", c.request_usage);
  v.field("max_body", c.max_body);
  v.field("max_buffered", c.max_buffered);
  v.field("max_connections", c.max_connections);
  v.field("max_requests", c.max_requests);
  v.field("connect_timeout", c.connect_timeout);
  v.field("first_byte_timeout", c.first_byte_timeout);
  v.field("idle_timeout", c.idle_timeout);
  v.field("write_timeout", c.write_timeout);
  v.field("retries", c.retries);
  v.field("tenants", c.tenants);
  v.field("ledger", c.ledger);
  v.field("prices", c.prices);
}

void check(Decoder& d, const YamlNode& node, GatewayUpstream& c);
void check(Decoder& d, const YamlNode& node, GatewayBudget& c);
void check(Decoder& d, const YamlNode& node, GatewayJwt& c);
void check(Decoder& d, const YamlNode& node, GatewayTenants& c);
void check(Decoder& d, const YamlNode& node, GatewayConfig& c);

}  // namespace strata::config
