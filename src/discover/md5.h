// MD5 (RFC 1321). Broken as a cryptographic hash and used for one thing only: hashmod must send a
// target to the same shard as Prometheus does. Thirty lines of our own, so that discover/ does not
// need OpenSSL, which may refuse MD5 by policy.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>

namespace strata::discover {

std::array<uint8_t, 16> md5(std::string_view text);

}  // namespace strata::discover
