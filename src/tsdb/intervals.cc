#include "tsdb/intervals.h"

#include <algorithm>

namespace strata::tsdb {

void add_interval(Intervals& intervals, TimeRange range) {
  if (range.min > range.max) return;
  Intervals joined;
  for (const TimeRange& old : intervals) {
    // Neighbours join too: times are whole milliseconds.
    const bool before = old.max < range.min && old.max + 1 < range.min;
    const bool after = old.min > range.max && old.min - 1 > range.max;
    if (before || after) {
      joined.push_back(old);
    } else {
      range = {std::min(range.min, old.min), std::max(range.max, old.max)};
    }
  }
  joined.insert(std::ranges::upper_bound(joined, range.min, {}, &TimeRange::min), range);
  intervals = std::move(joined);
}

std::vector<TimeRange> visible_parts(TimeRange range, const Intervals& hidden) {
  std::vector<TimeRange> parts;
  for (const TimeRange& gap : hidden) {
    if (gap.max < range.min) continue;
    if (gap.min > range.max) break;
    if (gap.min > range.min) parts.push_back({range.min, gap.min - 1});
    if (gap.max >= range.max) return parts;
    range.min = gap.max + 1;
  }
  parts.push_back(range);
  return parts;
}

}  // namespace strata::tsdb
