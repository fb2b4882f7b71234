// Keyed hashes of secrets, so that what is kept in memory or written as a label is not the secret.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace strata::net {

using Sha256Digest = std::array<uint8_t, 32>;

/// HMAC-SHA-256 (RFC 2104) of `text`.
Sha256Digest hmac_sha256(std::string_view key, std::string_view text);

/// Compares without telling by its time where two digests differ.
bool constant_time_equal(const Sha256Digest& a, const Sha256Digest& b);

/// From the system's generator, fit for keys. Ends the process when there is no entropy.
void random_bytes(void* out, size_t size);

}  // namespace strata::net
