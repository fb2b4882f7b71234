#include "config/http_section.h"

#include "config/fields.h"
#include "config/glob.h"
#include "config/validate.h"

namespace strata::config {

void decode_http_section(Decoder& d, std::string_view key, const YamlNode& node,
                         const std::string& directory, HttpClientConfig& out) {
  if (node.kind != YamlNode::Kind::kMapping) return d.mismatch(key, node, "a mapping");
  FieldReader reader(d, node);
  fields(reader, out);
  reader.finish();
  if (!d.failed()) check_http_client(d, node, out);
  resolve_paths(directory, out);
}

void decode_tls_section(Decoder& d, std::string_view key, const YamlNode& node,
                        const std::string& directory, TlsConfig& out) {
  decode(d, key, node, out);
  resolve_paths(directory, out);
}

void resolve_paths(const std::string& directory, TlsConfig& c) {
  for (std::string* path : {&c.ca_file, &c.cert_file, &c.key_file}) {
    *path = join_path(directory, *path);
  }
}

void resolve_paths(const std::string& directory, HttpClientConfig& c) {
  const auto resolve = [&](std::string& path) { path = join_path(directory, path); };
  resolve_paths(directory, c.tls_config);
  if (c.basic_auth) {
    resolve(c.basic_auth->username_file);
    resolve(c.basic_auth->password_file);
  }
  if (c.authorization) resolve(c.authorization->credentials_file);
  if (c.oauth2) {
    resolve(c.oauth2->client_secret_file);
    resolve(c.oauth2->client_certificate_key_file);
    resolve_paths(directory, c.oauth2->tls_config);
  }
  for (HttpHeader& header : c.http_headers) {
    for (std::string& file : header.files) resolve(file);
  }
}

}  // namespace strata::config
