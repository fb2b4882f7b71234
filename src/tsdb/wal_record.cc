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

}  // namespace

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

// How a base is written.
constexpr uint8_t kChained = 1;   // against the base before it, of the same columns
constexpr uint8_t kSamePlan = 2;  // as the base before it has

// Flags of a row.
constexpr uint8_t kHasBase = 1;

void put_plan(std::string& out, std::span<const ColumnPlan> plan) {
  for (size_t i = 0; i < plan.size(); i += 2) {
    const unsigned high = i + 1 < plan.size() ? plan[i + 1].nibble() : 0u;
    record::put_byte(out, static_cast<uint8_t>(plan[i].nibble() | high << 4));
  }
}

void get_plan(Reader& in, size_t columns, std::vector<ColumnPlan>& plan) {
  const std::string_view bytes = in.take((columns + 1) / 2);
  if (!in.ok()) return;
  plan.resize(columns);
  for (size_t i = 0; i < columns; ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i / 2]);
    plan[i] = ColumnPlan::from_nibble(byte >> (i % 2 * 4) & 15u);
  }
}

Result<RowBasePtr> get_base(std::string_view bytes, const RowBase* before) {
  Reader in(bytes);
  auto base = std::make_shared<RowBase>();
  base->id = static_cast<uint32_t>(in.bounded(UINT32_MAX));
  base->t = in.zigzag();
  const uint8_t flags = in.byte();
  if ((flags & kChained) == 0) {
    if (!in.ok()) return corrupt("base ends early");
    std::string_view rest = in.rest();
    std::vector<SeriesId> columns;
    // At least half a byte of plan a column follows.
    TRY(decode_columns(rest, rest.size() * 2, columns));
    in = Reader(rest);
    get_plan(in, columns.size(), base->plan);
    if (!in.ok() || columns.empty()) return corrupt("bad base");
    TRY(decode_row(in.rest(), {}, base->plan, base->values));
    base->layout = std::make_shared<const Layout>(std::move(columns));
    return base;
  }
  const auto before_id = static_cast<uint32_t>(in.bounded(UINT32_MAX));
  if (!in.ok()) return corrupt("base ends early");
  if (before == nullptr || before->id != before_id) {
    return fail(ErrorCode::kNotFound, "the base before it was lost");
  }
  base->layout = before->layout;
  base->plan = before->plan;
  if ((flags & kSamePlan) == 0) get_plan(in, before->plan.size(), base->plan);
  if (!in.ok()) return corrupt("base ends early");
  TRY(decode_row(in.rest(), before->values, before->plan, base->values));
  return base;
}

}  // namespace

void encode_base(std::string& out, const RowBase& base, const RowBase* before) {
  record::put_varint(out, base.id);
  record::put_zigzag(out, base.t);
  if (before == nullptr) {
    record::put_byte(out, 0);
    encode_columns(out, base.layout->columns());
    put_plan(out, base.plan);
    // Against zeros, so that a base needs nothing before it.
    encode_row(out, {}, base.plan, base.values);
    return;
  }
  const bool same_plan = base.plan == before->plan;
  record::put_byte(out, static_cast<uint8_t>(kChained | (same_plan ? kSamePlan : 0)));
  record::put_varint(out, before->id);
  if (!same_plan) put_plan(out, base.plan);
  encode_row(out, before->values, before->plan, base.values);
}

void encode_base_record(std::string& out, TargetId target, std::string_view coded_base) {
  record::put_byte(out, static_cast<uint8_t>(RecordKind::kBase));
  record::put_varint(out, index_of(target));
  out += coded_base;
}

size_t encode_row_record(std::string& out, TargetId target, const RowBase& base,
                         std::string_view coded_base, TimestampMs t,
                         std::span<const double> values) {
  record::put_byte(out, static_cast<uint8_t>(RecordKind::kRow));
  record::put_varint(out, index_of(target));
  record::put_byte(out, coded_base.empty() ? 0 : kHasBase);
  if (!coded_base.empty()) record::put_string(out, coded_base);
  record::put_varint(out, base.id);
  // Wraps on purpose, as below.
  record::put_zigzag(
      out, static_cast<int64_t>(static_cast<uint64_t>(t) - static_cast<uint64_t>(base.t)));
  record::put_varint(out, values.size());
  const size_t row_at = out.size();
  encode_row(out, base.values, base.plan, values);
  return row_at;
}

Result<RecordKind> record_kind(std::string_view payload) {
  if (payload.empty()) return corrupt("empty");
  const auto kind = static_cast<uint8_t>(payload.front());
  if ((kind < 1 || kind > 5) && kind != 16) return corrupt("unknown kind");
  return static_cast<RecordKind>(kind);
}

Result<ScrapeRecord> read_scrape_record(std::string_view payload) {
  const RecordKind kind = TRY(record_kind(payload));
  if (kind != RecordKind::kBase && kind != RecordKind::kRow) return corrupt("not a scrape");
  ScrapeRecord out;
  Reader in(payload.substr(1));
  out.target = TargetId{static_cast<uint32_t>(in.bounded(UINT32_MAX))};
  if (kind == RecordKind::kBase) {
    out.coded_base = in.rest();
  } else {
    if ((in.byte() & kHasBase) != 0) out.coded_base = in.string();
    out.has_row = true;
    out.base_id = static_cast<uint32_t>(in.bounded(UINT32_MAX));
    out.since_base = in.zigzag();
    out.samples = in.bounded(kMaxColumns);
    out.row = in.rest();
  }
  if (!out.coded_base.empty()) {
    Reader base(out.coded_base);
    const auto id = static_cast<uint32_t>(base.bounded(UINT32_MAX));
    if (!base.ok() || (out.has_row && id != out.base_id)) return corrupt("bad base");
    out.base_id = id;
  }
  const bool empty = out.has_row ? out.samples == 0 || out.row.empty() : out.coded_base.empty();
  if (!in.ok() || empty) return corrupt("scrape ends early");
  return out;
}

Result<RowBasePtr> decode_base(const ScrapeRecord& record, const RowBase* before) {
  return get_base(record.coded_base, before);
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
