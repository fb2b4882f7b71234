// Integers as Prometheus' files have them: big-endian, and LEB128 varints (Go's encoding/binary).
// Reads past the end give zero and mark the reader failed; the caller asks ok() after a group.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace strata::interop {

class PrometheusReader {
 public:
  explicit PrometheusReader(std::string_view bytes) : bytes_(bytes) {}

  bool ok() const { return !failed_; }
  void fail() { failed_ = true, at_ = bytes_.size(); }
  size_t at() const { return at_; }
  size_t left() const { return bytes_.size() - at_; }

  uint8_t u8() { return static_cast<uint8_t>(big_endian(1)); }
  uint32_t u32() { return static_cast<uint32_t>(big_endian(4)); }
  uint64_t u64() { return big_endian(8); }
  uint64_t uvarint();
  int64_t varint() {
    const uint64_t z = uvarint();
    return static_cast<int64_t>((z >> 1) ^ (~(z & 1) + 1));
  }
  std::string_view take(uint64_t n) {
    if (n > left()) {
      fail();
      return {};
    }
    const auto out = bytes_.substr(at_, n);
    at_ += n;
    return out;
  }

 private:
  uint64_t big_endian(size_t n);

  std::string_view bytes_;
  size_t at_ = 0;
  bool failed_ = false;
};

void append_u16(std::string& out, uint16_t value);
void append_u32(std::string& out, uint32_t value);
void append_u64(std::string& out, uint64_t value);
void append_uvarint(std::string& out, uint64_t value);
void append_varint(std::string& out, int64_t value);

// What files begin with, and the versions read and written here.
inline constexpr uint32_t kIndexMagic = 0xBAAAD700;
inline constexpr uint8_t kIndexVersion = 2;
inline constexpr uint32_t kChunksMagic = 0x85BD40DD;
inline constexpr uint8_t kChunksVersion = 1;
inline constexpr uint32_t kTombstonesMagic = 0x0130BA30;
inline constexpr uint8_t kTombstonesVersion = 1;
inline constexpr size_t kChunksHeader = 8;
inline constexpr size_t kIndexHeader = 5;
/// Six u64 offsets and a CRC32C.
inline constexpr size_t kTocBytes = 52;
inline constexpr size_t kSeriesAlignment = 16;

enum class ChunkEncoding : uint8_t { kXor = 1, kHistogram = 2, kFloatHistogram = 3 };

}  // namespace strata::interop
