#include "tsdb/row_code.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "tsdb/record.h"

namespace strata::tsdb {
namespace {

// What a tag says: how many nibbles of payload follow, and what they are. Differences are zigzag
// and at least 1, since a difference of 0 needs no code.
enum class Payload : uint8_t {
  kDifference,  // payload + offset
  kBits,        // the low bits that differ from the base
  kHighBits,    // the upper half of the bits that differ
  kDecimal,     // a nibble of places, then the difference in these
};
struct Tag {
  Payload payload;
  uint8_t nibbles;
  uint8_t offset;
};
constexpr std::array<Tag, 16> kTags = {{{Payload::kDifference, 0, 1},
                                        {Payload::kDifference, 0, 2},
                                        {Payload::kDifference, 1, 3},
                                        {Payload::kDifference, 2, 3},
                                        {Payload::kDifference, 3, 3},
                                        {Payload::kDifference, 4, 3},
                                        {Payload::kDifference, 5, 3},
                                        {Payload::kDifference, 6, 3},
                                        {Payload::kDifference, 8, 3},
                                        {Payload::kDifference, 14, 3},
                                        {Payload::kBits, 10, 0},
                                        {Payload::kBits, 12, 0},
                                        {Payload::kBits, 14, 0},
                                        {Payload::kBits, 16, 0},
                                        {Payload::kHighBits, 8, 0},
                                        {Payload::kDecimal, 14, 0}}};
constexpr uint8_t kHighBitsTag = 14;
constexpr uint8_t kDecimalTag = 15;
constexpr uint64_t kDecimalBits = 52;

// The tag of a difference, by its bits.
constexpr std::array<uint8_t, 65> kTagOfWidth = [] {
  std::array<uint8_t, 65> out{};
  for (unsigned width = 0; width <= 64; ++width) {
    uint8_t tag = 2;
    while (tag < 9 && kTags[tag].nibbles * 4u < width) ++tag;
    out[width] = tag;
  }
  return out;
}();

constexpr double kPowersOfTen[] = {1, 10, 100, 1e3, 1e4, 1e5, 1e6};
// Scaled values stay below it, so that differences of differences fit their 56 bits.
constexpr double kMaxScaled = 0x1p51;

constexpr size_t kMaxGroupBytes = 8 + kRowGroup * 17 / 2;

uint64_t bits_of(double v) { return std::bit_cast<uint64_t>(v); }

/// `v` in units of 10^-places; 0 when it is too large or no number. What it was rounded to does
/// not matter, only that both sides of a file round alike.
int64_t scaled(double v, unsigned places) {
  const double shifted = v * kPowersOfTen[places];
  if (!(shifted > -kMaxScaled && shifted < kMaxScaled)) return 0;
  return static_cast<int64_t>(places == 0 ? shifted : shifted + std::copysign(0.5, shifted));
}

double unscaled(int64_t v, unsigned places) {
  const auto whole = static_cast<double>(v);
  return places == 0 ? whole : whole / kPowersOfTen[places];
}

bool is_exact(double v, unsigned places) {
  return bits_of(unscaled(scaled(v, places), places)) == bits_of(v);
}

/// Nibbles, low one of a byte first.
class NibbleWriter {
 public:
  explicit NibbleWriter(uint8_t* at) : begin_(at) {}
  /// REQUIRES: at most 15 nibbles, and 8 bytes of room from the place it writes to.
  void put(uint64_t value, unsigned nibbles) {
    uint8_t* at = begin_ + place_ / 2;
    const unsigned shift = place_ % 2 * 4;
    const uint64_t word = (shift == 0 ? 0 : *at & 15u) | value << shift;
    std::memcpy(at, &word, 8);
    place_ += nibbles;
  }
  size_t bytes() const { return (place_ + 1) / 2; }

