// An HTTP client's keys as a section of their own (`http_config:` of alertmanager.yml), and the
// paths in them. Private to config/ and to formats that are read the same way.
#pragma once
#include <string>
#include <string_view>

#include "config/decode.h"
#include "config/http_client_config.h"

namespace strata::config {

/// Decodes, checks, and resolves paths against `directory`.
void decode_http_section(Decoder& d, std::string_view key, const YamlNode& node,
                         const std::string& directory, HttpClientConfig& out);
void decode_tls_section(Decoder& d, std::string_view key, const YamlNode& node,
                        const std::string& directory, TlsConfig& out);

/// Joins relative paths to `directory`.
void resolve_paths(const std::string& directory, TlsConfig& c);
void resolve_paths(const std::string& directory, HttpClientConfig& c);

}  // namespace strata::config
