#include "interop/prometheus_bits.h"

#include <algorithm>
#include <bit>

namespace strata::interop {
namespace {

// Five bits hold the number of leading zeros.
constexpr unsigned kMostLeading = 31;

// A prefix of i ones and a zero means this width; eight ones need no zero.
constexpr unsigned kVarbitWidths[] = {0, 3, 6, 9, 12, 18, 25, 56, 64};
constexpr unsigned kLongestPrefix = 8;

void write_prefix(BitWriter& out, unsigned ones) {
  if (ones == kLongestPrefix) return out.bits(0xff, kLongestPrefix);
  out.bits((1u << (ones + 1)) - 2, ones + 1);
}

}  // namespace

void write_xor(BitWriter& out, uint64_t change, XorWindow& window) {
  if (change == 0) return out.bits(0, 1);
  const unsigned leading = std::min(static_cast<unsigned>(std::countl_zero(change)), kMostLeading);
  const auto trailing = static_cast<unsigned>(std::countr_zero(change));
  if (leading >= window.leading && trailing >= window.trailing) {
    out.bits(0b10, 2);
    out.bits(change >> window.trailing, 64 - window.leading - window.trailing);
    return;
  }
  window = {leading, trailing};
  const unsigned meaningful = 64 - leading - trailing;
  out.bits(0b11, 2);
  out.bits(leading, 5);
  out.bits(meaningful & 63, 6);  // 64 is written as 0
  out.bits(change >> trailing, meaningful);
}

bool read_xor(BitReader& in, uint64_t& value, XorWindow& window) {
  const unsigned kind = in.ones(2);
  if (kind == 0) return true;
  if (kind == 2) {
    window.leading = static_cast<unsigned>(in.bits(5));
    const auto bits = static_cast<unsigned>(in.bits(6));
    const unsigned meaningful = bits == 0 ? 64 : bits;
    if (window.leading + meaningful > 64) return false;
    window.trailing = 64 - window.leading - meaningful;
  }
  if (window.leading == UINT8_MAX) return false;
  value ^= in.bits(64 - window.leading - window.trailing) << window.trailing;
  return true;
}

void write_varbit(BitWriter& out, int64_t value) {
  if (value == 0) return out.bits(0, 1);
  unsigned i = 1;
  while (i < kLongestPrefix && !fits(value, kVarbitWidths[i])) ++i;
  write_prefix(out, i);
  out.bits(static_cast<uint64_t>(value), kVarbitWidths[i]);
}

int64_t read_varbit(BitReader& in) {
  const unsigned width = kVarbitWidths[in.ones(kLongestPrefix)];
  if (width == 0) return 0;
  uint64_t value = in.bits(width);
  if (width < 64 && value > uint64_t{1} << (width - 1)) value -= uint64_t{1} << width;
  return static_cast<int64_t>(value);
}

void write_varbit_unsigned(BitWriter& out, uint64_t value) {
  if (value == 0) return out.bits(0, 1);
  unsigned i = 1;
  while (i < kLongestPrefix && value >> kVarbitWidths[i] != 0) ++i;
  write_prefix(out, i);
  out.bits(value, kVarbitWidths[i]);
}

uint64_t read_varbit_unsigned(BitReader& in) {
  const unsigned width = kVarbitWidths[in.ones(kLongestPrefix)];
  return width == 0 ? 0 : in.bits(width);
}

}  // namespace strata::interop