 private:
  uint8_t* begin_;
  size_t place_ = 0;
};

void put_bits(NibbleWriter& to, uint64_t changed) {
  if ((changed & 0xffffffff) == 0) {
    to.put(kHighBitsTag | changed >> 28, 9);
    return;
  }
  uint8_t tag = 10;
  while (tag < 13 && changed >> (kTags[tag].nibbles * 4u) != 0) ++tag;
  to.put(tag, 1);
  to.put(changed & 0xffffffff, 8);
  to.put(changed >> 32, kTags[tag].nibbles - 8u);
}

/// A value that the plan does not fit: as a decimal of other places, or bit by bit.
void put_exception(NibbleWriter& to, double base, double value) {
  for (unsigned places = 0; places <= ColumnPlan::kMaxPlaces; ++places) {
    if (!is_exact(value, places)) continue;
    const int64_t difference = scaled(value, places) - scaled(base, places);
    const uint64_t z = record::zigzag(difference);
    if (difference == 0 || z >> kDecimalBits != 0) break;
    to.put(kDecimalTag, 1);
    to.put(places, 1);
    to.put(z, 13);
    return;
  }
  put_bits(to, bits_of(base) ^ bits_of(value));
}

/// One group; returns its bytes, 0 when nothing in it is unexpected.
size_t encode_group(const double* base, const ColumnPlan* plan, const double* values, size_t n,
                    uint8_t* out) {
  const size_t mask_bytes = (n + 7) / 8;
  NibbleWriter to(out + mask_bytes);
  uint64_t mask = 0;
  int64_t left = 0;  // how much the column before moved
  for (size_t i = 0; i < n; ++i) {
    const double value = values[i];
    const double from = base == nullptr ? 0 : base[i];
    const bool raw = plan[i].places == ColumnPlan::kRaw;
    const int64_t expected = plan[i].left && !raw ? left : 0;
    const bool same = bits_of(value) == bits_of(from);
    left = 0;
    if (same && expected == 0) continue;
    const unsigned places = plan[i].places;
    if (raw) {
      mask |= uint64_t{1} << i;
      put_bits(to, bits_of(from) ^ bits_of(value));
      continue;
    }
    const int64_t whole = scaled(value, places);
    const int64_t moved = whole - scaled(from, places);
    if (!same && (moved == 0 || bits_of(unscaled(whole, places)) != bits_of(value))) {
      mask |= uint64_t{1} << i;
      put_exception(to, from, value);
      continue;
    }
    left = moved;
    if (moved == expected) continue;
    mask |= uint64_t{1} << i;
    const uint64_t z = record::zigzag(moved - expected);
    if (z < 3) {
      to.put(z - 1, 1);
    } else {
      const uint8_t tag = kTagOfWidth[static_cast<unsigned>(std::bit_width(z - 3))];
      to.put(tag | (z - 3) << 4, 1u + kTags[tag].nibbles);
    }
  }
  if (mask == 0) return 0;
  std::memcpy(out, &mask, mask_bytes);
  return mask_bytes + to.bytes();
}

uint64_t load_low(const uint8_t* at, size_t bytes) {
  uint64_t word = 0;
  std::memcpy(&word, at, std::min(bytes, size_t{8}));
  return word;
}

/// Reads nibbles; beyond the end there are zeros, and ok() is false.
class NibbleReader {
 public:
  NibbleReader(const uint8_t* at, const uint8_t* end)
      : at_(at), nibbles_(static_cast<size_t>(end - at) * 2) {}
  /// At most 15 nibbles.
  uint64_t take(unsigned nibbles) {
    const uint8_t* from = at_ + place_ / 2;
    const size_t left = place_ < nibbles_ ? (nibbles_ - place_ + 1) / 2 : 0;
    const uint64_t word = (left >= 8 ? load_word(from) : load_low(from, left)) >> place_ % 2 * 4;
    place_ += nibbles;
    return word & ((uint64_t{1} << nibbles * 4) - 1);
  }
  bool ok() const { return place_ <= nibbles_; }
  /// Whether no whole byte is left.
  bool done() const { return (place_ + 1) / 2 * 2 == nibbles_; }

