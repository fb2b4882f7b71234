// Writes the scrape records of before 0.2, which are only read now: for tests of reading them.
#pragma once
#include <bit>
#include <string>

#include "tsdb/record.h"
#include "tsdb/wal_record.h"
#include "tsdb/wal_record_v1.h"

namespace strata::tsdb::v1 {

// How a changed value is stored: as a whole difference in 1, 2 or 4 bytes, or with a byte of head:
// 0x80 | places << 4 | bytes: the difference of both values as whole numbers of 10^-places;
// below << 4 | bytes: the bits that differ, without `below` bytes of zeros under them.
enum Code : uint8_t { kDelta1 = 0, kDelta2 = 1, kDelta4 = 2, kHead = 3 };
constexpr uint8_t kDecimal = 0x80;
constexpr double kPowersOfTen[] = {1, 10, 100, 1000, 10'000};
constexpr int kMaxPlaces = 4;

struct Change {
  uint64_t payload = 0;
  uint8_t code = 0;
  uint8_t head = 0;
  uint8_t bytes = 0;
};

inline bool is_moderate(double v) { return v > -0x1p40 && v < 0x1p40; }

/// `base` in units of 10^-places; what it was rounded to does not matter, only that both sides of
/// the log round alike.
inline int64_t scaled(double base, int places) {
  return is_moderate(base) ? static_cast<int64_t>(base * kPowersOfTen[places]) : 0;
}

/// Decimals such as gauges print: exact with up to four places, or nothing.
inline bool decimal_change(double base, double value, Change& out) {
  if (!is_moderate(value)) return false;
  const double shifted = value * kPowersOfTen[kMaxPlaces];
  auto whole = static_cast<int64_t>(shifted + (shifted < 0 ? -0.5 : 0.5));
  int places = kMaxPlaces;
  const auto exact = [&] {
    return std::bit_cast<uint64_t>(static_cast<double>(whole) / kPowersOfTen[places]) ==
           std::bit_cast<uint64_t>(value);
  };
  if (!exact()) return false;
  while (places > 1 && whole % 10 == 0) {
    whole /= 10;
    --places;
  }
  if (!exact()) return false;
  const uint64_t z = record::zigzag(whole - scaled(base, places));
  const auto bytes = static_cast<uint8_t>(
      std::max<unsigned>(1, (static_cast<unsigned>(std::bit_width(z)) + 7) / 8));
  if (bytes > 6) return false;
  out = {z, kHead, static_cast<uint8_t>(kDecimal | places << 4 | bytes), bytes};
  return true;
}

inline Change change_of(double base, double value) {
  const uint64_t bits = std::bit_cast<uint64_t>(value);
  const double difference = value - base;
  if (difference >= -0x1p30 && difference <= 0x1p30) {
    const auto whole = static_cast<int64_t>(difference);
    if (std::bit_cast<uint64_t>(base + static_cast<double>(whole)) == bits) {
      const uint64_t z = record::zigzag(whole);
      const uint8_t code = z < 0x100 ? kDelta1 : z < 0x10000 ? kDelta2 : kDelta4;
      return {z, code, 0, static_cast<uint8_t>(1u << code)};
    }
  }
  Change decimal;
  if (decimal_change(base, value, decimal)) return decimal;
  const uint64_t x = bits ^ std::bit_cast<uint64_t>(base);
  const auto below = static_cast<unsigned>(std::countr_zero(x) / 8);
  const auto bytes = 8 - below - static_cast<unsigned>(std::countl_zero(x) / 8);
  return {x >> (8 * below), kHead, static_cast<uint8_t>(below << 4 | bytes),
          static_cast<uint8_t>(bytes)};
}

inline void encode_values(std::string& out, std::span<const double> base,
                          std::span<const double> values) {
  const size_t n = values.size();
  const size_t bitmap_at = out.size();
  const size_t bitmap_bytes = (n + 7) / 8;
  out.append(bitmap_bytes, '\0');
  size_t changed = 0;
  for (size_t i = 0; i < n; i += 8) {
    unsigned byte = 0;
    const size_t end = std::min(n - i, size_t{8});
    for (size_t bit = 0; bit < end; ++bit) {
      const bool differs =
          std::bit_cast<uint64_t>(base[i + bit]) != std::bit_cast<uint64_t>(values[i + bit]);
      byte |= static_cast<unsigned>(differs) << bit;
    }
    out[bitmap_at + i / 8] = static_cast<char>(byte);
    changed += static_cast<size_t>(std::popcount(byte));
  }

  const size_t codes_at = out.size();
  // Room for the worst case, cut back at the end: no check a value.
  out.resize(codes_at + (changed + 3) / 4 + changed * 9 + 8, '\0');
  char* codes = out.data() + codes_at;
  char* to = codes + (changed + 3) / 4;
  size_t index = 0;
  for (size_t b = 0; b < bitmap_bytes; ++b) {
    for (unsigned byte = static_cast<unsigned char>(out[bitmap_at + b]); byte != 0;
         byte &= byte - 1) {
      const size_t i = b * 8 + static_cast<size_t>(std::countr_zero(byte));
      const Change change = change_of(base[i], values[i]);
      codes[index / 4] = static_cast<char>(codes[index / 4] | change.code << (2 * (index % 4)));
      ++index;
      if (change.code == kHead) *to++ = static_cast<char>(change.head);
      std::memcpy(to, &change.payload, 8);
      to += change.bytes;
    }
  }
  out.resize(static_cast<size_t>(to - out.data()));
}

inline void put_base(std::string& out, const ScrapeBase& base) {
  record::put_varint(out, base.id);
  record::put_zigzag(out, base.t);
  encode_columns(out, base.columns);
  // Against zeros, so that a base needs nothing before it.
  static thread_local std::vector<double> zeros;
  if (zeros.size() < base.values.size()) zeros.resize(base.values.size(), 0.0);
  encode_values(out, std::span(zeros).first(base.values.size()), base.values);
}

constexpr uint8_t kHasBase = 1;

inline void encode_base_record(std::string& out, TargetId target, const ScrapeBase& base) {
  record::put_byte(out, static_cast<uint8_t>(RecordKind::kBaseV1));
  record::put_varint(out, index_of(target));
  put_base(out, base);
}

inline void encode_row_record(std::string& out, TargetId target, const ScrapeBase& base,
                              bool with_base, TimestampMs t, std::span<const double> values) {
  record::put_byte(out, static_cast<uint8_t>(RecordKind::kRowV1));
  record::put_varint(out, index_of(target));
  record::put_byte(out, with_base ? kHasBase : 0);
  if (with_base) {
    put_base(out, base);
  } else {
    record::put_varint(out, base.id);
  }
  record::put_zigzag(out, t);
  record::put_varint(out, values.size());
  encode_values(out, base.values, values);
}

}  // namespace strata::tsdb::v1
