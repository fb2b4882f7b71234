// The tenant that a JSON Web Token names (RFC 7519): a claim of a token that somebody who may do so
// has signed. The key that is configured decides the algorithm, never the token: HS256 with a
// secret, RS256 or ES256 with a public key.
//
// Tokens come again with every request: those that were found good are remembered by a keyed hash,
// until they expire. Used on the loop's thread only. Bounds: kMaxToken bytes a token, kMaxKnown
// remembered ones.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"
#include "base/fs.h"
#include "base/result.h"
#include "config/gateway_config.h"
#include "net/public_key.h"

namespace strata::gateway {

class Jwt {
 public:
  static constexpr size_t kMaxToken = size_t{16} << 10;
  static constexpr size_t kMaxKnown = 10'000;
  /// How far the clocks of who signs and of who reads may be apart.
  static constexpr TimestampMs kLeewayMs = 60'000;

  /// Reads the key. Error: kIo, kBadData.
  static Result<Jwt> load(const config::GatewayJwt& config, Fs& fs);

  /// The claim; none for what is no token, not signed by the key, not valid now, meant for others,
  /// or without the claim.
  std::optional<std::string> tenant(std::string_view token, TimestampMs now_ms);

  size_t known() const { return known_.size(); }

 private:
  struct Known {
    std::string tenant;
    TimestampMs from_ms = 0;
    TimestampMs until_ms = 0;
  };
  using Digest = std::array<uint8_t, 32>;
  struct DigestHash {
    size_t operator()(const Digest& digest) const;
  };

  explicit Jwt(const config::GatewayJwt& config);
  bool is_signed(std::string_view text, std::string_view signature) const;
  std::string_view algorithm() const;
  std::optional<Known> read(std::string_view token) const;
  std::optional<Known> read_claims(std::string_view json) const;

  config::GatewayJwt config_;
  std::string secret_;                   // of HS256
  std::optional<net::PublicKey> key_{};  // of the others
  std::string cache_key_;
  std::unordered_map<Digest, Known, DigestHash> known_;
};

}  // namespace strata::gateway
