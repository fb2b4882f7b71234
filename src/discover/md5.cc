#include "discover/md5.h"

#include <bit>
#include <cmath>
#include <string>

namespace strata::discover {
namespace {

/// floor(2^32 * |sin(i + 1)|): RFC 1321, section 3.4.
std::array<uint32_t, 64> sines() {
  std::array<uint32_t, 64> table{};
  for (size_t i = 0; i < table.size(); ++i) {
    table[i] = static_cast<uint32_t>(std::abs(std::sin(static_cast<double>(i + 1))) * 4294967296.0);
  }
  return table;
}

uint32_t little_endian(std::string_view bytes) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value |= uint32_t{static_cast<uint8_t>(bytes[i])} << (8 * i);
  return value;
}

void add_block(std::array<uint32_t, 4>& state, std::string_view block) {
  static const std::array<uint32_t, 64> kSines = sines();
  static constexpr int kRotations[4][4] = {
      {7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
  auto [a, b, c, d] = state;
  for (uint32_t i = 0; i < 64; ++i) {
    uint32_t mixed = 0;
    uint32_t word = 0;
    switch (i / 16) {
      case 0: mixed = (b & c) | (~b & d), word = i; break;
      case 1: mixed = (d & b) | (~d & c), word = (5 * i + 1) % 16; break;
      case 2: mixed = b ^ c ^ d, word = (3 * i + 5) % 16; break;
      default: mixed = c ^ (b | ~d), word = 7 * i % 16; break;
    }
    mixed += a + kSines[i] + little_endian(block.substr(size_t{4} * word, 4));
    a = d;
    d = c;
    c = b;
    b += std::rotl(mixed, kRotations[i / 16][i % 4]);
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
}

}  // namespace

std::array<uint8_t, 16> md5(std::string_view text) {
  std::array<uint32_t, 4> state = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
  const uint64_t bits = uint64_t{text.size()} * 8;
  while (text.size() >= 64) {
    add_block(state, text.substr(0, 64));
    text.remove_prefix(64);
  }
  std::string tail(text);
  tail += '\x80';
  tail.resize(tail.size() <= 56 ? 56 : 120, '\0');
  for (size_t i = 0; i < 8; ++i) tail += static_cast<char>(bits >> (8 * i));
  for (size_t i = 0; i < tail.size(); i += 64) add_block(state, std::string_view(tail).substr(i));
  std::array<uint8_t, 16> digest{};
  for (size_t i = 0; i < 16; ++i) digest[i] = static_cast<uint8_t>(state[i / 4] >> (8 * (i % 4)));
  return digest;
}

}  // namespace strata::discover
