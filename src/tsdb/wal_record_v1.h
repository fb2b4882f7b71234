// Scrapes in logs that were written before 0.2: read, so that an upgrade loses nothing, and never
// written (docs/formats/wal.md, "Earlier records"). Decoding takes untrusted bytes.
#pragma once
#include <span>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "tsdb/ids.h"

namespace strata::tsdb::v1 {

/// A scrape that later rows of its target are coded against.
struct ScrapeBase {
  uint32_t id = 0;
  TimestampMs t = 0;
  std::vector<SeriesId> columns{};
  std::vector<double> values{};
};

struct DecodedScrape {
  TargetId target{};
  bool has_base = false;
  ScrapeBase base;
  /// The scrape itself; without `delta` it is the base.
  uint32_t base_id = 0;
  TimestampMs t = 0;
  size_t samples = 0;
  std::string_view delta;
};

/// Reads a record of kind 1 or 2. `out`'s vectors are reused.
Result<> decode_scrape_record(std::string_view payload, DecodedScrape& out);
/// The values of a row, given its base.
Result<> decode_row_values(std::string_view delta, std::span<const double> base,
                           std::vector<double>& values);
/// Values against `base` (of equal length); what was read is removed from `bytes`.
Result<> decode_values(std::string_view& bytes, std::span<const double> base,
                       std::vector<double>& out);

}  // namespace strata::tsdb::v1
