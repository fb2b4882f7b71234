#include "tsdb/wal_record_v1.h"

#include <bit>

#include "tsdb/record.h"
#include "tsdb/wal_record.h"

namespace strata::tsdb::v1 {
namespace {

using record::Reader;

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

bool is_moderate(double v) { return v > -0x1p40 && v < 0x1p40; }

/// `base` in units of 10^-places; what it was rounded to does not matter, only that both sides of
/// the log round alike.
int64_t scaled(double base, int places) {
  return is_moderate(base) ? static_cast<int64_t>(base * kPowersOfTen[places]) : 0;
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

namespace {

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
// More columns than any scrape may have; keeps hostile bytes from allocating much.
constexpr uint64_t kMaxColumns = 1u << 26;

}  // namespace

Result<> decode_scrape_record(std::string_view payload, DecodedScrape& out) {
  const RecordKind kind = TRY(record_kind(payload));
  if (kind != RecordKind::kBaseV1 && kind != RecordKind::kRowV1) return corrupt("not a scrape");
  Reader in(payload.substr(1));
  out.target = TargetId{static_cast<uint32_t>(in.bounded(UINT32_MAX))};
  const uint8_t flags = kind == RecordKind::kRowV1 ? in.byte() : kHasBase;
  out.has_base = (flags & kHasBase) != 0;
  if (out.has_base) {
    TRY(get_base(in, out.base));
    out.base_id = out.base.id;
  } else {
    out.base_id = static_cast<uint32_t>(in.bounded(UINT32_MAX));
  }
  if (kind == RecordKind::kBaseV1) {
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

}  // namespace strata::tsdb::v1
