#include "interop/xor_chunk.h"

#include <algorithm>
#include <bit>

#include "base/check.h"
#include "interop/prometheus_bits.h"
#include "interop/prometheus_bytes.h"

namespace strata::interop {
namespace {

// Widths of a delta of deltas; a prefix of i ones and a zero means width i, four ones 64 bits.
constexpr unsigned kDeltaWidths[] = {0, 14, 17, 20, 64};

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
  XorWindow window;
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
    write_xor(bits, std::bit_cast<uint64_t>(values[i]) ^ std::bit_cast<uint64_t>(values[i - 1]),
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
  XorWindow window;
  bool good = in.ok();
  for (size_t i = 0; i < count && good; ++i) {
    if (i == 0) {
      const uint64_t z = in.uvarint();
      t = (z >> 1) ^ (~(z & 1) + 1);
      value = in.bits(64);
    } else {
      delta = i == 1 ? in.uvarint() : delta + read_delta(in);
      t += delta;
      good = read_xor(in, value, window);
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
