#include "interop/xor_chunk.h"

#include <algorithm>
#include <bit>

#include "base/check.h"
#include "interop/prometheus_bytes.h"

namespace strata::interop {
namespace {

// Bits, the highest first.
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

// Widths of a delta of deltas; a prefix of i ones and a zero means width i, four ones 64 bits.
constexpr unsigned kDeltaWidths[] = {0, 14, 17, 20, 64};
constexpr unsigned kMostLeading = 31;  // five bits hold the number of leading zeros

bool fits(int64_t value, unsigned width) {
  return value >= -((int64_t{1} << (width - 1)) - 1) && value <= int64_t{1} << (width - 1);
}

void write_delta(BitWriter& out, int64_t value) {
  if (value == 0) return out.bits(0, 1);
  unsigned i = 1;
  while (i < 4 && !fits(value, kDeltaWidths[i])) ++i;
  out.bits(i < 4 ? (1u << (i + 1)) - 2 : 0xf, i < 4 ? i + 1 : 4);
  out.bits(static_cast<uint64_t>(value), kDeltaWidths[i]);
}

uint64_t read_delta(BitReader& in) {
  const unsigned width = kDeltaWidths[in.ones(4)];
  if (width == 0) return 0;
  uint64_t value = in.bits(width);
  if (width < 64 && value > uint64_t{1} << (width - 1)) value -= uint64_t{1} << width;
  return value;
}

// The window of meaningful bits that values of a chunk share until one does not fit.
struct Window {
  unsigned leading = UINT8_MAX;  // none yet
  unsigned trailing = 0;
};

void write_value(BitWriter& out, uint64_t change, Window& window) {
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

bool read_value(BitReader& in, uint64_t& value, Window& window) {
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

}  // namespace

void append_xor_chunk(std::string& out, std::span<const TimestampMs> times,
                      std::span<const double> values) {
  CHECK(!times.empty() && times.size() <= UINT16_MAX && times.size() == values.size());
  append_u16(out, static_cast<uint16_t>(times.size()));
  BitWriter bits(out);
  std::string varint;
  append_varint(varint, times[0]);
  bits.bytes(varint);
  bits.bits(std::bit_cast<uint64_t>(values[0]), 64);
  Window window;
  uint64_t delta = 0;
  for (size_t i = 1; i < times.size(); ++i) {
    const uint64_t next = static_cast<uint64_t>(times[i]) - static_cast<uint64_t>(times[i - 1]);
    if (i == 1) {
      varint.clear();
      append_uvarint(varint, next);
      bits.bytes(varint);
    } else {
      write_delta(bits, static_cast<int64_t>(next - delta));
    }
    delta = next;
    write_value(bits, std::bit_cast<uint64_t>(values[i]) ^ std::bit_cast<uint64_t>(values[i - 1]),
                window);
  }
}

Result<> read_xor_chunk(std::string_view data, SampleColumns& out) {
  BitReader in(data);
  const size_t count = in.bits(16);
  const size_t before = out.t.size();
  uint64_t t = 0;
  uint64_t delta = 0;
  uint64_t value = 0;
  Window window;
  bool good = in.ok();
  for (size_t i = 0; i < count && good; ++i) {
    if (i == 0) {
      const uint64_t z = in.uvarint();
      t = (z >> 1) ^ (~(z & 1) + 1);
      value = in.bits(64);
    } else {
      delta = i == 1 ? in.uvarint() : delta + read_delta(in);
      t += delta;
      good = read_value(in, value, window);
    }
    good = good && in.ok();
    out.t.push_back(static_cast<TimestampMs>(t));
    out.v.push_back(std::bit_cast<double>(value));
  }
  if (good) return {};
  out.t.resize(before);
  out.v.resize(before);
  return fail(ErrorCode::kCorruption, "an XOR chunk ends before its samples do");
}

}  // namespace strata::interop
