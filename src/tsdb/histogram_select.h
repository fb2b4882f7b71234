// Reading the native histograms of a selected series: those of the head, pinned when it was
// selected, and those of blocks. Values; no locks.
#pragma once
#include <functional>
#include <optional>
#include <vector>

#include "tsdb/block.h"
#include "tsdb/histogram_head.h"
#include "tsdb/histogram_sample.h"

namespace strata::tsdb {

/// What to do about damage: an error ends the reading, otherwise the chunk is left out.
using TolerateDamage = std::function<Result<>(const Error&)>;

/// Of one series of the head; keeps the mappings that it reads from.
class HeadHistograms {
 public:
  static Result<HeadHistograms> pin(HistogramSnapshot snapshot, const TolerateDamage& tolerate);

  /// Adds those in `range` to `join`.
  Result<> read(TimeRange range, HistogramJoin& join, const TolerateDamage& tolerate) const;
  /// Replaces `out` by the last one in `range` when that is later.
  Result<> read_last(TimeRange range, std::optional<HistogramSample>& out,
                     const TolerateDamage& tolerate) const;

 private:
  struct Chunk {
    SealedTile tile;
    TileBytes bytes;
    bool late = false;
  };
  std::vector<Chunk> sealed_;
  std::vector<HistogramSample> recent_;
  std::vector<HistogramSample> late_;
};

/// Of one series of a block, as the functions above.
Result<> read_block_histograms(const BlockReader& block, uint32_t series, TimeRange range,
                               HistogramJoin& join, const TolerateDamage& tolerate);
Result<> last_block_histogram(const BlockReader& block, uint32_t series, TimeRange range,
                              std::optional<HistogramSample>& out, const TolerateDamage& tolerate);

}  // namespace strata::tsdb
