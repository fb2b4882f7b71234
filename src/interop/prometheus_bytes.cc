#include "interop/prometheus_bytes.h"

namespace strata::interop {
namespace {

void append_big_endian(std::string& out, uint64_t value, size_t n) {
  for (size_t i = n; i-- > 0;) out += static_cast<char>(value >> (8 * i));
}

}  // namespace

uint64_t PrometheusReader::big_endian(size_t n) {
  uint64_t value = 0;
  for (const char c : take(n)) value = value << 8 | static_cast<uint8_t>(c);
  return value;
}

uint64_t PrometheusReader::uvarint() {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const uint8_t byte = u8();
    value |= uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) return value;
  }
  fail();
  return 0;
}

void append_u16(std::string& out, uint16_t value) { append_big_endian(out, value, 2); }
void append_u32(std::string& out, uint32_t value) { append_big_endian(out, value, 4); }
void append_u64(std::string& out, uint64_t value) { append_big_endian(out, value, 8); }

void append_uvarint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

void append_varint(std::string& out, int64_t value) {
  append_uvarint(out, (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63));
}

}  // namespace strata::interop
