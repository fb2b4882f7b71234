// Hashes: XXH3 for tables in memory, CRC32C for bytes on disk, XXH64 where others must agree.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace strata {

/// XXH3-64. Not stable on disk, not for untrusted collisions.
uint64_t hash64(std::string_view bytes, uint64_t seed = 0);

/// XXH64 with seed 0: the hash that Prometheus takes of label sets.
uint64_t xxh64(std::string_view bytes);

/// CRC32C (Castagnoli, RFC 3720), with the SSE4.2 instruction where there is one. `crc` continues
/// an earlier call's result.
uint32_t crc32c(std::string_view bytes, uint32_t crc = 0);

}  // namespace strata
