// The notation of series in test files and rule unit tests: `metric{a="b"} 1 2+3x4 _ stale {{…}}`.
#pragma once
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/histogram.h"
#include "model/labels.h"

namespace strata::promql {

/// One place of a sequence: nothing, a float (a stale marker is stale_nan()), or a histogram.
struct SequenceValue {
  bool omitted = false;
  double v = 0;
  HistogramPtr h;
  bool hint_given = false;  // the histogram's counter reset hint was written out
};

struct SeriesDescription {
  Labels labels;
  std::vector<SequenceValue> values;
  bool is_start_times = false;  // `metric{…}@st …`: seconds from each sample to its start timestamp
};

/// Error: kBadData. A line describes at most kMaxSequence values.
inline constexpr size_t kMaxSequence = 1'000'000;
Result<SeriesDescription> parse_series_description(std::string_view line);
/// The values alone.
Result<std::vector<SequenceValue>> parse_sequence(std::string_view text);

}  // namespace strata::promql
