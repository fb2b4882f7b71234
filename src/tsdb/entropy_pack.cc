#include "tsdb/entropy_pack.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "base/check.h"

namespace strata::tsdb {
namespace {

constexpr unsigned kTableBits = 12;
constexpr uint32_t kTableSize = 1u << kTableBits;
constexpr uint32_t kLowest = 1u << 16;  // a state is in [kLowest, kLowest << 16)
constexpr unsigned kPlainTokens = 16;
constexpr unsigned kPlainBits = 4;  // width of the last plain token
constexpr size_t kTokens = kPlainTokens + (64 - kPlainBits) * 4;
constexpr unsigned kMantissaBits = 2;  // of a written frequency, below its leading bit

struct Token {
  unsigned token;
  unsigned bits;  // of extra
  uint64_t extra;
};

Token token_of(uint64_t value) {
  if (value < kPlainTokens) return {static_cast<unsigned>(value), 0, 0};
  const auto width = static_cast<unsigned>(std::bit_width(value));
  const unsigned bits = width - 3;
  const auto below = static_cast<unsigned>(value >> bits) & 3;
  return {kPlainTokens + (width - kPlainBits - 1) * 4 + below, bits,
          value & ((uint64_t{1} << bits) - 1)};
}

unsigned extra_bits(unsigned token) {
  return token < kPlainTokens ? 0 : (token - kPlainTokens) / 4 + kPlainBits - 2;
}

uint64_t lowest_of(unsigned token) {
  if (token < kPlainTokens) return token;
  return uint64_t{4 + (token - kPlainTokens) % 4} << extra_bits(token);
}

using Frequencies = std::array<uint16_t, kTokens>;
using Counts = std::array<uint32_t, kTokens>;

// Written frequencies have few significant bits; this is the nearest that can be written.
uint32_t writable(uint32_t frequency) {
  const auto width = static_cast<unsigned>(std::bit_width(frequency));
  if (width <= kMantissaBits + 1) return frequency;
  const unsigned drop = width - kMantissaBits - 1;
  return ((frequency + (1u << (drop - 1))) >> drop) << drop;
}

uint32_t smaller_writable(uint32_t frequency) {
  const auto width = static_cast<unsigned>(std::bit_width(frequency - 1));
  if (width <= kMantissaBits + 1) return frequency - 1;
  const unsigned drop = width - kMantissaBits - 1;
  return ((frequency - 1) >> drop) << drop;
}

struct Table {
  Frequencies frequencies{};
  unsigned first = 0;   // token
  unsigned last = 0;    // token
  unsigned common = 0;  // the token that gets what the others leave
};

Table make_table(const Counts& counts, size_t total) {
  Table table;
  while (counts[table.first] == 0) ++table.first;
  table.last = kTokens - 1;
  while (counts[table.last] == 0) --table.last;
  table.common = static_cast<unsigned>(std::ranges::max_element(counts) - counts.begin());
  uint32_t sum = 0;
  for (unsigned t = table.first; t <= table.last; ++t) {
    if (counts[t] == 0 || t == table.common) continue;
    const auto share = static_cast<uint32_t>(
        std::lround(static_cast<double>(counts[t]) * kTableSize / static_cast<double>(total)));
    table.frequencies[t] = static_cast<uint16_t>(writable(std::max(share, 1u)));
    sum += table.frequencies[t];
  }
  // Many rare tokens, each rounded up to one, may leave too little for the common one.
  while (sum >= kTableSize) {
    uint16_t* largest = nullptr;
    for (unsigned t = table.first; t <= table.last; ++t) {
      uint16_t& f = table.frequencies[t];
      if (f > 1 && (largest == nullptr || f > *largest)) largest = &f;
    }
    CHECK(largest != nullptr);  // there are fewer tokens than places
    const uint32_t less = smaller_writable(*largest);
    sum -= *largest - less;
    *largest = static_cast<uint16_t>(less);
  }
  table.frequencies[table.common] = static_cast<uint16_t>(kTableSize - sum);
  return table;
}

// Bits, lowest first.
class BitWriter {
 public:
  explicit BitWriter(std::string& out) : out_(out) {}
  void put(uint64_t value, unsigned bits) {
    if (bits > 32) {
      put(value & 0xffffffff, 32);
      value >>= 32;
      bits -= 32;
    }
    held_ |= value << count_;
    count_ += bits;
    while (count_ >= 8) {
      out_ += static_cast<char>(held_);
      held_ >>= 8;
      count_ -= 8;
    }
  }
  void finish() {
    if (count_ > 0) out_ += static_cast<char>(held_);
    count_ = 0;
    held_ = 0;
  }

