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

namespace strata::tsdb {

/// A scrape that later rows of its target are coded against.
struct ScrapeBase {
  uint32_t id = 0;  // a row names its base by this; unique a target and segment
  TimestampMs t = 0;
  std::vector<SeriesId> columns{};
  std::vector<double> values{};
};

enum class RecordKind : uint8_t { kBase = 1, kRow = 2, kTimed = 3 };

void encode_base_record(std::string& out, TargetId target, const ScrapeBase& base);
/// `values` are of the base's columns.
void encode_row_record(std::string& out, TargetId target, const ScrapeBase& base, bool with_base,
                       TimestampMs t, std::span<const double> values);

struct LoggedSample {
  TimedSample sample;
  bool late = false;  // was older than its series' newest when it came
};
void encode_timed_record(std::string& out, std::span<const LoggedSample> samples);

/// The record's kind, or kCorruption.
Result<RecordKind> record_kind(std::string_view payload);

struct DecodedScrape {
  TargetId target{};
  /// The base to remember, when `has_base`.
  bool has_base = false;
  ScrapeBase base;
  /// The scrape itself; of a kBase record it is the base.
  uint32_t base_id = 0;
  TimestampMs t = 0;
  size_t samples = 0;
  std::string_view delta;  // against the base; empty for a kBase record
};
/// Reads a kBase or kRow record. `out`'s vectors are reused.
Result<> decode_scrape_record(std::string_view payload, DecodedScrape& out);
/// The values of a row, given its base.
Result<> decode_row_values(std::string_view delta, std::span<const double> base,
                           std::vector<double>& values);
Result<> decode_timed_record(std::string_view payload, std::vector<LoggedSample>& out);

/// Series ids as runs of consecutive ones; also in tile records.
void encode_columns(std::string& out, std::span<const SeriesId> columns);
/// `bytes` may go on after the columns; what was read is removed from it. More than `limit` columns
/// are corruption.
Result<> decode_columns(std::string_view& bytes, size_t limit, std::vector<SeriesId>& out);

/// Values against `base` (of equal length): a bitmap of those that differ in any bit, two bits of
/// code for each of them, then their differences.
void encode_values(std::string& out, std::span<const double> base, std::span<const double> values);
Result<> decode_values(std::string_view& bytes, std::span<const double> base,
                       std::vector<double>& out);

}  // namespace strata::tsdb
