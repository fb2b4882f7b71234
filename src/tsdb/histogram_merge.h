// The histograms of one series from several blocks, joined into one.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "tsdb/block.h"

namespace strata::tsdb {

/// A series of one of the blocks, and what of it is to be kept.
struct HistogramSource {
  const BlockReader* block = nullptr;
  uint32_t series = 0;
  std::vector<TimeRange> parts;  // ascending
};

/// Whether the block has a histogram of `series` in `range`; also true when damage hides that.
Result<bool> has_histograms(const BlockReader& block, uint32_t series, TimeRange range);

/// Writes them as series `merged` of `out` and counts them in `stats`. With `skip_damaged`, chunks
/// that cannot be read are listed there and left out, else they are the error. Memory: two hours of
/// the series.
Result<> merge_histograms(std::span<const HistogramSource> sources, uint32_t merged,
                          BlockWriter& out, bool skip_damaged, MergeStats& stats);

}  // namespace strata::tsdb
