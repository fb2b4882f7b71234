#include "tsdb/wal_record.h"

#include <bit>

#include "tsdb/record.h"

namespace strata::tsdb {
namespace {

using record::Reader;

// More columns than any scrape may have; keeps hostile bytes from allocating much.
constexpr uint64_t kMaxColumns = 1u << 26;

std::unexpected<Error> corrupt(std::string_view what) {
  return fail(ErrorCode::kCorruption, fmt::format("log record: {}", what));
}

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

bool is_moderate(double v) { return v > -0x1p40 && v < 0x1p40; }

/// `base` in units of 10^-places; what it was rounded to does not matter, only that both sides of
/// the log round alike.
int64_t scaled(double base, int places) {
  return is_moderate(base) ? static_cast<int64_t>(base * kPowersOfTen[places]) : 0;
}

/// Decimals such as gauges print: exact with up to four places, or nothing.
bool decimal_change(double base, double value, Change& out) {
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

Change change_of(double base, double value) {
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

uint64_t load_low_bytes(std::string_view bytes) {
  uint64_t value = 0;
  std::memcpy(&value, bytes.data(), bytes.size());
  return value;
}

Result<> decode_change(Reader& in, uint8_t code, double base, double& out) {
  const uint8_t head = code == kHead ? in.byte() : 0;
  const size_t bytes = code == kHead ? head & 15u : size_t{1} << code;
  if (bytes == 0 || bytes > 8) return corrupt("bad value");
  const std::string_view raw = in.take(bytes);
  if (!in.ok()) return corrupt("values end early");
  const uint64_t payload = load_low_bytes(raw);
  if (code != kHead) {
    out = base + static_cast<double>(record::unzigzag(payload));
    return {};
  }
  if ((head & kDecimal) != 0) {
    const int places = head >> 4 & 7;
    if (places > kMaxPlaces || bytes > 6) return corrupt("bad decimal");
    const int64_t whole = scaled(base, places) + record::unzigzag(payload);
    out = static_cast<double>(whole) / kPowersOfTen[places];
    return {};
  }
  const unsigned below = head >> 4;
  if (below + bytes > 8) return corrupt("bad value bits");
  out = std::bit_cast<double>(std::bit_cast<uint64_t>(base) ^ (payload << (8 * below)));
  return {};
}

}  // namespace

void encode_values(std::string& out, std::span<const double> base, std::span<const double> values) {
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

Result<> decode_values(std::string_view& bytes, std::span<const double> base,
                       std::vector<double>& out) {
  const size_t n = base.size();
  out.assign(base.begin(), base.end());
  Reader in(bytes);
  const std::string_view bitmap = in.take((n + 7) / 8);
  if (!in.ok()) return corrupt("bitmap ends early");
  size_t changed = 0;
  for (const char c : bitmap) {
    changed += static_cast<size_t>(std::popcount(static_cast<unsigned char>(c)));
  }
  const std::string_view codes = in.take((changed + 3) / 4);
  if (!in.ok()) return corrupt("codes end early");
  size_t index = 0;
  for (size_t b = 0; b < bitmap.size(); ++b) {
    for (unsigned byte = static_cast<unsigned char>(bitmap[b]); byte != 0; byte &= byte - 1) {
      const size_t i = b * 8 + static_cast<size_t>(std::countr_zero(byte));
      if (i >= n) return corrupt("bitmap is too long");
      const auto code = static_cast<uint8_t>(
          (static_cast<unsigned char>(codes[index / 4]) >> (2 * (index % 4))) & 3);
      ++index;
      TRY(decode_change(in, code, base[i], out[i]));
    }
  }
  bytes = in.rest();
  return {};
}

void encode_columns(std::string& out, std::span<const SeriesId> columns) {
  record::put_varint(out, columns.size());
  uint32_t expected = 0;
  for (size_t i = 0; i < columns.size();) {
    const uint32_t first = index_of(columns[i]);
    size_t length = 1;
    while (i + length < columns.size() && index_of(columns[i + length]) == first + length) ++length;
    record::put_zigzag(out, int64_t{first} - int64_t{expected});
    record::put_varint(out, length);
    expected = first + static_cast<uint32_t>(length);
    i += length;
  }
}

Result<> decode_columns(std::string_view& bytes, size_t limit, std::vector<SeriesId>& out) {
  Reader in(bytes);
  const uint64_t count = in.bounded(std::min<uint64_t>(limit, kMaxColumns));
  out.clear();
  int64_t next = 0;
  while (in.ok() && out.size() < count) {
    const int64_t step = in.zigzag();
    if (step < -int64_t{UINT32_MAX} || step > int64_t{UINT32_MAX}) return corrupt("bad columns");
    next += step;
    const uint64_t length = in.bounded(count - out.size());
    if (!in.ok() || length == 0 || next < 0 || next + static_cast<int64_t>(length) > UINT32_MAX) {
      return corrupt("bad columns");
    }
    for (uint64_t i = 0; i < length; ++i) {
      out.push_back(SeriesId{static_cast<uint32_t>(next + static_cast<int64_t>(i))});
    }
    next += static_cast<int64_t>(length);
  }
  if (!in.ok()) return corrupt("columns end early");
  bytes = in.rest();
  return {};
}

namespace {

void put_base(std::string& out, const ScrapeBase& base) {
  record::put_varint(out, base.id);
  record::put_zigzag(out, base.t);
  encode_columns(out, base.columns);
  // Against zeros, so that a base needs nothing before it.
  static thread_local std::vector<double> zeros;
  if (zeros.size() < base.values.size()) zeros.resize(base.values.size(), 0.0);
  encode_values(out, std::span(zeros).first(base.values.size()), base.values);
}

Result<> get_base(Reader& in, ScrapeBase& base) {
  base.id = static_cast<uint32_t>(in.bounded(UINT32_MAX));
  base.t = in.zigzag();
  if (!in.ok()) return corrupt("base ends early");
  std::string_view rest = in.rest();
  // A bitmap with one bit a column follows.
  TRY(decode_columns(rest, rest.size() * 8, base.columns));
  const std::vector<double> zeros(base.columns.size(), 0.0);
  TRY(decode_values(rest, zeros, base.values));
  in = Reader(rest);
  return {};
}

constexpr uint8_t kHasBase = 1;

}  // namespace

void encode_base_record(std::string& out, TargetId target, const ScrapeBase& base) {
  record::put_byte(out, static_cast<uint8_t>(RecordKind::kBase));
  record::put_varint(out, index_of(target));
  put_base(out, base);
}

void encode_row_record(std::string& out, TargetId target, const ScrapeBase& base, bool with_base,
                       TimestampMs t, std::span<const double> values) {
  record::put_byte(out, static_cast<uint8_t>(RecordKind::kRow));
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

Result<RecordKind> record_kind(std::string_view payload) {
  if (payload.empty()) return corrupt("empty");
  const auto kind = static_cast<uint8_t>(payload.front());
  if (kind < 1 || kind > 3) return corrupt("unknown kind");
  return static_cast<RecordKind>(kind);
}

Result<> decode_scrape_record(std::string_view payload, DecodedScrape& out) {
  const RecordKind kind = TRY(record_kind(payload));
  Reader in(payload.substr(1));
  out.target = TargetId{static_cast<uint32_t>(in.bounded(UINT32_MAX))};
  const uint8_t flags = kind == RecordKind::kRow ? in.byte() : kHasBase;
  out.has_base = (flags & kHasBase) != 0;
  if (out.has_base) {
    TRY(get_base(in, out.base));
    out.base_id = out.base.id;
  } else {
    out.base_id = static_cast<uint32_t>(in.bounded(UINT32_MAX));
  }
  if (kind == RecordKind::kBase) {
    out.t = out.base.t;
    out.samples = out.base.columns.size();
    out.delta = {};
    return in.ok() && in.done() && out.samples > 0 ? Result<>{} : corrupt("bad base");
  }
  out.t = in.zigzag();
  out.samples = in.bounded(kMaxColumns);
  out.delta = in.rest();
  if (!in.ok() || out.samples == 0 || out.delta.size() < (out.samples + 7) / 8)
    return corrupt("row ends early");
  return {};
}

Result<> decode_row_values(std::string_view delta, std::span<const double> base,
                           std::vector<double>& values) {
  TRY(decode_values(delta, base, values));
  return delta.empty() ? Result<>{} : corrupt("bytes are left over");
}

namespace {

// Flags of a timed sample.
constexpr uint8_t kLate = 1;
constexpr uint8_t kSameTime = 2;
constexpr uint8_t kNextSeries = 4;
constexpr uint8_t kWholeValue = 8;

}  // namespace

void encode_timed_record(std::string& out, std::span<const LoggedSample> samples) {
  record::put_byte(out, static_cast<uint8_t>(RecordKind::kTimed));
  record::put_varint(out, samples.size());
  uint32_t series = UINT32_MAX;  // so that series 0 is the next
  TimestampMs t = 0;
  for (const LoggedSample& logged : samples) {
    const TimedSample& sample = logged.sample;
    const bool small = sample.v > -0x1p31 && sample.v < 0x1p31;
    const auto whole = small ? static_cast<int64_t>(sample.v) : 0;
    const bool is_whole =
        std::bit_cast<uint64_t>(static_cast<double>(whole)) == std::bit_cast<uint64_t>(sample.v);
    const bool same_time = sample.t == t;
    const bool next_series = index_of(sample.series) == series + 1;
    record::put_byte(
        out, static_cast<uint8_t>((logged.late ? kLate : 0) | (same_time ? kSameTime : 0) |
                                  (next_series ? kNextSeries : 0) | (is_whole ? kWholeValue : 0)));
    if (!next_series) record::put_varint(out, index_of(sample.series));
    // Wraps on purpose: any difference of two times fits in 64 bits of wrap-around.
    if (!same_time) {
      record::put_zigzag(
          out, static_cast<int64_t>(static_cast<uint64_t>(sample.t) - static_cast<uint64_t>(t)));
    }
    if (is_whole) {
      record::put_zigzag(out, whole);
    } else {
      record::put_fixed(out, sample.v);
    }
    series = index_of(sample.series);
    t = sample.t;
  }
}

Result<> decode_timed_record(std::string_view payload, std::vector<LoggedSample>& out) {
  out.clear();
  if (TRY(record_kind(payload)) != RecordKind::kTimed) return corrupt("not timed samples");
  Reader in(payload.substr(1));
  const uint64_t count = in.bounded(payload.size());
  uint32_t series = UINT32_MAX;
  TimestampMs t = 0;
  for (uint64_t i = 0; i < count && in.ok(); ++i) {
    const uint8_t flags = in.byte();
    series =
        (flags & kNextSeries) != 0 ? series + 1 : static_cast<uint32_t>(in.bounded(UINT32_MAX));
    if ((flags & kSameTime) == 0) {
      t = static_cast<int64_t>(static_cast<uint64_t>(t) + static_cast<uint64_t>(in.zigzag()));
    }
    const double v =
        (flags & kWholeValue) != 0 ? static_cast<double>(in.zigzag()) : in.fixed<double>();
    out.push_back({{SeriesId{series}, t, v}, (flags & kLate) != 0});
  }
  if (!in.ok() || !in.done()) return corrupt("bad timed samples");
  return {};
}

}  // namespace strata::tsdb
