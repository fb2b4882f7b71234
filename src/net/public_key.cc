#include "net/public_key.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <string>

namespace strata::net {
namespace {

constexpr int kLeastRsaBits = 2048;
constexpr size_t kP256Part = 32;

template <class T, void (*kFree)(T*)>
struct Freed {
  void operator()(T* p) const { kFree(p); }
};
using Bio = std::unique_ptr<BIO, Freed<BIO, BIO_free_all>>;
using Certificate = std::unique_ptr<X509, Freed<X509, X509_free>>;
using Signature = std::unique_ptr<ECDSA_SIG, Freed<ECDSA_SIG, ECDSA_SIG_free>>;
using Digest = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX, EVP_MD_CTX_free>>;

Bio memory_bio(std::string_view text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

EVP_PKEY* read_key(std::string_view pem) {
  if (EVP_PKEY* key = PEM_read_bio_PUBKEY(memory_bio(pem).get(), nullptr, nullptr, nullptr)) {
    return key;
  }
  const Certificate certificate(
      PEM_read_bio_X509(memory_bio(pem).get(), nullptr, nullptr, nullptr));
  return certificate ? X509_get_pubkey(certificate.get()) : nullptr;
}

/// r and s in DER, as OpenSSL takes them; empty when they are none.
std::string der_of(std::string_view signature) {
  if (signature.size() != 2 * kP256Part) return {};
  const auto* const bytes = reinterpret_cast<const unsigned char*>(signature.data());
  const Signature both(ECDSA_SIG_new());
  BIGNUM* const r = BN_bin2bn(bytes, kP256Part, nullptr);
  BIGNUM* const s = BN_bin2bn(bytes + kP256Part, kP256Part, nullptr);
  if (ECDSA_SIG_set0(both.get(), r, s) != 1) return {};
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(both.get(), &der);
  std::string out(reinterpret_cast<const char*>(der), size > 0 ? static_cast<size_t>(size) : 0);
  OPENSSL_free(der);
  return out;
}

}  // namespace

Result<PublicKey> PublicKey::from_pem(std::string_view pem) {
  const std::shared_ptr<EVP_PKEY> key(read_key(pem), EVP_PKEY_free);
  ERR_clear_error();
  if (!key) return bad_data("no PEM of a public key or a certificate");
  if (EVP_PKEY_is_a(key.get(), "RSA") == 1) {
    if (EVP_PKEY_get_bits(key.get()) < kLeastRsaBits) {
      return bad_data("an RSA key of fewer than 2048 bits");
    }
    return PublicKey(key, Kind::kRsa);
  }
  char group[32] = {};
  size_t size = 0;
  const bool named = EVP_PKEY_get_group_name(key.get(), group, sizeof group, &size) == 1;
  if (named && std::string_view(group, size) == "prime256v1") return PublicKey(key, Kind::kP256);
  ERR_clear_error();
  return bad_data("a public key that is neither RSA nor on the curve P-256");
}

bool PublicKey::verify(std::string_view text, std::string_view signature) const {
  const std::string der = kind_ == Kind::kP256 ? der_of(signature) : std::string(signature);
  const Digest digest(EVP_MD_CTX_new());
  const bool good =
      !der.empty() &&
      EVP_DigestVerifyInit(digest.get(), nullptr, EVP_sha256(), nullptr,
                           static_cast<EVP_PKEY*>(key_.get())) == 1 &&
      EVP_DigestVerify(digest.get(), reinterpret_cast<const unsigned char*>(der.data()), der.size(),
                       reinterpret_cast<const unsigned char*>(text.data()), text.size()) == 1;
  ERR_clear_error();
  return good;
}

}  // namespace strata::net
