#include "config/web_config.h"

#include <gtest/gtest.h>

namespace strata::config {
namespace {

std::string error_of(std::string_view text) {
  const Result<WebConfig> result = parse_web_config(text, "web.yml");
  return result ? "no error" : result.error().message;
}

constexpr std::string_view kHash = "$2a$10$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

TEST(WebConfig, AnEmptyFileIsPlainHttpForEveryone) {
  const Result<WebConfig> c = parse_web_config("", "web.yml");
  ASSERT_TRUE(c);
  EXPECT_FALSE(c->tls);
  EXPECT_TRUE(c->basic_auth_users.empty());
}

TEST(WebConfig, ReadsUsersTlsAndHeaders) {
  const std::string text = R"(
tls_server_config:
  cert_file: server.crt
  key_file: /keys/server.key
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: ca.crt
  min_version: TLS13
  cipher_suites: [TLS_AES_128_GCM_SHA256]
  curve_preferences: [X25519]
http_server_config:
  http2: false
  headers: {X-Frame-Options: deny, Content-Security-Policy: default-src 'self'}
rate_limit: {burst: 5, interval: 1.5s}
basic_auth_users:
  alice: )" + std::string(kHash) +
                           "\n";
  const Result<WebConfig> c = parse_web_config(text, "/etc/strata/web.yml");
  ASSERT_TRUE(c) << c.error().message;
  EXPECT_TRUE(c->tls);
  EXPECT_EQ(c->tls_server_config.cert_file, "/etc/strata/server.crt");
  EXPECT_EQ(c->tls_server_config.key_file, "/keys/server.key");
  EXPECT_EQ(c->tls_server_config.client_auth_type, ClientAuth::kRequireAndVerify);
  EXPECT_EQ(c->tls_server_config.min_version, TlsVersion::kTls13);
  EXPECT_EQ(c->tls_server_config.max_version, TlsVersion::kTls13);
  EXPECT_FALSE(c->http2);
  EXPECT_EQ(c->headers.size(), 2U);
  EXPECT_EQ(c->basic_auth_users.at(0).name, "alice");
  EXPECT_EQ(c->basic_auth_users.at(0).bcrypt_hash.reveal(), kHash);
  EXPECT_EQ(c->rate_limit_burst, 5);
  EXPECT_EQ(c->rate_limit_interval, Millis{1'500});
}

TEST(WebConfig, RefusesWithThePlace) {
  const std::pair<const char*, const char*> cases[] = {
      {"basic_auth_users: {a: secret}\n",
       "web.yml:1:23: the password of a is not a bcrypt hash (htpasswd -nBC 10 makes one)"},
      {"tls_server_config: {cert_file: a}\n",
       "web.yml:1:20: tls_server_config needs key or key_file"},
      {"tls_server_config: {key_file: a}\n",
       "web.yml:1:20: tls_server_config needs cert or cert_file"},
      {"tls_server_config: {cert_file: a, key_file: b, client_ca_file: c}\n",
       "web.yml:1:20: a client CA needs a client_auth_type that asks for certificates"},
      {"tls_server_config: {cert_file: a, key_file: b, min_version: TLS14}\n",
       "web.yml:1:61: min_version: expected one of TLS10, TLS11, TLS12, TLS13, found \"TLS14\""},
      {"tls_server_config: {cert_file: a, key_file: b, cipher_suites: [X]}\n",
       "web.yml:1:64: cipher_suites: X is unknown"},
      {"http_server_config: {headers: {X-Mine: a}}\n", "web.yml:1:32: headers may not set X-Mine"},
      {"http_server_config: {headers: {X-Frame-Options: a}}\n",
       "web.yml:1:49: X-Frame-Options: value is one of deny, sameorigin"},
      {"rate_limit: {interval: soon}\n", "web.yml:1:24: interval is a duration like 1s"},
      {"basic_auth_user: {}\n",
       "web.yml:1:1: unknown key \"basic_auth_user\" (did you mean basic_auth_users?)"},
  };
  for (const auto& [text, error] : cases) EXPECT_EQ(error_of(text), error) << text;
}

}  // namespace
}  // namespace strata::config
