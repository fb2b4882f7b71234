// Native histograms in the write-ahead log: one batch is one record (docs/formats/wal.md).
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tsdb/db.h"

namespace strata::tsdb {

struct LoggedHistogram {
  TimedHistogram sample;
  bool late = false;  // was older than its series' newest when it came
};

/// Appends the record, its kind first.
void encode_histogram_record(std::string& out, std::span<const LoggedHistogram> samples);
/// Replaces `out`. Error: kCorruption.
Result<> decode_histogram_record(std::string_view payload, std::vector<LoggedHistogram>& out);

}  // namespace strata::tsdb
