// Ranges of time that are hidden from readers, and what they leave of a range.
#pragma once
#include <vector>

#include "model/sample.h"

namespace strata::tsdb {

/// Closed ranges, ascending, none touching another: see add_interval().
using Intervals = std::vector<TimeRange>;

/// Joins `range` to `intervals`; an empty range (min > max) changes nothing.
void add_interval(Intervals& intervals, TimeRange range);

/// What is left of `range`, ascending.
std::vector<TimeRange> visible_parts(TimeRange range, const Intervals& hidden);

}  // namespace strata::tsdb
