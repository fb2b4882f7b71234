// Checks what others signed: a public key, and signatures over SHA-256 made with its other half.
//
// Immutable; any thread. Bounds: none of its own.
#pragma once
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/result.h"

namespace strata::net {

class PublicKey {
 public:
  enum class Kind : uint8_t {
    kRsa,   // PKCS #1 v1.5 (RFC 8017, 8.2): RS256 of JWS
    kP256,  // ECDSA, the signature as r and s of 32 bytes each (RFC 7518, 3.4): ES256
  };

  /// PEM of a public key (SubjectPublicKeyInfo) or of a certificate. Error: kBadData; RSA keys
  /// shorter than 2,048 bits are refused.
  static Result<PublicKey> from_pem(std::string_view pem);

  Kind kind() const { return kind_; }
  bool verify(std::string_view text, std::string_view signature) const;

 private:
  PublicKey(std::shared_ptr<void> key, Kind kind) : key_(std::move(key)), kind_(kind) {}

  std::shared_ptr<void> key_;  // EVP_PKEY
  Kind kind_;
};

}  // namespace strata::net
