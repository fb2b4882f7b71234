#include "tsdb/bitpack.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace strata::tsdb {
namespace {

constexpr unsigned kRows = 32;  // of four lanes in a block

using Lanes = uint32_t __attribute__((vector_size(16)));
using WideLanes = uint64_t __attribute__((vector_size(32)));

constexpr uint64_t low_bits(unsigned width) {
  return width >= 64 ? ~uint64_t{0} : (uint64_t{1} << width) - 1;
}

Lanes load_lanes(const char* at) {
  Lanes lanes;
  std::memcpy(&lanes, at, sizeof lanes);
  return lanes;
}

template <unsigned kWidth, unsigned kRow>
void unpack_row(const char* in, uint64_t* out) {
  constexpr unsigned kWord = kRow * kWidth / 32;
  constexpr unsigned kShift = kRow * kWidth % 32;
  Lanes row = load_lanes(in + 16 * kWord) >> kShift;
  if constexpr (kShift + kWidth > 32) row |= load_lanes(in + 16 * (kWord + 1)) << (32 - kShift);
  if constexpr (kWidth < 32) row &= (uint32_t{1} << kWidth) - 1;
  const WideLanes wide = __builtin_convertvector(row, WideLanes);
  std::memcpy(out + 4 * kRow, &wide, sizeof wide);
}

template <unsigned kWidth>
void unpack_block(const char* in, uint64_t* out) {
  [&]<unsigned... kRow>(std::integer_sequence<unsigned, kRow...>) {
    (unpack_row<kWidth, kRow>(in, out), ...);
  }(std::make_integer_sequence<unsigned, kRows>());
}

using UnpackBlock = void (*)(const char*, uint64_t*);
constexpr auto kUnpackBlock = []<unsigned... kWidth>(std::integer_sequence<unsigned, kWidth...>) {
  return std::array<UnpackBlock, sizeof...(kWidth)>{unpack_block<kWidth + 1>...};
}(std::make_integer_sequence<unsigned, 32>());

// Eight values of a stream begin and end on whole bytes, so that their shifts are known too.
template <unsigned kWidth>
void unpack_eight(const char* in, uint64_t* out) {
  [&]<unsigned... kValue>(std::integer_sequence<unsigned, kValue...>) {
    const auto one = [&]<unsigned kBit>(std::integral_constant<unsigned, kBit>) {
      uint64_t word;
      std::memcpy(&word, in + kBit / 8, 8);
      return word >> (kBit % 8) & low_bits(kWidth);
    };
    ((out[kValue] = one(std::integral_constant<unsigned, kValue * kWidth>())), ...);
  }(std::make_integer_sequence<unsigned, 8>());
}

template <unsigned kWidth>
size_t unpack_eights(std::string_view bytes, std::span<uint64_t> out) {
  size_t done = 0;
  const char* in = bytes.data();
  // The last value's eight bytes begin within the group's last: seven more must be there.
  for (size_t left = bytes.size(); out.size() - done >= 8 && left >= kWidth + 7; done += 8) {
    unpack_eight<kWidth>(in, out.data() + done);
    in += kWidth;
    left -= kWidth;
  }
  return done;
}

using UnpackEights = size_t (*)(std::string_view, std::span<uint64_t>);
constexpr auto kUnpackEights = []<unsigned... kWidth>(std::integer_sequence<unsigned, kWidth...>) {
  return std::array<UnpackEights, sizeof...(kWidth)>{unpack_eights<kWidth + 1>...};
}(std::make_integer_sequence<unsigned, 56>());

void pack_block(const uint64_t* values, unsigned width, char* out) {
  for (unsigned lane = 0; lane < 4; ++lane) {
    uint64_t bits = 0;
    unsigned held = 0;
    unsigned word = 0;
    for (unsigned row = 0; row < kRows; ++row) {
      bits |= (values[4 * row + lane] & low_bits(width)) << held;
      held += width;
      if (held >= 32) {
        const auto low = static_cast<uint32_t>(bits);
        std::memcpy(out + 16 * word++ + 4 * lane, &low, 4);
        bits >>= 32;
        held -= 32;
      }
    }
  }
}

void pack_stream(std::span<const uint64_t> values, unsigned width, char* out) {
  unsigned __int128 bits = 0;
  unsigned held = 0;
  for (const uint64_t value : values) {
    bits |= static_cast<unsigned __int128>(value & low_bits(width)) << held;
    held += width;
    if (held >= 64) {
      const auto low = static_cast<uint64_t>(bits);
      std::memcpy(out, &low, 8);
      out += 8;
      bits >>= 64;
      held -= 64;
    }
  }
  const auto low = static_cast<uint64_t>(bits);
  std::memcpy(out, &low, (held + 7) / 8);
}

// A value as wide as this needs a ninth byte when it does not begin on one.
constexpr unsigned kWidestInWord = 57;

template <bool kWide>
uint64_t read_value(const char* in, size_t bit, uint64_t mask) {
  uint64_t word;
  std::memcpy(&word, in + bit / 8, 8);
  word >>= bit % 8;
  if (kWide && bit % 8 != 0) {
    const uint64_t next = static_cast<unsigned char>(in[bit / 8 + 8]);
    word |= next << (64 - bit % 8);
  }
  return word & mask;
}

template <bool kWide>
void unpack_stream(std::string_view bytes, unsigned width, std::span<uint64_t> out) {
  // A value is read as eight bytes and one: the last few go through a padded copy.
  constexpr size_t kReach = 9;
  const uint64_t mask = low_bits(width);
  const size_t safe_bits = bytes.size() < kReach ? 0 : (bytes.size() - kReach + 1) * 8;
  const size_t safe = std::min(out.size(), (safe_bits + width - 1) / width);
  size_t bit = 0;
  for (size_t i = 0; i < safe; ++i, bit += width) {
    out[i] = read_value<kWide>(bytes.data(), bit, mask);
  }
  if (safe == out.size()) return;
  char padded[2 * kReach] = {};
  const size_t from = bit / 8;
  std::memcpy(padded, bytes.data() + from, bytes.size() - from);
  for (size_t i = safe; i < out.size(); ++i, bit += width) {
    out[i] = read_value<kWide>(padded, bit - from * 8, mask);
  }
}

}  // namespace

void pack(std::span<const uint64_t> values, unsigned width, std::string& out) {
  if (width == 0) return;
  const size_t start = out.size();
  out.resize(start + packed_size(values.size(), width));
  char* at = out.data() + start;
  if (width <= 32) {
    for (; values.size() >= kPackBlock; values = values.subspan(kPackBlock)) {
      pack_block(values.data(), width, at);
      at += size_t{16} * width;
    }
  }
  pack_stream(values, width, at);
}

void unpack(std::string_view bytes, unsigned width, std::span<uint64_t> out) {
  DCHECK(bytes.size() == packed_size(out.size(), width));
  if (width == 0) {
    std::ranges::fill(out, 0);
    return;
  }
  if (width <= 32) {
    for (; out.size() >= kPackBlock; out = out.subspan(kPackBlock)) {
      kUnpackBlock[width - 1](bytes.data(), out.data());
      bytes.remove_prefix(size_t{16} * width);
    }
  }
  if (width <= kWidestInWord) {
    const size_t done = width <= kUnpackEights.size() ? kUnpackEights[width - 1](bytes, out) : 0;
    unpack_stream<false>(bytes.substr(done / 8 * width), width, out.subspan(done));
  } else {
    unpack_stream<true>(bytes, width, out);
  }
}

}  // namespace strata::tsdb
