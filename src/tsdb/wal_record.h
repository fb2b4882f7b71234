// What the frames of the write-ahead log say (docs/formats/wal.md).
//
// A scrape is logged either as a base (its columns and all its values) or as a row (what differs
// from the target's base of the same segment). The first row after a base carries a copy of it, so
// one lost record never makes another unreadable. Samples with times of their own are logged in
// batches. Decoding takes untrusted bytes: what does not parse is kCorruption.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "tsdb/db.h"
#include "tsdb/ids.h"
#include "tsdb/row_code.h"

namespace strata::tsdb {

enum class RecordKind : uint8_t {
  kBaseV1 = 1,  // wal_record_v1.h
  kRowV1 = 2,
  kTimed = 3,
  kBase = 4,
  kRow = 5,
  kHistograms = 16,  // histogram_record.h
};

/// A base, as it is in a base record and copied in the first row after it: in full, or against
/// `before`, the base before it in the same segment, which has the same columns.
void encode_base(std::string& out, const RowBase& base, const RowBase* before);
void encode_base_record(std::string& out, TargetId target, std::string_view coded_base);
/// `values` are of the base's columns. `coded_base` is empty but in the first row after a base.
/// Returns where in `out` the coded row begins (row_code.h).
size_t encode_row_record(std::string& out, TargetId target, const RowBase& base,
                         std::string_view coded_base, TimestampMs t,
                         std::span<const double> values);

struct LoggedSample {
  TimedSample sample;
  bool late = false;  // was older than its series' newest when it came
};
void encode_timed_record(std::string& out, std::span<const LoggedSample> samples);

/// The record's kind, or kCorruption.
Result<RecordKind> record_kind(std::string_view payload);

/// A kBase or kRow record, taken apart.
struct ScrapeRecord {
  TargetId target{};
  std::string_view coded_base{};  // for decode_base(); empty when the record has none
  uint32_t base_id = 0;           // of that base, or of the one that the row refers to
  bool has_row = false;
  TimestampMs since_base = 0;  // the row's time less its base's, wrapping
  size_t samples = 0;
  std::string_view row{};  // row_code.h
};
Result<ScrapeRecord> read_scrape_record(std::string_view payload);
/// `before`: the last base of the target in this segment, or null. Errors: kCorruption; kNotFound
/// when the base is coded against another one than `before`.
Result<RowBasePtr> decode_base(const ScrapeRecord& record, const RowBase* before);
Result<> decode_timed_record(std::string_view payload, std::vector<LoggedSample>& out);

/// Series ids as runs of consecutive ones; also in tile records.
void encode_columns(std::string& out, std::span<const SeriesId> columns);
/// `bytes` may go on after the columns; what was read is removed from it. More than `limit` columns
/// are corruption.
Result<> decode_columns(std::string_view& bytes, size_t limit, std::vector<SeriesId>& out);

}  // namespace strata::tsdb
