#include "discover/kube_access.h"

#include <gtest/gtest.h>

#include <map>

#include "base/temp_dir.h"

namespace strata::discover {
namespace {

constexpr std::string_view kKubeconfig = R"(
apiVersion: v1
current-context: two
clusters:
- name: c1
  cluster: {server: "https://one"}
- name: c2
  cluster:
    server: https://two:6443/
    certificate-authority-data: UEVN
    tls-server-name: kube
    proxy-url: http://proxy
contexts:
- {name: one, context: {cluster: c1, user: u1}}
- {name: two, context: {cluster: c2, user: u2}}
users:
- {name: u1, user: {exec: {command: aws}}}
- name: u2
  user: {client-certificate: certs/me.crt, client-key-data: S0VZ, token: t}
)";

std::string with_context(std::string_view name) {
  std::string text(kKubeconfig);
  return text.replace(text.find("two"), 3, name);
}

TEST(Kubeconfig, GivesTheCurrentContext) {
  const auto access = parse_kubeconfig(kKubeconfig, "k", "/home/me/.kube");
  ASSERT_TRUE(access) << access.error().message;
  EXPECT_EQ(access->server, "https://two:6443/");
  const config::TlsConfig& tls = access->http.tls_config;
  EXPECT_EQ(tls.ca, "PEM");
  EXPECT_EQ(tls.cert_file, "/home/me/.kube/certs/me.crt");
  EXPECT_EQ(tls.key.reveal(), "KEY");
  EXPECT_EQ(tls.server_name, "kube");
  EXPECT_EQ(access->http.proxy.proxy_url, "http://proxy");
  ASSERT_TRUE(access->http.authorization);
  EXPECT_EQ(access->http.authorization->credentials.reveal(), "t");
}

TEST(Kubeconfig, SaysWhatItCannotUse) {
  const std::pair<std::string, std::string_view> cases[] = {
      {with_context("one"),
       "k: the user authenticates by exec, which is not supported: use a token or a certificate"},
      {with_context("none"), "k: no context is named \"none\""},
      {"a: b", "k: there is no current-context"}};
  for (const auto& [text, message] : cases) {
    const auto access = parse_kubeconfig(text, "k", "");
    ASSERT_FALSE(access) << text;
    EXPECT_EQ(access.error().message, message);
  }
}

TEST(KubeAccess, InAPodItIsTheServiceAccount) {
  const TempDir dir;
  ASSERT_TRUE((*real_fs().create(dir.file("namespace")))->append("mine\n"));
  const std::map<std::string, std::string, std::less<>> variables = {
      {"KUBERNETES_SERVICE_HOST", "fd00::1"}, {"KUBERNETES_SERVICE_PORT", "443"}};
  const auto environment = [&](std::string_view name) -> std::optional<std::string> {
    const auto at = variables.find(name);
    return at == variables.end() ? std::nullopt : std::optional(at->second);
  };
  const auto access = kube_access({}, real_fs(), environment, dir.path());
  ASSERT_TRUE(access) << access.error().message;
  EXPECT_EQ(access->server, "https://[fd00::1]:443");
  EXPECT_EQ(access->own_namespace, "mine");
  EXPECT_EQ(access->http.authorization->credentials_file, dir.file("token"));
  EXPECT_EQ(access->http.tls_config.ca_file, dir.file("ca.crt"));
}

TEST(KubeAccess, OutsideOfAPodAServerMustBeNamed) {
  const auto nothing = [](std::string_view) { return std::nullopt; };
  const auto access = kube_access({}, real_fs(), nothing);
  ASSERT_FALSE(access);
  EXPECT_EQ(access.error().code, ErrorCode::kUnavailable);
  config::KubernetesSdConfig config;
  config.api_server = "https://api:6443/";
  EXPECT_EQ(kube_access(config, real_fs(), nothing)->server, "https://api:6443");
}

}  // namespace
}  // namespace strata::discover
