// The keys of prometheus.yml: one fields() a struct, walked to decode and to print (decode.h). The
// order is that of printing. Names, defaults and what is left out when empty are Prometheus 3.14's.
// Private to config/.
#pragma once
#include <array>
#include <string_view>
#include <utility>

#include "config/config.h"

namespace strata::config {

template <class E>
struct EnumNames;

template <>
struct EnumNames<TlsVersion> {
  static constexpr std::array<std::pair<std::string_view, TlsVersion>, 4> kNames = {
      {{"TLS10", TlsVersion::kTls10},
       {"TLS11", TlsVersion::kTls11},
       {"TLS12", TlsVersion::kTls12},
       {"TLS13", TlsVersion::kTls13}}};
};
template <>
struct EnumNames<ScrapeProtocol> {
  static constexpr std::array<std::pair<std::string_view, ScrapeProtocol>, 5> kNames = {
      {{"OpenMetricsText0.0.1", ScrapeProtocol::kOpenMetricsText001},
       {"OpenMetricsText1.0.0", ScrapeProtocol::kOpenMetricsText100},
       {"PrometheusProto", ScrapeProtocol::kPrometheusProto},
       {"PrometheusText0.0.4", ScrapeProtocol::kPrometheusText004},
       {"PrometheusText1.0.0", ScrapeProtocol::kPrometheusText100}}};
};
template <>
struct EnumNames<NameValidation> {
  static constexpr std::array<std::pair<std::string_view, NameValidation>, 2> kNames = {
      {{"utf8", NameValidation::kUtf8}, {"legacy", NameValidation::kLegacy}}};
};
template <>
struct EnumNames<NameEscaping> {
  static constexpr std::array<std::pair<std::string_view, NameEscaping>, 4> kNames = {
      {{"allow-utf-8", NameEscaping::kAllowUtf8},
       {"underscores", NameEscaping::kUnderscores},
       {"dots", NameEscaping::kDots},
       {"values", NameEscaping::kValues}}};
};
template <>
struct EnumNames<RelabelAction> {
  static constexpr std::array<std::pair<std::string_view, RelabelAction>, 11> kNames = {
      {{"replace", RelabelAction::kReplace},
       {"keep", RelabelAction::kKeep},
       {"drop", RelabelAction::kDrop},
       {"keepequal", RelabelAction::kKeepEqual},
       {"dropequal", RelabelAction::kDropEqual},
       {"hashmod", RelabelAction::kHashMod},
       {"labelmap", RelabelAction::kLabelMap},
       {"labeldrop", RelabelAction::kLabelDrop},
       {"labelkeep", RelabelAction::kLabelKeep},
       {"lowercase", RelabelAction::kLowercase},
       {"uppercase", RelabelAction::kUppercase}}};
};
template <>
struct EnumNames<DnsRecordType> {
  static constexpr std::array<std::pair<std::string_view, DnsRecordType>, 5> kNames = {
      {{"SRV", DnsRecordType::kSrv},
       {"A", DnsRecordType::kA},
       {"AAAA", DnsRecordType::kAaaa},
       {"MX", DnsRecordType::kMx},
       {"NS", DnsRecordType::kNs}}};
};
template <>
struct EnumNames<KubernetesRole> {
  static constexpr std::array<std::pair<std::string_view, KubernetesRole>, 6> kNames = {
      {{"node", KubernetesRole::kNode},
       {"pod", KubernetesRole::kPod},
       {"service", KubernetesRole::kService},
       {"endpoints", KubernetesRole::kEndpoints},
       {"endpointslice", KubernetesRole::kEndpointSlice},
       {"ingress", KubernetesRole::kIngress}}};
};

/// The name of an enum's value; empty when it has none (kUnset).
template <class E>
std::string_view name_of(E value) {
  for (const auto& [name, named] : EnumNames<E>::kNames) {
    if (named == value) return name;
  }
  return {};
}

template <class V>
void fields(V& v, TlsConfig& c) {
  v.field("ca", c.ca);
  v.field("cert", c.cert);
  v.field("key", c.key);
  v.field("ca_file", c.ca_file);
  v.field("cert_file", c.cert_file);
  v.field("key_file", c.key_file);
  v.field("server_name", c.server_name);
  v.always("insecure_skip_verify", c.insecure_skip_verify);
  v.field("min_version", c.min_version);
  v.field("max_version", c.max_version);
}

template <class V>
void fields(V& v, BasicAuth& c) {
  v.field("username", c.username);
  v.field("username_file", c.username_file);
  v.field("password", c.password);
  v.field("password_file", c.password_file);
}

template <class V>
void fields(V& v, Authorization& c) {
  v.field("type", c.type);
  v.field("credentials", c.credentials);
  v.field("credentials_file", c.credentials_file);
}

template <class V>
void fields(V& v, ProxyConfig& c) {
  v.url("proxy_url", c.proxy_url);
  v.field("no_proxy", c.no_proxy);
  v.field("proxy_from_environment", c.proxy_from_environment);
  v.field("proxy_connect_header", c.proxy_connect_header);
}

template <class V>
void fields(V& v, OAuth2& c) {
  v.field("client_id", c.client_id);
  v.field("client_secret", c.client_secret);
  v.field("client_secret_file", c.client_secret_file);
  v.field("client_certificate_key_id", c.client_certificate_key_id);
  v.field("client_certificate_key", c.client_certificate_key);
  v.field("client_certificate_key_file", c.client_certificate_key_file);
  v.field("grant_type", c.grant_type);
  v.field("signature_algorithm", c.signature_algorithm);
  v.field("iss", c.iss);
  v.field("audience", c.audience);
  v.field("claims", c.claims);
  v.field("scopes", c.scopes);
  v.field("token_url", c.token_url);
  v.field("endpoint_params", c.endpoint_params);
  v.field("tls_config", c.tls_config);
  fields(v, c.proxy);
}

template <class V>
void fields(V& v, HttpHeader& c) {
  v.field("values", c.values);
  v.field("secrets", c.secrets);
  v.field("files", c.files);
}

/// Stands among the keys of its owner, whose check() calls check_http_client().
template <class V>
void fields(V& v, HttpClientConfig& c) {
  v.field("basic_auth", c.basic_auth);
  v.field("authorization", c.authorization);
  v.field("oauth2", c.oauth2);
  v.opaque("bearer_token");       // check_http_client() turns
  v.opaque("bearer_token_file");  // them into authorization
  v.field("tls_config", c.tls_config);
  v.always("follow_redirects", c.follow_redirects);
  v.always("enable_http2", c.enable_http2);
  fields(v, c.proxy);
  v.section("http_headers", [&](auto& headers) { headers.named(c.http_headers); });
}

template <class V>
void fields(V& v, RelabelConfig& c) {
  v.field("source_labels", c.source_labels);
  v.always("separator", c.separator);
  v.field("regex", c.regex);
  v.field("modulus", c.modulus);
  v.field("target_label", c.target_label);
  v.always("replacement", c.replacement);
  v.always("action", c.action);
}

template <class V>
void fields(V& v, StaticConfig& c) {
  v.always("targets", c.targets);
  v.field("labels", c.labels);
}

template <class V>
void fields(V& v, FileSdConfig& c) {
  v.always("files", c.files);
  v.field("refresh_interval", c.refresh_interval);
}

template <class V>
void fields(V& v, HttpSdConfig& c) {
  fields(v, c.http);
  v.field("refresh_interval", c.refresh_interval);
  v.always("url", c.url);
}

template <class V>
void fields(V& v, DnsSdConfig& c) {
  v.always("names", c.names);
  v.field("refresh_interval", c.refresh_interval);
  v.always("type", c.type);
  v.always("port", c.port);
}

template <class V>
void fields(V& v, KubernetesNamespaces& c) {
  v.always("own_namespace", c.own_namespace);
  v.always("names", c.names);
}

template <class V>
void fields(V& v, KubernetesSelector& c) {
  v.field("role", c.role);
  v.field("label", c.label);
  v.field("field", c.field);
}

template <class V>
void fields(V& v, KubernetesAttachMetadata& c) {
  v.always("node", c.node);
  v.always("namespace", c.namespace_);
  v.always("deployment", c.deployment);
  v.always("job", c.job);
  v.always("cronjob", c.cronjob);
}

template <class V>
void fields(V& v, KubernetesSdConfig& c) {
  v.url("api_server", c.api_server);
  v.field("role", c.role);
  v.field("kubeconfig_file", c.kubeconfig_file);
  fields(v, c.http);
  v.field("namespaces", c.namespaces);
  v.field("selectors", c.selectors);
  v.field("attach_metadata", c.attach_metadata);
}

template <class V>
void fields(V& v, DiscoveryConfigs& c) {
  v.field("static_configs", c.static_configs);
  v.field("file_sd_configs", c.file_sd_configs);
  v.field("http_sd_configs", c.http_sd_configs);
  v.field("dns_sd_configs", c.dns_sd_configs);
  v.field("kubernetes_sd_configs", c.kubernetes_sd_configs);
  v.other_providers();
}

template <class V>
void fields(V& v, GlobalConfig& c) {
  v.always("scrape_interval", c.scrape_interval);
  v.always("scrape_timeout", c.scrape_timeout);
  v.field("scrape_protocols", c.scrape_protocols);
  v.always("evaluation_interval", c.evaluation_interval);
  v.field("rule_query_offset", c.rule_query_offset);
  v.field("query_log_file", c.query_log_file);
  v.field("scrape_failure_log_file", c.scrape_failure_log_file);
  v.field("external_labels", c.external_labels);
  v.field("body_size_limit", c.body_size_limit);
  v.field("sample_limit", c.sample_limit);
  v.field("target_limit", c.target_limit);
  v.field("label_limit", c.label_limit);
  v.field("label_name_length_limit", c.label_name_length_limit);
  v.field("label_value_length_limit", c.label_value_length_limit);
  v.field("keep_dropped_targets", c.keep_dropped_targets);
  v.unless_empty("metric_name_validation_scheme", c.metric_name_validation_scheme);
  v.unless_empty("metric_name_escaping_scheme", c.metric_name_escaping_scheme);
  v.always("scrape_native_histograms", c.scrape_native_histograms);
  v.field("convert_classic_histograms_to_nhcb", c.convert_classic_histograms_to_nhcb);
  v.field("always_scrape_classic_histograms", c.always_scrape_classic_histograms);
  v.always("extra_scrape_metrics", c.extra_scrape_metrics);
}

template <class V>
void fields(V& v, ScrapeConfig& c) {
  v.comment("in_process", c.in_process);
  if (c.local_probe) v.comment("discovery", "this machine's usual ports");
  v.always("job_name", c.job_name);
  v.field("honor_labels", c.honor_labels);
  v.always("honor_timestamps", c.honor_timestamps);
  v.always("track_timestamps_staleness", c.track_timestamps_staleness);
  v.field("params", c.params);
  v.field("scrape_interval", c.scrape_interval);
  v.field("scrape_timeout", c.scrape_timeout);
  v.field("scrape_protocols", c.scrape_protocols);
  v.unless_empty("fallback_scrape_protocol", c.fallback_scrape_protocol);
  v.always("scrape_native_histograms", c.scrape_native_histograms);
  v.always("always_scrape_classic_histograms", c.always_scrape_classic_histograms);
  v.always("convert_classic_histograms_to_nhcb", c.convert_classic_histograms_to_nhcb);
  v.field("scrape_failure_log_file", c.scrape_failure_log_file);
  v.field("metrics_path", c.metrics_path);
  v.field("scheme", c.scheme);
  v.always("enable_compression", c.enable_compression);
  v.field("body_size_limit", c.body_size_limit);
  v.field("sample_limit", c.sample_limit);
  v.field("target_limit", c.target_limit);
  v.field("label_limit", c.label_limit);
  v.field("label_name_length_limit", c.label_name_length_limit);
  v.field("label_value_length_limit", c.label_value_length_limit);
  v.field("native_histogram_bucket_limit", c.native_histogram_bucket_limit);
  v.field("native_histogram_min_bucket_factor", c.native_histogram_min_bucket_factor);
  v.field("keep_dropped_targets", c.keep_dropped_targets);
  v.unless_empty("metric_name_validation_scheme", c.metric_name_validation_scheme);
  v.unless_empty("metric_name_escaping_scheme", c.metric_name_escaping_scheme);
  v.always("extra_scrape_metrics", c.extra_scrape_metrics);
  fields(v, c.http);
  v.field("relabel_configs", c.relabel_configs);
  v.field("metric_relabel_configs", c.metric_relabel_configs);
  fields(v, c.discovery);
}

template <class V>
void fields(V& v, AlertmanagerConfig& c) {
  fields(v, c.http);
  v.opaque("sigv4");
  v.field("scheme", c.scheme);
  v.field("path_prefix", c.path_prefix);
  v.field("timeout", c.timeout);
  v.always("api_version", c.api_version);
  v.field("relabel_configs", c.relabel_configs);
  v.field("alert_relabel_configs", c.alert_relabel_configs);
  fields(v, c.discovery);
}

template <class V>
void fields(V& v, AlertingConfig& c) {
  v.field("alert_relabel_configs", c.alert_relabel_configs);
  v.field("alertmanagers", c.alertmanagers);
}

template <class V>
void fields(V& v, QueueConfig& c) {
  v.field("capacity", c.capacity);
  v.field("max_shards", c.max_shards);
  v.field("min_shards", c.min_shards);
  v.field("max_samples_per_send", c.max_samples_per_send);
  v.field("batch_send_deadline", c.batch_send_deadline);
  v.field("min_backoff", c.min_backoff);
  v.field("max_backoff", c.max_backoff);
  v.field("retry_on_http_429", c.retry_on_http_429);
  v.field("sample_age_limit", c.sample_age_limit);
}

template <class V>
void fields(V& v, MetadataConfig& c) {
  v.always("send", c.send);
  v.always("send_interval", c.send_interval);
  v.field("max_samples_per_send", c.max_samples_per_send);
}

template <class V>
void fields(V& v, RemoteWriteConfig& c) {
  v.url("url", c.url);
  v.field("remote_timeout", c.remote_timeout);
  v.field("headers", c.headers);
  v.field("write_relabel_configs", c.write_relabel_configs);
  v.field("name", c.name);
  v.field("send_exemplars", c.send_exemplars);
  v.field("send_native_histograms", c.send_native_histograms);
  v.field("round_robin_dns", c.round_robin_dns);
  v.field("protobuf_message", c.protobuf_message);
  v.field("failed_request_logging", c.failed_request_logging);
  fields(v, c.http);
  v.field("queue_config", c.queue_config);
  v.field("metadata_config", c.metadata_config);
  v.opaque("sigv4");
  v.opaque("azuread");
  v.opaque("google_iam");
}

template <class V>
void fields(V& v, RemoteReadConfig& c) {
  v.url("url", c.url);
  v.field("remote_timeout", c.remote_timeout);
  v.field("chunked_read_limit", c.chunked_read_limit);
  v.field("headers", c.headers);
  v.field("read_recent", c.read_recent);
  v.field("name", c.name);
  fields(v, c.http);
  v.field("required_matchers", c.required_matchers);
  v.always("filter_external_labels", c.filter_external_labels);
}

template <class V>
void fields(V& v, RetentionConfig& c) {
  v.field("time", c.time);
  v.field("size", c.size);
  v.field("percentage", c.percentage);
}

template <class V>
void fields(V& v, StorageConfig& c) {
  v.section("tsdb", [&](auto& tsdb) {
    tsdb.field("out_of_order_time_window", c.out_of_order_time_window);
    tsdb.field("stale_series_compaction_threshold", c.stale_series_compaction_threshold);
    tsdb.section("chunk_encoding",
                 [&](auto& encoding) { encoding.field("floats", c.float_chunk_encoding); });
    tsdb.field("retention", c.retention);
  });
  v.section("exemplars",
            [&](auto& exemplars) { exemplars.field("max_exemplars", c.max_exemplars); });
}

template <class V>
void fields(V& v, TracingConfig& c) {
  v.field("client_type", c.client_type);
  v.field("endpoint", c.endpoint);
  v.field("sampling_fraction", c.sampling_fraction);
  v.field("insecure", c.insecure);
  v.field("tls_config", c.tls_config);
  v.field("headers", c.headers);
  v.field("compression", c.compression);
  v.field("timeout", c.timeout);
}

template <class V>
void fields(V& v, OtlpConfig& c) {
  v.field("promote_all_resource_attributes", c.promote_all_resource_attributes);
  v.field("promote_resource_attributes", c.promote_resource_attributes);
  v.field("ignore_resource_attributes", c.ignore_resource_attributes);
  v.field("translation_strategy", c.translation_strategy);
  v.field("keep_identifying_resource_attributes", c.keep_identifying_resource_attributes);
  v.field("convert_histograms_to_nhcb", c.convert_histograms_to_nhcb);
  v.field("promote_scope_metadata", c.promote_scope_metadata);
  v.always("label_name_underscore_sanitization", c.label_name_underscore_sanitization);
  v.always("label_name_preserve_multiple_underscores", c.label_name_preserve_multiple_underscores);
}

template <class V>
void fields(V& v, Config& c) {
  v.always("global", c.global);
  v.section("runtime", [&](auto& runtime) { runtime.field("gogc", c.runtime_gogc); });
  v.field("alerting", c.alerting);
  v.field("rule_files", c.rule_files);
  v.field("scrape_config_files", c.scrape_config_files);
  v.field("scrape_configs", c.scrape_configs);
  v.field("storage", c.storage);
  v.field("tracing", c.tracing);
  v.field("remote_write", c.remote_write);
  v.field("remote_read", c.remote_read);
  v.field("otlp", c.otlp);
}

}  // namespace strata::config
