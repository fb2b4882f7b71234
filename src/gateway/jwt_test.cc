#include "gateway/jwt.h"

#include <gtest/gtest.h>

#include "base/base64.h"
#include "base/temp_dir.h"
#include "net/hmac.h"

namespace strata::gateway {
namespace {

// Of keys whose other halves are gone; the claims are kClaims.
const std::string kRsaKey =
    "-----BEGIN PUBLIC KEY-----\n"
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAqf9pDd1XJzt75WYcXv5D\n"
    "6qAs9DamcON7Ej6R7TNwqXC+mHuS81jUfsNQRUzl8EkqUg9yXKL/x9zftbiXUOLI\n"
    "Zv52jlbaQq9xsR76CiiU/juesf9w8azvpFGdrOPeTxKtF+CS40zP+RfGpBBDNCRP\n"
    "RvTU2Od8jqFEtBsZUsvioZixSHL+XAwpUCGafYbM62AvHUZgqCq7yTWXF88M21F3\n"
    "8j6Y6Nrg1nBWaLhfhWn8yk/fqbInnOHxz3cIoVQBC3O5TVkp5gNfNx/1KQ+uNi56\n"
    "snKZAbVwlEJQabXxcymcXvGypYOYZBsVw7lmR9zU8f7Vugg0y4a2RO+fZjp0iAOO\n"
    "NQIDAQAB\n"
    "-----END PUBLIC KEY-----\n";
const std::string kRsaToken =
    "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJ0ZW5hbnQiOiJyZWQiLCJpc3MiOiJodHRwczovL2lzc3VlciI"
    "sImF1ZCI6WyJ4IiwiZ2F0ZXdheSJdLCJleHAiOjIwMDAwMDAwMDB9.b_zCvE-W4i9f4KjRkz-r6LF4izsjqlt0R5"
    "-ZJkCohmKLbEYuHUiwQp0KK9M5Mavih12pBuoQspbl9Ea2MDjtU3oveJWZfSl7_c7iSFQr9_unLvTW5RUHE12dVh"
    "WqpN0f-UKeQcRgWk8AP3Rmute2RSX-ZT_gPnXkU1tzGzlXVKnOG9iY7qbNcqKi7_EtfmTnlkhrc2Js0l8M4F6VkZ"
    "Bmd-ddKVYE2rveCG7vV4lTleluoaiAurJtpEONJx2Ba9Zz9S3BsMC_J2OC_Qsx9dxZp1MmS_Rj8mpmQtc_-loa7H"
    "z92BQNnVH-51RbGf9MtfcFUSgFq85p7wVPUXJi30kH0g";
const std::string kP256Key =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEGJU5UoTpvF0zfnz3ftKV3SRkKTEG\n"
    "KWchwZ/YSNRT/RJ37kIaRI2AEo/3xli2JDZDV4rDXUvgJL60idb1TQhDVQ==\n"
    "-----END PUBLIC KEY-----\n";
const std::string kP256Token =
    "eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9.eyJ0ZW5hbnQiOiJyZWQiLCJpc3MiOiJodHRwczovL2lzc3VlciI"
    "sImF1ZCI6WyJ4IiwiZ2F0ZXdheSJdLCJleHAiOjIwMDAwMDAwMDB9.R99awZMcPtN3a7s8oysAIVrCKyKOboNnrv"
    "xOr2lPlpBXOQGgCNa1NVh61odrKWNkquYn2gWck07Pw8Ox4WzAIQ";
const std::string kClaims =
    R"({"tenant":"red","iss":"https://issuer","aud":["x","gateway"],"exp":2000000000})";
const std::string kSecret = "a secret that is long enough";
constexpr TimestampMs kNow = 1'900'000'000'000;
constexpr TimestampMs kExpires = 2'000'000'000'000;

std::string part(const std::string& text) {
  std::string out = base64_encode(text, Base64::kUrl);
  while (out.ends_with('=')) out.pop_back();
  return out;
}

std::string token_of(const std::string& claims, const std::string& header = R"({"alg":"HS256"})") {
  const std::string text = part(header) + "." + part(claims);
  return text + "." + part(std::string(net::as_text(net::hmac_sha256(kSecret, text))));
}

class JwtTest : public testing::Test {
 protected:
  Result<Jwt> load(const std::string& key, bool is_public, config::GatewayJwt config = {}) {
    const std::string path = dir_.file("key");
    EXPECT_TRUE((*real_fs().create(path))->append(key));
    (is_public ? config.public_key_file : config.secret_file) = path;
    if (config.claim.empty()) config.claim = "tenant";
    return Jwt::load(config, real_fs());
  }
  TempDir dir_;
};

TEST_F(JwtTest, NamesTheTenantOfATokenThatTheKeySigned) {
  const std::vector<std::tuple<std::string, bool, std::string>> cases = {
      {kSecret + "\n", false, token_of(kClaims)},
      {kRsaKey, true, kRsaToken},
      {kP256Key, true, kP256Token}};
  for (const auto& [key, is_public, token] : cases) {
    auto jwt = load(key, is_public);
    ASSERT_TRUE(jwt) << jwt.error().message;
    EXPECT_EQ(jwt->tenant(token, kNow), "red");
    EXPECT_EQ(jwt->tenant(token, kNow), "red");  // remembered
    EXPECT_EQ(jwt->known(), 1u);
    for (size_t i = 0; i + 1 < token.size(); i += 7) {  // the last digit has bits that say nothing
      std::string other = token;
      other[i] = other[i] == 'A' ? 'B' : 'A';
      EXPECT_EQ(jwt->tenant(other, kNow), std::nullopt) << i;
    }
    EXPECT_EQ(jwt->known(), 1u);
  }
}

TEST_F(JwtTest, TheTokenDoesNotChooseTheAlgorithm) {
  auto secret = load(kSecret, false);
  auto rsa = load(kRsaKey, true);
  ASSERT_TRUE(secret && rsa);
  EXPECT_EQ(secret->tenant(kRsaToken, kNow), std::nullopt);
  EXPECT_EQ(rsa->tenant(kP256Token, kNow), std::nullopt);
  for (const char* header :
       {R"({"alg":"none"})", R"({"alg":"RS256"})", "{}", "[]", R"({"alg":"HS256","crit":["x"]})"}) {
    EXPECT_EQ(secret->tenant(token_of(kClaims, header), kNow), std::nullopt) << header;
  }
  // The public key taken for a secret, which everyone has.
  const std::string text = part(R"({"alg":"HS256"})") + "." + part(kClaims);
  const auto forged = net::hmac_sha256(kRsaKey, text);
  EXPECT_EQ(rsa->tenant(text + "." + part(std::string(net::as_text(forged))), kNow), std::nullopt);
  EXPECT_EQ(secret->tenant(part(R"({"alg":"none"})") + "." + part(kClaims) + ".", kNow),
            std::nullopt);
}

TEST_F(JwtTest, HoldsWhileItsTimesSay) {
  auto jwt = load(kSecret, false);
  ASSERT_TRUE(jwt);
  EXPECT_EQ(jwt->tenant(token_of(kClaims), kExpires + Jwt::kLeewayMs - 1), "red");
  EXPECT_EQ(jwt->tenant(token_of(kClaims), kExpires + Jwt::kLeewayMs), std::nullopt);
  EXPECT_EQ(jwt->known(), 0u);
  const std::string later = R"({"tenant":"red","nbf":1900000060.5,"exp":2e9})";
  EXPECT_EQ(jwt->tenant(token_of(later), kNow), std::nullopt);
  EXPECT_EQ(jwt->tenant(token_of(later), kNow + 1000), "red");
  EXPECT_EQ(jwt->tenant(token_of(R"({"tenant":"red"})"), kNow), std::nullopt);  // for ever
  EXPECT_EQ(jwt->tenant(token_of(R"({"tenant":"red","exp":"x"})"), kNow), std::nullopt);
}

TEST_F(JwtTest, IsForWhomAndFromWhomItSays) {
  auto jwt =
      load(kSecret, false, {.claim = "org", .issuer = "https://issuer", .audience = "gateway"});
  ASSERT_TRUE(jwt);
  const auto tenant = [&](const std::string& claims) {
    return jwt->tenant(token_of(R"({"exp":2000000000,)" + claims + "}"), kNow);
  };
  EXPECT_EQ(tenant(R"("org":7,"iss":"https://issuer","aud":"gateway")"), "7");
  EXPECT_EQ(tenant(R"("org":"a","iss":"https://issuer","aud":["x"])"), std::nullopt);
  EXPECT_EQ(tenant(R"("org":"a","iss":"other","aud":"gateway")"), std::nullopt);
  EXPECT_EQ(tenant(R"("org":"a","aud":"gateway")"), std::nullopt);
  EXPECT_EQ(tenant(R"("org":{},"iss":"https://issuer","aud":"gateway")"), std::nullopt);
}

TEST_F(JwtTest, KeysThatAreWeakOrNoneAreRefused) {
  EXPECT_FALSE(load("short", false));
  EXPECT_FALSE(load("nonsense", true));
  EXPECT_FALSE(load("", true));
}

TEST_F(JwtTest, WhatIsNoTokenIsNobody) {
  auto jwt = load(kSecret, false);
  ASSERT_TRUE(jwt);
  for (const std::string& text :
       {std::string(), std::string("."), std::string(".."), std::string("a.b"),
        std::string("a.b.c.d"), std::string("sk-1"), std::string(Jwt::kMaxToken + 1, '.')}) {
    EXPECT_EQ(jwt->tenant(text, kNow), std::nullopt);
  }
}

}  // namespace
}  // namespace strata::gateway
