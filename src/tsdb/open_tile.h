// The rows of a tile while it fills: raw doubles, one row a scrape, in one arena.
//
// Rows are stored one after the other, so that appending a scrape is one copy. A row is never
// changed once it is published (TargetHead counts published rows under its lock), so readers look
// at it without one. Arenas go back to a pool when the last reader lets go: the first touch of
// fresh pages costs more than everything else that an append does.
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "base/mutex.h"
#include "model/sample.h"

namespace strata::tsdb {

inline constexpr uint32_t kTileRows = 32;

class TilePool;

class OpenTile {
 public:
  /// Columns that fit.
  size_t stride() const { return stride_; }
  /// Bytes of its arena.
  size_t memory() const { return arena_words(stride_) * sizeof(double); }

  /// Writes row `row` (not published yet): values[i] goes to column columns[i], or to column i when
  /// `columns` is empty. The other columns have no value in this row.
  void write(uint32_t row, TimestampMs t, std::span<const double> values,
             std::span<const uint32_t> columns);

  TimestampMs time(uint32_t row) const { return times_[row]; }
  std::span<const TimestampMs> times(uint32_t rows) const { return std::span(times_).first(rows); }
  bool present(uint32_t row, uint32_t column) const {
    if (dense_[row] != kSparse) return column < dense_[row];
    return (bitmap(row)[column / 64] >> (column % 64) & 1) != 0;
  }
  double value(uint32_t row, uint32_t column) const { return arena_[row * stride_ + column]; }
  const double* row(uint32_t row) const { return arena_.get() + row * stride_; }
  /// Whether exactly the first `columns` columns of the row have values.
  bool dense(uint32_t row, size_t columns) const { return dense_[row] == columns; }

 private:
  friend class TilePool;
  static constexpr uint32_t kSparse = UINT32_MAX;
  static size_t arena_words(size_t stride) { return kTileRows * (stride + (stride + 63) / 64); }

  OpenTile(size_t stride, std::unique_ptr<double[]> arena)
      : stride_(stride), arena_(std::move(arena)) {}
  // The bitmaps follow the values in the arena.
  const uint64_t* bitmap(uint32_t row) const;

  const size_t stride_;
  std::unique_ptr<double[]> arena_;
  std::array<TimestampMs, kTileRows> times_{};
  std::array<uint32_t, kTileRows> dense_{};  // leading columns with values, or kSparse: see bitmap
};

/// Arenas by size. Thread-safe; tiles may outlive it. Keeps at most `max_idle_bytes` that no tile
/// uses.
class TilePool {
 public:
  explicit TilePool(size_t max_idle_bytes);
  /// For at least `columns` columns.
  std::shared_ptr<OpenTile> make(size_t columns);
  /// Bytes of arenas, in use and idle.
  size_t memory() const;

 private:
  struct State {
    mutable Mutex mutex;
    std::map<size_t, std::vector<std::unique_ptr<double[]>>> idle GUARDED_BY(mutex);
    size_t idle_bytes GUARDED_BY(mutex) = 0;
    size_t bytes GUARDED_BY(mutex) = 0;
    size_t max_idle_bytes = 0;
  };
  static void give_back(State& state, OpenTile* tile);
  std::shared_ptr<State> state_;
};

}  // namespace strata::tsdb
