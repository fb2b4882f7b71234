#include "net/hmac.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "base/check.h"

namespace strata::net {

namespace {

template <size_t kSize>
std::array<uint8_t, kSize> hmac(const EVP_MD* hash, std::string_view key, std::string_view text) {
  std::array<uint8_t, kSize> digest{};
  unsigned int size = 0;
  CHECK(HMAC(hash, key.data(), static_cast<int>(key.size()),
             reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(),
             &size) != nullptr);
  CHECK(size == digest.size());
  return digest;
}

}  // namespace

Sha256Digest hmac_sha256(std::string_view key, std::string_view text) {
  return hmac<32>(EVP_sha256(), key, text);
}

std::array<uint8_t, 20> hmac_sha1(std::string_view key, std::string_view text) {
  return hmac<20>(EVP_sha1(), key, text);
}

std::array<uint8_t, 16> hmac_md5(std::string_view key, std::string_view text) {
  return hmac<16>(EVP_md5(), key, text);
}

Sha256Digest sha256(std::string_view text) {
  Sha256Digest digest{};
  unsigned int size = 0;
  CHECK(EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr) == 1);
  CHECK(size == digest.size());
  return digest;
}

std::string hex(std::span<const uint8_t> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const uint8_t byte : bytes) (out += kDigits[byte >> 4]) += kDigits[byte & 15];
  return out;
}

std::string_view as_text(std::span<const uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool constant_time_equal(const Sha256Digest& a, const Sha256Digest& b) {
  return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

void random_bytes(void* out, size_t size) {
  CHECK(RAND_bytes(static_cast<unsigned char*>(out), static_cast<int>(size)) == 1);
}

}  // namespace strata::net
