// Untrusted bytes, read from front to back. A read past the end, or a malformed varint, gives zero
// and marks the reader failed; the caller asks ok() once, after a group of reads.
#pragma once
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace strata::tsdb {

static_assert(std::endian::native == std::endian::little,
              "formats are little-endian, read in place");

class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes)
      : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  bool ok() const { return !failed_; }
  void fail() {
    failed_ = true;
    at_ = end_;
  }
  size_t left() const { return static_cast<size_t>(end_ - at_); }
  bool done() const { return at_ == end_; }
  std::string_view rest() const { return {at_, left()}; }

  uint8_t u8() { return fixed<uint8_t>(); }
  uint32_t u32() { return fixed<uint32_t>(); }
  uint64_t u64() { return fixed<uint64_t>(); }

  std::string_view take(size_t n) {
    if (n > left()) {
      fail();
      return {};
    }
    const char* start = at_;
    at_ += n;
    return {start, n};
  }

  /// LEB128: seven bits a byte, lowest first.
  uint64_t varint() {
    if (at_ != end_ && static_cast<signed char>(*at_) >= 0) [[likely]] {
      return static_cast<unsigned char>(*at_++);
    }
    return long_varint();
  }
  /// A varint that must not exceed `max`.
  uint64_t varint_up_to(uint64_t max) {
    const uint64_t value = varint();
    if (value > max) fail();
    return value > max ? 0 : value;
  }
  /// Small magnitudes first: 0, -1, 1, -2, …
  int64_t zigzag() {
    const uint64_t z = varint();
    return static_cast<int64_t>((z >> 1) ^ (~(z & 1) + 1));
  }

 private:
  template <class T>
  T fixed() {
    T value = 0;
    if (left() < sizeof(T)) {
      fail();
      return value;
    }
    std::memcpy(&value, at_, sizeof(T));
    at_ += sizeof(T);
    return value;
  }
  uint64_t long_varint();

  const char* at_;
  const char* end_;
  bool failed_ = false;
};

inline uint64_t zigzag_encode(int64_t value) {
  return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
}
inline int64_t zigzag_decode(uint64_t z) { return static_cast<int64_t>((z >> 1) ^ (~(z & 1) + 1)); }
/// Bytes of `value` as a varint: 1 to 10.
inline size_t varint_size(uint64_t value) {
  return (static_cast<size_t>(std::bit_width(value | 1)) + 6) / 7;
}
void append_varint(std::string& out, uint64_t value);
inline void append_zigzag(std::string& out, int64_t value) {
  append_varint(out, zigzag_encode(value));
}
template <class T>
void append_fixed(std::string& out, T value) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out.append(bytes, sizeof(T));
}

}  // namespace strata::tsdb
