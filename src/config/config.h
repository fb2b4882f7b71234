// prometheus.yml as values. What the file leaves out has Prometheus' default; what a job inherits
// from `global` is filled in already; relative paths are joined to the config file's directory.
// Made by load.h or default_config(); nothing changes it afterwards, so any thread may read it.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/http_client_config.h"
#include "config/relabel_config.h"
#include "model/duration.h"
#include "model/labels.h"

namespace strata::config {

enum class ScrapeProtocol : uint8_t {
  kPrometheusProto,
  kPrometheusText004,
  kPrometheusText100,
  kOpenMetricsText001,
  kOpenMetricsText100,
};
/// "PrometheusText0.0.4", …: the config file's spelling.
std::string_view to_string(ScrapeProtocol protocol);
/// What is asked for when the file does not say, best first; protobuf only for native histograms.
std::vector<ScrapeProtocol> default_scrape_protocols(bool native_histograms);

/// How names outside the classic character set are to be escaped by the target.
enum class NameEscaping : uint8_t { kAllowUtf8, kUnderscores, kDots, kValues };
/// "allow-utf-8", "underscores", …: as in the Accept header's escaping parameter.
std::string_view to_string(NameEscaping escaping);

/// Bytes; printed and parsed with binary units ("15MiB"; "15MB" means the same).
struct ByteSize {
  int64_t bytes = 0;
  friend auto operator<=>(const ByteSize&, const ByteSize&) = default;
};

/// `global`. Limits: 0 is no limit.
struct GlobalConfig {
  Millis scrape_interval{60'000};
  Millis scrape_timeout{10'000};
  std::vector<ScrapeProtocol> scrape_protocols;  // empty: decided for each job
  Millis evaluation_interval{60'000};
  Millis rule_query_offset{0};
  std::string query_log_file;
  std::string scrape_failure_log_file;
  Labels external_labels;  // ${VAR} and $VAR expanded
  ByteSize body_size_limit;
  uint64_t sample_limit = 0;
  uint64_t target_limit = 0;
  uint64_t label_limit = 0;
  uint64_t label_name_length_limit = 0;
  uint64_t label_value_length_limit = 0;
  uint64_t keep_dropped_targets = 0;
  NameValidation metric_name_validation_scheme = NameValidation::kUtf8;
  NameEscaping metric_name_escaping_scheme = NameEscaping::kAllowUtf8;
  bool scrape_native_histograms = false;
  bool convert_classic_histograms_to_nhcb = false;
  bool always_scrape_classic_histograms = false;
  bool extra_scrape_metrics = false;
};

/// `static_configs`, and an entry of a file that file_sd reads.
struct StaticConfig {
  std::vector<std::string> targets;  // host:port
  Labels labels;
};

struct FileSdConfig {
  std::vector<std::string> files;  // a * may stand in the last path component
  Millis refresh_interval{300'000};
  friend bool operator==(const FileSdConfig&, const FileSdConfig&) = default;
};

struct HttpSdConfig {
  std::string url;
  Millis refresh_interval{60'000};
  HttpClientConfig http;
  friend bool operator==(const HttpSdConfig&, const HttpSdConfig&) = default;
};

enum class DnsRecordType : uint8_t { kSrv, kA, kAaaa, kMx, kNs };

struct DnsSdConfig {
  std::vector<std::string> names;
  Millis refresh_interval{30'000};
  DnsRecordType type = DnsRecordType::kSrv;
  int64_t port = 0;
  friend bool operator==(const DnsSdConfig&, const DnsSdConfig&) = default;
};

enum class KubernetesRole : uint8_t {
  kUnset,
  kNode,
  kPod,
  kService,
  kEndpoints,
  kEndpointSlice,
  kIngress,
};
/// "node", "endpointslice", …
std::string_view to_string(KubernetesRole role);

struct KubernetesSelector {
  KubernetesRole role = KubernetesRole::kUnset;
  std::string label;
  std::string field;
  friend bool operator==(const KubernetesSelector&, const KubernetesSelector&) = default;
};

struct KubernetesNamespaces {
  bool own_namespace = false;
  std::vector<std::string> names;
  friend bool operator==(const KubernetesNamespaces&, const KubernetesNamespaces&) = default;
};

struct KubernetesAttachMetadata {
  bool node = false;
  bool namespace_ = false;
  bool deployment = false;
  bool job = false;
  bool cronjob = false;
  friend bool operator==(const KubernetesAttachMetadata&,
                         const KubernetesAttachMetadata&) = default;
};

struct KubernetesSdConfig {
  std::string api_server;  // empty: the pod's service account
  KubernetesRole role = KubernetesRole::kUnset;
  std::string kubeconfig_file;
  HttpClientConfig http;
  KubernetesNamespaces namespaces;
  std::vector<KubernetesSelector> selectors;
  KubernetesAttachMetadata attach_metadata;
  friend bool operator==(const KubernetesSdConfig&, const KubernetesSdConfig&) = default;
};

/// Where a job's targets come from.
struct DiscoveryConfigs {
  std::vector<StaticConfig> static_configs;
  std::vector<FileSdConfig> file_sd_configs;
  std::vector<HttpSdConfig> http_sd_configs;
  std::vector<DnsSdConfig> dns_sd_configs;
  std::vector<KubernetesSdConfig> kubernetes_sd_configs;
};

/// A well-known local port that the zero-config default asks for /metrics.
struct LocalEndpoint {
  uint16_t port = 0;
  std::string software;  // "vllm", "dcgm-exporter", …: what usually listens there
  friend bool operator==(const LocalEndpoint&, const LocalEndpoint&) = default;
};

/// Discovery by looking at this machine's usual ports; set by default_config(), never by YAML.
struct LocalProbeConfig {
  std::vector<LocalEndpoint> endpoints;
  Millis refresh_interval{30'000};
  friend bool operator==(const LocalProbeConfig&, const LocalProbeConfig&) = default;
};

struct QueryParam {
  std::string name;
  std::vector<std::string> values;
};

/// One of `scrape_configs`. Limits: 0 is no limit.
struct ScrapeConfig {
  std::string job_name;
  bool honor_labels = false;
  bool honor_timestamps = true;
  bool track_timestamps_staleness = false;
  std::vector<QueryParam> params;
  Millis scrape_interval{60'000};
  Millis scrape_timeout{10'000};  // at most scrape_interval
  std::vector<ScrapeProtocol> scrape_protocols = default_scrape_protocols(false);
  std::optional<ScrapeProtocol> fallback_scrape_protocol;
  bool scrape_native_histograms = false;
  bool always_scrape_classic_histograms = false;
  bool convert_classic_histograms_to_nhcb = false;
  std::string scrape_failure_log_file;
  std::string metrics_path = "/metrics";
  std::string scheme = "http";
  bool enable_compression = true;
  ByteSize body_size_limit;
  uint64_t sample_limit = 0;
  uint64_t target_limit = 0;
  uint64_t label_limit = 0;
  uint64_t label_name_length_limit = 0;
  uint64_t label_value_length_limit = 0;
  uint64_t native_histogram_bucket_limit = 0;
  double native_histogram_min_bucket_factor = 0;
  uint64_t keep_dropped_targets = 0;
  NameValidation metric_name_validation_scheme = NameValidation::kUtf8;
  NameEscaping metric_name_escaping_scheme = NameEscaping::kAllowUtf8;
  bool extra_scrape_metrics = false;
  HttpClientConfig http;
  DiscoveryConfigs discovery;
  std::vector<RelabelConfig> relabel_configs;
  std::vector<RelabelConfig> metric_relabel_configs;

  /// Set by default_config() only: the name of the collector inside this process ("host", "self")
  /// that stands where an HTTP request to the target would. Empty: scrape by HTTP.
  std::string in_process;
  /// Set by default_config() only.
  std::optional<LocalProbeConfig> local_probe;
};

struct AlertmanagerConfig {
  std::string scheme = "http";
  std::string path_prefix;
  Millis timeout{10'000};
  std::string api_version = "v2";
  HttpClientConfig http;
  DiscoveryConfigs discovery;
  std::vector<RelabelConfig> relabel_configs;
  std::vector<RelabelConfig> alert_relabel_configs;
};

struct AlertingConfig {
  std::vector<RelabelConfig> alert_relabel_configs;
  std::vector<AlertmanagerConfig> alertmanagers;
};

struct QueueConfig {
  int64_t capacity = 10'000;
  int64_t max_shards = 50;
  int64_t min_shards = 1;
  int64_t max_samples_per_send = 2'000;
  Millis batch_send_deadline{5'000};
  Millis min_backoff{30};
  Millis max_backoff{5'000};
  bool retry_on_http_429 = false;
  Millis sample_age_limit{0};
};

struct MetadataConfig {
  bool send = true;
  Millis send_interval{60'000};
  int64_t max_samples_per_send = 2'000;
};

struct RemoteWriteConfig {
  std::string url;
  Millis remote_timeout{30'000};
  StringPairs headers;
  std::vector<RelabelConfig> write_relabel_configs;
  std::string name;
  bool send_exemplars = false;
  bool send_native_histograms = false;
  bool round_robin_dns = false;
  std::string protobuf_message = "prometheus.WriteRequest";
  bool failed_request_logging = false;
  HttpClientConfig http;
  QueueConfig queue_config;
  MetadataConfig metadata_config;
};

struct RemoteReadConfig {
  std::string url;
  Millis remote_timeout{60'000};
  uint64_t chunked_read_limit = 50'000'000;
  StringPairs headers;
  bool read_recent = false;
  std::string name;
  HttpClientConfig http;
  StringPairs required_matchers;
  bool filter_external_labels = true;
};

struct RetentionConfig {
  Millis time{0};
  ByteSize size;
  double percentage = 0;  // of the file system, 0-100
};

struct StorageConfig {
  Millis out_of_order_time_window{0};
  double stale_series_compaction_threshold = 0;
  std::string float_chunk_encoding;  // "", "xor" or "xor2"
  RetentionConfig retention;
  int64_t max_exemplars = 100'000;  // 0 and less: none are kept
};

struct TracingConfig {
  std::string client_type = "grpc";
  std::string endpoint;
  double sampling_fraction = 0;
  bool insecure = false;
  TlsConfig tls_config;
  StringPairs headers;
  std::string compression;
  Millis timeout{0};
};

struct OtlpConfig {
  bool promote_all_resource_attributes = false;
  std::vector<std::string> promote_resource_attributes;
  std::vector<std::string> ignore_resource_attributes;
  std::string translation_strategy = "UnderscoreEscapingWithSuffixes";
  bool keep_identifying_resource_attributes = false;
  bool convert_histograms_to_nhcb = false;
  bool promote_scope_metadata = false;
  bool label_name_underscore_sanitization = true;
  bool label_name_preserve_multiple_underscores = true;
};

struct Config {
  GlobalConfig global;
  std::optional<int64_t> runtime_gogc;
  AlertingConfig alerting;
  std::vector<std::string> rule_files;           // globs
  std::vector<std::string> scrape_config_files;  // globs
  /// The main file's jobs; load_config() appends those of scrape_config_files. Names are unique.
  std::vector<ScrapeConfig> scrape_configs;
  /// How many of scrape_configs stand in the main file itself.
  size_t own_scrape_configs = 0;
  StorageConfig storage;
  std::optional<TracingConfig> tracing;
  std::vector<RemoteWriteConfig> remote_write;
  std::vector<RemoteReadConfig> remote_read;
  std::optional<OtlpConfig> otlp;
};

/// What runs without a config file: jobs "strata" (this process), "node" (this machine, collected
/// in-process) and "local-engines" (whatever answers on an inference engine's or exporter's usual
/// port), scraped every 5 s, 15 s and 5 s.
/// `host` is the instance of what is collected in-process.
Config default_config(std::string_view host = "localhost");

/// The ports that local discovery knows: vLLM, SGLang, TGI, llama.cpp, Triton, dcgm-exporter and
/// node_exporter.
std::vector<LocalEndpoint> usual_local_endpoints();

/// The effective configuration as YAML that load.h reads back: defaults filled in, secrets as
/// <secret>, external labels expanded, only the main file's jobs (as Prometheus'
/// /api/v1/status/config). What YAML cannot say (in_process, local_probe) is a comment.
std::string to_yaml(const Config& config);
/// Likewise of one job, as /api/v1/scrape_pools/config shows it.
std::string to_yaml(const ScrapeConfig& config);

}  // namespace strata::config
