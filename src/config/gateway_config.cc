#include "config/gateway_config.h"

#include <set>

#include "base/fs.h"
#include "config/gateway_fields.h"
#include "config/glob.h"
#include "config/http_section.h"
#include "config/url.h"

namespace strata::config {

void check(Decoder& d, const YamlNode& node, GatewayUpstream& c) {
  if (c.url.empty()) return d.fail(node.mark, "url is missing: where the engine listens");
  const YamlMark mark = mark_of(node, "url");
  if (!c.url.starts_with("http://") && !c.url.starts_with("https://")) {
    return d.fail(mark, fmt::format("url: {} does not begin with http:// or https://", c.url));
  }
  const std::string_view rest = std::string_view(c.url).substr(c.url.find("//") + 2);
  const size_t slash = rest.find('/');
  if (slash != std::string_view::npos && slash + 1 < rest.size()) {
    return d.fail(mark, "url: no path may follow the host: the client's is used");
  }
  if (c.name.empty()) c.name = rest.substr(0, slash);
  if (c.weight == 0) d.fail(mark_of(node, "weight"), "weight: at least 1");
  if (!c.api_key.empty() && !c.api_key_file.empty()) {
    d.fail(mark_of(node, "api_key"), "at most one of api_key and api_key_file");
  }
}

void check(Decoder& d, const YamlNode& node, GatewayBudget& c) {
  if (c.tenant.empty()) d.fail(node.mark, "tenant is missing");
  if (!(c.usd_per_day >= 0)) d.fail(mark_of(node, "usd_per_day"), "usd_per_day: 0 or more");
}

void check(Decoder& d, const YamlNode& node, GatewayJwt& c) {
  if (c.claim.empty()) return d.fail(node.mark, "jwt.claim is missing: which claim is the tenant");
  if (c.secret_file.empty() == c.public_key_file.empty()) {
    d.fail(node.mark, "jwt: one of secret_file and public_key_file");
  }
}

void check(Decoder& d, const YamlNode& node, GatewayTenants& c) {
  if (!c.file.empty() && c.hmac_key_file.empty()) {
    d.fail(mark_of(node, "file"), "tenants.file needs hmac_key_file: the key of its HMACs");
  }
  if (c.require && c.file.empty() && c.jwt.claim.empty()) {
    d.fail(mark_of(node, "require"), "tenants.require needs a file of tenants, or jwt");
  }
}

void check(Decoder& d, const YamlNode& node, GatewayConfig& c) {
  c.enabled = true;
  const std::string directory = directory_of(d.file_name());
  if (c.upstreams.empty()) return d.fail(node.mark, "gateway.upstreams: at least one");
  if (c.tls_cert_file.empty() != c.tls_key_file.empty()) {
    d.fail(node.mark, "gateway: tls_cert_file and tls_key_file come together");
  }
  std::set<std::string> names;
  for (GatewayUpstream& upstream : c.upstreams) {
    if (!names.insert(upstream.name).second) {
      d.fail(mark_of(node, "upstreams"), fmt::format("two upstreams are named {}", upstream.name));
    }
    upstream.api_key_file = join_path(directory, upstream.api_key_file);
    resolve_paths(directory, upstream.tls);
  }
  for (std::string* path :
       {&c.tls_cert_file, &c.tls_key_file, &c.tenants.file, &c.tenants.hmac_key_file,
        &c.tenants.jwt.secret_file, &c.tenants.jwt.public_key_file, &c.ledger.path}) {
    *path = join_path(directory, *path);
  }
  for (std::string& path : c.prices) path = join_path(directory, path);
  if (c.max_requests == 0 || c.max_connections == 0 || c.max_body.bytes <= 0) {
    d.fail(node.mark, "gateway: max_requests, max_connections and max_body: at least 1");
  }
}

}  // namespace strata::config
