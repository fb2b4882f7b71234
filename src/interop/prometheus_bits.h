// Bits as Prometheus' chunks have them: the highest first, and the codes of its chunkenc package
// that XOR and histogram chunks share.
#pragma once
#include <algorithm>
#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

namespace strata::interop {

class BitWriter {
 public:
  explicit BitWriter(std::string& out) : out_(out) {}

  void bits(uint64_t value, unsigned n) {
    while (n > 0) {
      if (free_ == 0) {
        out_ += '\0';
        free_ = 8;
      }
      const unsigned take = std::min(n, free_);
      const uint64_t part = (value >> (n - take)) & ((1u << take) - 1);
      out_.back() = static_cast<char>(static_cast<uint8_t>(out_.back()) | part << (free_ - take));
      free_ -= take;
      n -= take;
    }
  }
  void bytes(std::string_view text) {
    for (const char c : text) bits(static_cast<uint8_t>(c), 8);
  }

 private:
  std::string& out_;
  unsigned free_ = 0;  // bits of the last byte
};

class BitReader {
 public:
  explicit BitReader(std::string_view bytes) : bytes_(bytes), left_(bytes.size() * 8) {}

  bool ok() const { return !failed_; }
  uint64_t bits(unsigned n) {
    if (n > left_) {
      failed_ = true;
      left_ = 0;
      return 0;
    }
    uint64_t value = 0;
    left_ -= n;
    while (n > 0) {
      const unsigned take = std::min(n, 8 - used_);
      const auto byte = static_cast<uint8_t>(bytes_[at_]);
      value = value << take | ((byte >> (8 - used_ - take)) & ((1u << take) - 1));
      used_ += take;
      n -= take;
      if (used_ == 8) used_ = 0, ++at_;
    }
    return value;
  }
  uint64_t uvarint() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const uint64_t byte = bits(8);
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    failed_ = true;
    return 0;
  }
  /// How many ones come before a zero, up to `most`, after which no zero is expected.
  unsigned ones(unsigned most) {
    unsigned n = 0;
    while (n < most && bits(1) == 1) ++n;
    return n;
  }

 private:
  std::string_view bytes_;
  size_t at_ = 0;
  unsigned used_ = 0;  // bits of bytes_[at_]
  size_t left_;
  bool failed_ = false;
};

/// Whether `value` has a code of `width` bits: asymmetric, 2^(width-1) is in and its negative not.
constexpr bool fits(int64_t value, unsigned width) {
  return value >= -((int64_t{1} << (width - 1)) - 1) && value <= int64_t{1} << (width - 1);
}

/// The window of meaningful bits that values of a chunk share until one does not fit.
struct XorWindow {
  unsigned leading = UINT8_MAX;  // none yet
  unsigned trailing = 0;
};
/// A value as the bits in which it differs from the one before.
void write_xor(BitWriter& out, uint64_t change, XorWindow& window);
/// False for bits that make no sense; their end shows in `in`.
bool read_xor(BitReader& in, uint64_t& value, XorWindow& window);

/// Integers of histogram chunks, 1 bit to 9 bytes (chunkenc/varbit.go).
void write_varbit(BitWriter& out, int64_t value);
int64_t read_varbit(BitReader& in);
void write_varbit_unsigned(BitWriter& out, uint64_t value);
uint64_t read_varbit_unsigned(BitReader& in);

}  // namespace strata::interop
