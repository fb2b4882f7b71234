// Bytes of the log and tile records: little-endian, varints as in Protocol Buffers (LEB128).
// Writing appends to a string; reading never passes the end and fails once for all.
#pragma once
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace strata::tsdb::record {

static_assert(std::endian::native == std::endian::little);

template <class T>
void put_fixed(std::string& out, T value) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out.append(bytes, sizeof(T));
}

inline void put_byte(std::string& out, uint8_t value) { out.push_back(static_cast<char>(value)); }

inline void put_varint(std::string& out, uint64_t value) {
  char bytes[10];
  size_t n = 0;
  while (value >= 0x80) {
    bytes[n++] = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  bytes[n++] = static_cast<char>(value);
  out.append(bytes, n);
}

constexpr uint64_t zigzag(int64_t v) {
  return (static_cast<uint64_t>(v) << 1) ^ static_cast<uint64_t>(v >> 63);
}
constexpr int64_t unzigzag(uint64_t v) { return static_cast<int64_t>((v >> 1) ^ (~(v & 1) + 1)); }

inline void put_zigzag(std::string& out, int64_t value) { put_varint(out, zigzag(value)); }

inline void put_string(std::string& out, std::string_view text) {
  put_varint(out, text.size());
  out.append(text);
}

/// After a failed read every further one gives zero or empty, and ok() is false.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  bool done() const { return bytes_.empty(); }
  std::string_view rest() const { return bytes_; }
  void fail() { ok_ = false, bytes_ = {}; }

  template <class T>
  T fixed() {
    T value{};
    const std::string_view raw = take(sizeof(T));
    if (ok_) std::memcpy(&value, raw.data(), sizeof(T));
    return value;
  }
  uint8_t byte() { return fixed<uint8_t>(); }

  uint64_t varint() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const uint8_t b = byte();
      if (!ok_) return 0;
      value |= static_cast<uint64_t>(b & 0x7f) << shift;
      if (b < 0x80) return value;
    }
    fail();
    return 0;
  }
  int64_t zigzag() { return unzigzag(varint()); }

  /// A varint that must be at most `limit`.
  uint64_t bounded(uint64_t limit) {
    const uint64_t value = varint();
    if (value <= limit) return value;
    fail();
    return 0;
  }

  std::string_view take(size_t n) {
    if (n > bytes_.size()) {
      fail();
      return {};
    }
    const std::string_view out = bytes_.substr(0, n);
    bytes_.remove_prefix(n);
    return out;
  }
  std::string_view string() { return take(bounded(bytes_.size())); }

 private:
  std::string_view bytes_;
  bool ok_ = true;
};

}  // namespace strata::tsdb::record