 private:
  static uint64_t load_word(const uint8_t* at) {
    uint64_t word;
    std::memcpy(&word, at, 8);
    return word;
  }
  const uint8_t* at_;
  size_t nibbles_;
  size_t place_ = 0;
};

/// A value from its code. `moved` is how much the column moved, 0 when that has no meaning.
bool decode_value(NibbleReader& in, double from, unsigned places, int64_t expected, int64_t& moved,
                  double& out) {
  const Tag tag = kTags[in.take(1)];
  switch (tag.payload) {
    case Payload::kDifference:
      if (places == ColumnPlan::kRaw) return false;
      moved = expected + record::unzigzag(in.take(tag.nibbles) + tag.offset);
      out = moved == 0 ? from : unscaled(scaled(from, places) + moved, places);
      return true;
    case Payload::kBits: {
      const uint64_t low = in.take(8);
      const uint64_t high = in.take(tag.nibbles - 8u);
      out = std::bit_cast<double>(bits_of(from) ^ (high << 32 | low));
      return true;
    }
    case Payload::kHighBits:
      out = std::bit_cast<double>(bits_of(from) ^ in.take(8) << 32);
      return true;
    case Payload::kDecimal: {
      const auto own = static_cast<unsigned>(in.take(1));
      const int64_t difference = record::unzigzag(in.take(13));
      if (own > ColumnPlan::kMaxPlaces) return false;
      out = unscaled(scaled(from, own) + difference, own);
      return true;
    }
  }
  return false;
}

bool decode_group(const uint8_t* at, const uint8_t* end, const double* base, const ColumnPlan* plan,
                  size_t n, double* out) {
  const size_t mask_bytes = (n + 7) / 8;
  if (static_cast<size_t>(end - at) <= mask_bytes) return false;
  const uint64_t mask = load_low(at, mask_bytes);
  if (n < kRowGroup && mask >> n != 0) return false;
  NibbleReader in(at + mask_bytes, end);
  int64_t left = 0;
  for (size_t i = 0; i < n; ++i) {
    const double from = base == nullptr ? 0 : base[i];
    const bool raw = plan[i].places == ColumnPlan::kRaw;
    const int64_t expected = plan[i].left && !raw ? left : 0;
    if ((mask >> i & 1) == 0) {
      left = expected;
      out[i] = left == 0 ? from : unscaled(scaled(from, plan[i].places) + expected, plan[i].places);
      continue;
    }
    int64_t moved = 0;
    if (!decode_value(in, from, plan[i].places, expected, moved, out[i])) return false;
    left = moved;
    // Nothing that was written passes it, and sums of differences must not wrap.
    if (left > int64_t{1} << 60 || left < -(int64_t{1} << 60)) return false;
  }
  return in.ok() && in.done();
}

/// The fewest places in which the value is exact, or kRaw. What is no number says nothing.
uint8_t places_of(double v) {
  if (!std::isfinite(v)) return 0;
  uint8_t places = 0;
  while (places <= ColumnPlan::kMaxPlaces && !is_exact(v, places)) ++places;
  static_assert(ColumnPlan::kRaw == ColumnPlan::kMaxPlaces + 1);
  return places;
}

}  // namespace

std::vector<ColumnPlan> plan_columns(std::span<const double> values, const RowBase* before) {
  std::vector<ColumnPlan> out(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    uint8_t places = places_of(values[i]);
    if (before != nullptr) {
      // A raw column stays one until it was exact twice; other places only grow.
      const uint8_t known = before->plan[i].places;
      places = std::max(places, known == ColumnPlan::kRaw ? places_of(before->values[i]) : known);
    }
    out[i].places = places;
    if (before == nullptr || i == 0 || out[i].places != 0 || out[i - 1].places != 0) continue;
    // Buckets, in order: none moves less than the one before. A pair that only looks like it for
    // once costs little.
    const int64_t moved = scaled(values[i], 0) - scaled(before->values[i], 0);
    const int64_t left = scaled(values[i - 1], 0) - scaled(before->values[i - 1], 0);
    out[i].left = left == 0 ? before->plan[i].left
                            : left > 0 && moved >= left && moved - left <= moved / 2 &&
                                  values[i] >= values[i - 1];
  }
  return out;
}

void encode_row(std::string& out, std::span<const double> base, std::span<const ColumnPlan> plan,
                std::span<const double> values) {
  static thread_local std::vector<uint8_t> groups;
  const size_t n = values.size();
  const size_t count = (n + kRowGroup - 1) / kRowGroup;
  if (groups.size() < count * kMaxGroupBytes + 8) groups.resize(count * kMaxGroupBytes + 8);
  uint8_t* to = groups.data();
  for (size_t first = 0; first < n; first += kRowGroup) {
    const size_t bytes =
        encode_group(base.empty() ? nullptr : base.data() + first, plan.data() + first,
                     values.data() + first, std::min(kRowGroup, n - first), to);
    record::put_varint(out, bytes);
    to += bytes;
  }
  out.append(reinterpret_cast<const char*>(groups.data()), static_cast<size_t>(to - groups.data()));
}

RowReader::RowReader(std::string_view coded, std::span<const double> base,
                     std::span<const ColumnPlan> plan)
    : base_(base), plan_(plan), lengths_(reinterpret_cast<const uint8_t*>(coded.data())) {
  end_ = lengths_ + coded.size();
  const uint8_t* at = lengths_;
  for (size_t g = groups(); g > 0; --g) {  // lengths take one or two bytes
    if (at != end_ && (*at & 0x80) != 0) ++at;
    if (at == end_ || (*at & 0x80) != 0) return;
    ++at;
  }
  at_ = at;
  ok_ = true;
}

size_t RowReader::next_length() {
  size_t length = *lengths_++;
  if ((length & 0x80) != 0) length = (length & 0x7f) | size_t{*lengths_++} << 7;
  ++group_;
  if (length > static_cast<size_t>(end_ - at_)) {
    ok_ = false;
    length = 0;
  }
  return length;
}

void RowReader::skip() { at_ += next_length(); }

bool RowReader::next(double* out) {
  const size_t first = group_ * kRowGroup;
  const size_t n = std::min(kRowGroup, plan_.size() - first);
  const size_t length = next_length();
  if (!ok_) return false;
  const double* base = base_.empty() ? nullptr : base_.data() + first;
  if (length == 0) {
    if (base == nullptr) {
      std::fill_n(out, n, 0.0);
    } else {
      std::copy_n(base, n, out);
    }
    return true;
  }
  at_ += length;
  return decode_group(at_ - length, at_, base, plan_.data() + first, n, out);
}

Result<> decode_row(std::string_view coded, std::span<const double> base,
                    std::span<const ColumnPlan> plan, std::vector<double>& out) {
  out.resize(plan.size());
  RowReader in(coded, base, plan);
  bool ok = in.ok();
  for (size_t g = 0; ok && g < in.groups(); ++g) ok = in.next(out.data() + g * kRowGroup);
  if (ok && in.done()) return {};
  return fail(ErrorCode::kCorruption, "log record: values of a row are damaged");
}

}  // namespace strata::tsdb