 private:
  std::string& out_;
  uint64_t held_ = 0;
  unsigned count_ = 0;
};

class BitReader {
 public:
  explicit BitReader(std::string_view bytes) : bytes_(bytes) {}
  // Past the end it gives zeros; used() tells.
  uint64_t get(unsigned bits) {
    uint64_t value = 0;
    for (unsigned done = 0; done < bits; ++done, ++at_) {
      if (at_ / 8 >= bytes_.size()) continue;
      const auto byte = static_cast<unsigned char>(bytes_[at_ / 8]);
      value |= uint64_t{static_cast<unsigned>(byte >> (at_ % 8)) & 1u} << done;
    }
    return value;
  }
  size_t used() const { return (at_ + 7) / 8; }

 private:
  std::string_view bytes_;
  size_t at_ = 0;
};

// First and last token, the common one, and for each of the others its frequency: four bits of
// width, then the bits below the leading one that count.
void append_table(const Table& table, std::string& out) {
  out += static_cast<char>(table.first);
  out += static_cast<char>(table.last - table.first);
  out += static_cast<char>(table.common - table.first);
  BitWriter bits(out);
  for (unsigned t = table.first; t <= table.last; ++t) {
    if (t == table.common) continue;
    const uint32_t f = table.frequencies[t];
    const auto width = static_cast<unsigned>(std::bit_width(f));
    bits.put(width, 4);
    if (width < 2) continue;
    const unsigned kept = std::min(width - 1, kMantissaBits);
    bits.put(f >> (width - 1 - kept) & ((1u << kept) - 1), kept);
  }
  bits.finish();
}

bool read_table(ByteReader& in, Table& table) {
  table.first = in.u8();
  table.last = table.first + in.u8();
  table.common = table.first + in.u8();
  if (!in.ok() || table.last >= kTokens || table.common > table.last) return false;
  BitReader bits(in.rest());
  uint32_t sum = 0;
  for (unsigned t = table.first; t <= table.last; ++t) {
    if (t == table.common) continue;
    const auto width = static_cast<unsigned>(bits.get(4));
    uint32_t f = width;
    if (width >= 2) {
      const unsigned kept = std::min(width - 1, kMantissaBits);
      const auto below = static_cast<uint32_t>(bits.get(kept));
      f = ((1u << kept) | below) << (width - 1 - kept);
    }
    if (f >= kTableSize) return false;
    table.frequencies[t] = static_cast<uint16_t>(f);
    sum += f;
  }
  if (sum >= kTableSize) return false;
  table.frequencies[table.common] = static_cast<uint16_t>(kTableSize - sum);
  in.take(bits.used());
  return in.ok();
}

size_t table_size(const Table& table) {
  size_t bits = 0;
  for (unsigned t = table.first; t <= table.last; ++t) {
    const auto width = static_cast<unsigned>(std::bit_width(uint32_t{table.frequencies[t]}));
    if (t != table.common) bits += 4 + (width < 2 ? 0 : std::min(width - 1, kMantissaBits));
  }
  return 3 + (bits + 7) / 8;
}

// A place of the decoder's table: the token in the low 8 bits, its frequency less one in the next
// 12, and how far into the token's places this one is in the highest 12.
constexpr unsigned kFrequencyShift = 8;
constexpr unsigned kOffsetShift = kFrequencyShift + kTableBits;

}  // namespace

size_t entropy_size(std::span<const uint64_t> values) {
  if (values.empty() || values.size() > kMaxEntropyValues) return SIZE_MAX;
  Counts counts{};
  size_t extra = 0;
  for (const uint64_t value : values) {
    const Token token = token_of(value);
    ++counts[token.token];
    extra += token.bits;
  }
  const Table table = make_table(counts, values.size());
  double bits = 0;
  for (unsigned t = table.first; t <= table.last; ++t) {
    if (counts[t] == 0) continue;
    bits += counts[t] * (kTableBits - std::log2(static_cast<double>(table.frequencies[t])));
  }
  return table_size(table) + 2 + 8 + static_cast<size_t>(bits / 8) + (extra + 7) / 8;
}

void entropy_pack(std::span<const uint64_t> values, std::string& out) {
  CHECK(!values.empty() && values.size() <= kMaxEntropyValues);
  Counts counts{};
  for (const uint64_t value : values) ++counts[token_of(value).token];
  const Table table = make_table(counts, values.size());
  append_table(table, out);
  std::array<uint32_t, kTokens> starts{};
  uint32_t start = 0;
  for (unsigned t = 0; t < kTokens; ++t) {
    starts[t] = start;
    start += table.frequencies[t];
  }

  // The last value first: a decoder takes out what was put in last.
  uint32_t states[2] = {kLowest, kLowest};
  std::string words;  // two bytes each, to be turned around
  for (size_t i = values.size(); i-- > 0;) {
    uint32_t& state = states[i % 2];
    const unsigned token = token_of(values[i]).token;
    const uint32_t frequency = table.frequencies[token];
    // 64 bits: a token that is all there is has a frequency of kTableSize.
    if (uint64_t{state} >= (uint64_t{kLowest >> kTableBits} << 16) * frequency) {
      words += static_cast<char>(state >> 8);
      words += static_cast<char>(state);
      state >>= 16;
    }
    state = (state / frequency << kTableBits) + state % frequency + starts[token];
  }
  std::ranges::reverse(words);
  append_varint(out, words.size() / 2);
  append_fixed(out, states[0]);
  append_fixed(out, states[1]);
  out += words;
  BitWriter extra(out);
  for (const uint64_t value : values) {
    const Token token = token_of(value);
    if (token.bits > 0) extra.put(token.extra, token.bits);
  }
  extra.finish();
}

bool entropy_unpack(ByteReader& in, std::span<uint64_t> out) {
  Table table;
  if (out.empty() || out.size() > kMaxEntropyValues || !read_table(in, table)) return false;
  std::array<uint32_t, kTableSize> places;
  uint32_t at = 0;
  for (unsigned t = table.first; t <= table.last; ++t) {
    const uint32_t frequency = table.frequencies[t];
    if (frequency == 0) continue;
    const uint32_t place = t | (frequency - 1) << kFrequencyShift;
    for (uint32_t k = 0; k < frequency; ++k) places[at++] = place | k << kOffsetShift;
  }
  const size_t words = in.varint_up_to(out.size());
  uint32_t states[2] = {in.u32(), in.u32()};
  const std::string_view stream = in.take(words * 2);
  if (!in.ok()) return false;

  const char* next = stream.data();
  const char* const end = next + stream.size();
  size_t bits = 0;
  const auto step = [&](uint32_t& state, uint64_t& value) {
    const uint32_t place = places[state % kTableSize];
    const uint32_t frequency = (place >> kFrequencyShift & (kTableSize - 1)) + 1;
    state = frequency * (state >> kTableBits) + (place >> kOffsetShift);
    if (state < kLowest && next != end) {
      uint16_t word;
      std::memcpy(&word, next, 2);
      next += 2;
      state = state << 16 | word;
    }
    value = place & 0xff;
  };
  size_t i = 0;
  for (; i + 1 < out.size(); i += 2) {
    step(states[0], out[i]);
    step(states[1], out[i + 1]);
  }
  if (i < out.size()) step(states[i % 2], out[i]);
  // Both states are where the encoder began: so wrong bytes are nearly always noticed.
  if (next != end || states[0] != kLowest || states[1] != kLowest) return false;

  for (const uint64_t token : out) bits += extra_bits(static_cast<unsigned>(token));
  const std::string_view extra = in.take((bits + 7) / 8);
  if (!in.ok()) return false;
  size_t bit = 0;
  for (uint64_t& value : out) {
    const auto token = static_cast<unsigned>(value);
    if (token < kPlainTokens) continue;
    const unsigned n = extra_bits(token);
    const size_t byte = bit / 8;
    uint64_t low = 0;
    std::memcpy(&low, extra.data() + byte, std::min<size_t>(8, extra.size() - byte));
    low >>= bit % 8;
    if (n + bit % 8 > 64) {
      low |= uint64_t{static_cast<unsigned char>(extra[byte + 8])} << (64 - bit % 8);
    }
    value = lowest_of(token) + (low & ((uint64_t{1} << n) - 1));
    bit += n;
  }
  return true;
}

}  // namespace strata::tsdb
