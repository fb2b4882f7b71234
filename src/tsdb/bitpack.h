// Unsigned integers of one width, packed.
//
// Up to 32 bits wide, each 128 values are four interleaved lanes of 32-bit words: value i is in
// lane i % 4, bits of a lane lowest first. So one shift and one mask yield four neighbours, and a
// compiler does it with vectors. The values that remain, and all wider ones, are one stream of
// bits, lowest first.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace strata::tsdb {

/// Values that one interleaved block holds.
inline constexpr size_t kPackBlock = 128;

/// Bytes of n values of `width` bits, width <= 64.
constexpr size_t packed_size(size_t n, unsigned width) { return (n * width + 7) / 8; }

/// Appends the values' low `width` bits.
void pack(std::span<const uint64_t> values, unsigned width, std::string& out);

/// Fills `out` from exactly packed_size(out.size(), width) bytes.
void unpack(std::string_view bytes, unsigned width, std::span<uint64_t> out);

}  // namespace strata::tsdb
