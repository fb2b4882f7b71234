// What must hold between the keys of a section, checked once its keys are decoded: Prometheus'
// rules (3.14: config/, common/config, model/relabel, discovery/*), in our words. Found by decode.h
// through their names. `node` is the section, for the places of errors. Private to config/.
#pragma once
#include "config/config.h"
#include "config/decode.h"

namespace strata::config {

void check(Decoder& d, const YamlNode& node, TlsConfig& c);
void check(Decoder& d, const YamlNode& node, FileSdConfig& c);
void check(Decoder& d, const YamlNode& node, HttpSdConfig& c);
void check(Decoder& d, const YamlNode& node, DnsSdConfig& c);
void check(Decoder& d, const YamlNode& node, KubernetesSdConfig& c);
void check(Decoder& d, const YamlNode& node, GlobalConfig& c);
void check(Decoder& d, const YamlNode& node, ScrapeConfig& c);
void check(Decoder& d, const YamlNode& node, AlertmanagerConfig& c);
void check(Decoder& d, const YamlNode& node, RemoteWriteConfig& c);
void check(Decoder& d, const YamlNode& node, RemoteReadConfig& c);
void check(Decoder& d, const YamlNode& node, RetentionConfig& c);
void check(Decoder& d, const YamlNode& node, StorageConfig& c);
void check(Decoder& d, const YamlNode& node, TracingConfig& c);
void check(Decoder& d, const YamlNode& node, OtlpConfig& c);

/// A static target is host:port; whoever writes a URL there is told, unless relabelling may still
/// fix it.
void check_static_targets(Decoder& d, const YamlNode& node, bool has_relabeling);

/// Credentials exclude each other; bearer_token and bearer_token_file become `authorization`.
/// `node` is the section whose keys the client's stand among.
void check_http_client(Decoder& d, const YamlNode& node, HttpClientConfig& c);

/// `headers` of a remote endpoint or of tracing: none that the client sets itself.
void check_request_headers(Decoder& d, const YamlNode& node);

/// The rules of list `key` of `node`, whose labels must be valid under `validation`.
void check_relabeling(Decoder& d, const YamlNode& node, std::string_view key,
                      std::vector<RelabelConfig>& rules, NameValidation validation);

/// Fills in what a job takes over from `global` and checks what depends on it.
void apply_global(Decoder& d, const YamlNode& node, ScrapeConfig& job, const GlobalConfig& global);

/// Where `key` stands in `node`: its value, else the section.
YamlMark mark_of(const YamlNode& node, std::string_view key);
/// `key` is there and neither null nor empty text.
bool is_given(const YamlNode& node, std::string_view key);

}  // namespace strata::config
