// Which series are the columns of a tile.
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "tsdb/ids.h"
#include "tsdb/tile.h"

namespace strata::tsdb {

class SeriesTable;

/// Immutable; shared by the tiles of a target until its series change. Thread-safe: what is derived
/// from the columns is made once, when first asked for.
class Layout {
 public:
  explicit Layout(std::vector<SeriesId> columns);

  std::span<const SeriesId> columns() const { return columns_; }
  size_t size() const { return columns_.size(); }
  /// Bytes that it has taken so far.
  size_t memory() const { return memory_.load(std::memory_order_relaxed); }
  /// O(log n).
  std::optional<uint32_t> column_of(SeriesId series) const;
  /// One hint a column: the buckets of one histogram belong together (family.h).
  std::span<const FamilyHint> families(const SeriesTable& table) const;

 private:
  std::vector<SeriesId> columns_;
  bool ascending_;
  mutable std::atomic<size_t> memory_;
  mutable std::once_flag order_once_;
  mutable std::vector<uint32_t> order_;  // columns by series id, unless they ascend already
  mutable std::once_flag families_once_;
  mutable std::vector<FamilyHint> families_;  // empty when there are none
};

using LayoutPtr = std::shared_ptr<const Layout>;

}  // namespace strata::tsdb
