#include "discover/kube_access.h"

#include "base/base64.h"
#include "config/yaml.h"
#include "discover/peer_client.h"
#include "net/basic_auth.h"

namespace strata::discover {
namespace {

using config::YamlEntry;
using config::YamlNode;

/// The text of a mapping's member; empty when it is not there.
std::string text_at(const YamlNode& node, std::string_view key) {
  const YamlEntry* entry = node.find(key);
  if (entry == nullptr || config::is_null(entry->value)) return {};
  return config::as_text(entry->value).value_or("");
}

/// `list`'s entry of that name: [{name: …, kind: {…}}, …].
Result<const YamlNode*> named(const YamlNode& root, std::string_view list, std::string_view kind,
                              const std::string& name) {
  const YamlEntry* entries = root.find(list);
  if (entries != nullptr) {
    for (const YamlNode& item : entries->value.items) {
      if (text_at(item, "name") != name) continue;
      if (const YamlEntry* value = item.find(kind)) return &value->value;
    }
  }
  return bad_data(fmt::format("no {} is named \"{}\"", kind, name));
}

std::string joined_path(std::string_view dir, const std::string& path) {
  if (path.empty() || path.starts_with('/') || dir.empty()) return path;
  return fmt::format("{}/{}", dir, path);
}

/// Inline data, in base64, goes before the file.
Result<> take_pem(const YamlNode& node, const std::string& key, std::string_view dir,
                  std::string& pem, std::string& file) {
  const std::string data = text_at(node, key + "-data");
  if (data.empty()) {
    file = joined_path(dir, text_at(node, key));
    return {};
  }
  auto decoded = base64_decode(data);
  if (!decoded) return bad_data(key + "-data is not base64");
  pem = *std::move(decoded);
  return {};
}

Result<> take_cluster(const YamlNode& cluster, std::string_view dir, KubeAccess& access) {
  access.server = text_at(cluster, "server");
  if (access.server.empty()) return bad_data("the cluster has no server");
  config::TlsConfig& tls = access.http.tls_config;
  TRY(take_pem(cluster, "certificate-authority", dir, tls.ca, tls.ca_file));
  tls.server_name = text_at(cluster, "tls-server-name");
  const YamlEntry* skip = cluster.find("insecure-skip-tls-verify");
  tls.insecure_skip_verify = skip != nullptr && config::as_bool(skip->value).value_or(false);
  access.http.proxy.proxy_url = text_at(cluster, "proxy-url");
  return {};
}

Result<> take_user(const YamlNode& user, std::string_view dir, KubeAccess& access) {
  for (const std::string_view plugin : {"exec", "auth-provider"}) {
    if (user.find(plugin) == nullptr) continue;
    return bad_data(
        fmt::format("the user authenticates by {}, which is not supported: use a token "
                    "or a certificate",
                    plugin));
  }
  config::TlsConfig& tls = access.http.tls_config;
  std::string key;
  TRY(take_pem(user, "client-certificate", dir, tls.cert, tls.cert_file));
  TRY(take_pem(user, "client-key", dir, key, tls.key_file));
  tls.key = config::Secret(key);
  const std::string token = text_at(user, "token");
  const std::string token_file = joined_path(dir, text_at(user, "tokenFile"));
  if (!token.empty() || !token_file.empty()) {
    // client-go reads the file when both are there.
    access.http.authorization =
        config::Authorization{.credentials = config::Secret(token_file.empty() ? token : ""),
                              .credentials_file = token_file};
  } else if (!text_at(user, "username").empty()) {
    access.http.basic_auth =
        config::BasicAuth{.username = text_at(user, "username"),
                          .username_file = {},
                          .password = config::Secret(text_at(user, "password")),
                          .password_file = {}};
  }
  return {};
}

Result<KubeAccess> from_context(const YamlNode& root, std::string_view dir) {
  const std::string current = text_at(root, "current-context");
  if (current.empty()) return bad_data("there is no current-context");
  const YamlNode* context = TRY(named(root, "contexts", "context", current));
  KubeAccess access;
  const YamlNode* cluster = TRY(named(root, "clusters", "cluster", text_at(*context, "cluster")));
  TRY(take_cluster(*cluster, dir, access));
  if (const std::string name = text_at(*context, "user"); !name.empty()) {
    const YamlNode* user = TRY(named(root, "users", "user", name));
    TRY(take_user(*user, dir, access));
  }
  return access;
}

Result<KubeAccess> in_cluster(Fs& fs, const config::Environment& environment,
                              std::string_view dir) {
  const auto host = environment("KUBERNETES_SERVICE_HOST").value_or("");
  const auto port = environment("KUBERNETES_SERVICE_PORT").value_or("");
  if (host.empty() || port.empty()) {
    return fail(ErrorCode::kUnavailable,
                "this is no pod of a cluster (KUBERNETES_SERVICE_HOST is not set): name api_server "
                "or kubeconfig_file");
  }
  KubeAccess access;
  access.server = fmt::format("https://{}:{}", host.contains(':') ? "[" + host + "]" : host, port);
  access.http.authorization =
      config::Authorization{.credentials = {}, .credentials_file = fmt::format("{}/token", dir)};
  access.http.tls_config.ca_file = fmt::format("{}/ca.crt", dir);
  const auto own = read_credential(fs, fmt::format("{}/namespace", dir));
  if (own) access.own_namespace = *own;
  return access;
}

}  // namespace

Result<KubeAccess> parse_kubeconfig(std::string_view text, std::string_view file_name,
                                    std::string_view dir) {
  const YamlNode root = TRY(config::parse_yaml(text, file_name));
  auto access = from_context(root, dir);
  if (!access) return std::unexpected(access.error().within(file_name));
  return access;
}

Result<KubeAccess> kube_access(const config::KubernetesSdConfig& config, Fs& fs,
                               const config::Environment& environment,
                               std::string_view service_account_dir) {
  KubeAccess access;
  if (!config.kubeconfig_file.empty()) {
    const std::string& path = config.kubeconfig_file;
    const std::string text = TRY(fs.read_file(path));
    const size_t slash = path.rfind('/');
    access = TRY(parse_kubeconfig(
        text, path,
        slash == std::string::npos ? std::string_view() : std::string_view(path).substr(0, slash)));
  } else if (config.api_server.empty()) {
    access = TRY(in_cluster(fs, environment, service_account_dir));
    if (config.namespaces.own_namespace && access.own_namespace.empty()) {
      return fail(
          ErrorCode::kUnavailable,
          fmt::format("own_namespace: {}/namespace does not say which", service_account_dir));
    }
  } else {
    access.server = config.api_server;
    access.http = config.http;
  }
  while (access.server.ends_with('/')) access.server.pop_back();
  if (!access.server.contains("://")) access.server.insert(0, "https://");
  return access;
}

}  // namespace strata::discover
