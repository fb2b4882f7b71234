// Which series of a scrape are the buckets of one histogram.
#pragma once
#include <span>
#include <vector>

#include "model/labels.h"
#include "tsdb/tile.h"

namespace strata::tsdb {

/// One hint a series, parallel to `series`: those named `…_bucket` that differ only in `le` share a
/// group, in ascending order of le's number. Series without a sibling, or whose le is not a number,
/// get none. Pure; O(n log n), allocates: call it once a layout, not once a tile.
std::vector<FamilyHint> histogram_families(std::span<const Labels> series);

}  // namespace strata::tsdb
