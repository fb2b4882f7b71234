// Unsigned integers entropy-coded: for data that is read rarely. Small numbers that come often cost
// a fraction of a bit; what is noise costs what noise costs.
//
// A number is a token and, from 16 on, extra bits: the token has its width and its two bits below
// the leading one. Tokens are coded with rANS (asymmetric numeral systems: Jarek Duda,
// arXiv:1311.2540) under one table of frequencies for all of them; two interleaved states, so that
// a reader has two chains to follow at a time. Format: docs/formats/tile.md, "Entropy coded".
//
// Bound: kMaxEntropyValues a call. Pure functions, thread-safe.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "tsdb/byte_reader.h"

namespace strata::tsdb {

inline constexpr size_t kMaxEntropyValues = 8192;

/// Bytes of `values`, to a per cent or so; SIZE_MAX when they cannot be coded (none, too many).
size_t entropy_size(std::span<const uint64_t> values);

/// Appends the values, 1 to kMaxEntropyValues of them.
void entropy_pack(std::span<const uint64_t> values, std::string& out);

/// Fills `out`, moving past what it read. False: corrupt, `out` is undefined.
bool entropy_unpack(ByteReader& in, std::span<uint64_t> out);

}  // namespace strata::tsdb
