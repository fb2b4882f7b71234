#include "net/hmac.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "base/check.h"

namespace strata::net {

Sha256Digest hmac_sha256(std::string_view key, std::string_view text) {
  Sha256Digest digest{};
  unsigned int size = 0;
  CHECK(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
             reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(),
             &size) != nullptr);
  CHECK(size == digest.size());
  return digest;
}

bool constant_time_equal(const Sha256Digest& a, const Sha256Digest& b) {
  return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

void random_bytes(void* out, size_t size) {
  CHECK(RAND_bytes(static_cast<unsigned char*>(out), static_cast<int>(size)) == 1);
}

}  // namespace strata::net
