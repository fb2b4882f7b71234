// Hashes, keyed and plain: of secrets, so that what is kept in memory or written as a label is not
// the secret; and of what is signed for others.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace strata::net {

using Sha256Digest = std::array<uint8_t, 32>;

/// HMAC-SHA-256 (RFC 2104) of `text`.
Sha256Digest hmac_sha256(std::string_view key, std::string_view text);

/// SHA-256 (FIPS 180-4) of `text`.
Sha256Digest sha256(std::string_view text);
/// HMAC-SHA-1, for a signature that others make (Twilio's).
std::array<uint8_t, 20> hmac_sha1(std::string_view key, std::string_view text);
/// HMAC-MD5, for a protocol that knows no better (CRAM-MD5 of SMTP).
std::array<uint8_t, 16> hmac_md5(std::string_view key, std::string_view text);

/// In lower-case hexadecimal.
std::string hex(std::span<const uint8_t> bytes);
/// The bytes as text, for what takes text.
std::string_view as_text(std::span<const uint8_t> bytes);

/// Compares without telling by its time where two digests differ.
bool constant_time_equal(const Sha256Digest& a, const Sha256Digest& b);

/// From the system's generator, fit for keys. Ends the process when there is no entropy.
void random_bytes(void* out, size_t size);

}  // namespace strata::net
