// The rows of a tile while it fills: coded as they are in the log, one after the other.
//
// So a row takes the bytes that the log took, an append copies them, and a restart adopts them. A
// row is coded against a base, the first of its run; a run ends when the scrape's columns change or
// the log begins a segment. A row is never changed once it is published (TargetHead counts
// published rows under its lock), so readers look at it without one. Bounded: kTileRows rows.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "model/sample.h"
#include "tsdb/row_code.h"

namespace strata::tsdb {

inline constexpr uint32_t kTileRows = 32;

/// Bytes of all open tiles of a head. Tiles may outlive the head.
using OpenTileBytes = std::shared_ptr<std::atomic<size_t>>;

class OpenTile {
 public:
  /// Column i of the tile is column map[i] of the scrape, if not kAbsent and i is below its size;
  /// an empty map is the identity.
  using ColumnMap = std::vector<uint32_t>;
  static constexpr uint32_t kAbsent = UINT32_MAX;

  explicit OpenTile(OpenTileBytes total);
  ~OpenTile();
  OpenTile(const OpenTile&) = delete;
  OpenTile& operator=(const OpenTile&) = delete;

  /// Writes row `row` (not published yet, the first that is not), coded against `base`; empty: it
  /// is the base. `map` counts where a base differs from the last row's. REQUIRES: `coded` decodes.
  void write(uint32_t row, TimestampMs t, const RowBasePtr& base, std::string_view coded,
             const ColumnMap& map);

  TimestampMs time(uint32_t row) const { return times_[row]; }
  std::span<const TimestampMs> times(uint32_t rows) const { return std::span(times_).first(rows); }
  /// Decodes a group of columns and remembers it (a thread's last), for its neighbours are mostly
  /// read next.
  std::optional<double> value(uint32_t row, uint32_t column) const;
  /// The row as it was scraped; its place is that of the tile's columns under map().
  void decode(uint32_t row, std::vector<double>& out) const;
  const ColumnMap& map(uint32_t row) const { return runs_[run_of_[row]]->map; }

  size_t memory() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  struct Run {
    RowBasePtr base;
    ColumnMap map;
  };
  struct Row {
    const char* at = nullptr;  // null: the run's base
    uint32_t bytes = 0;
    std::string_view coded() const { return {at, bytes}; }
  };
  const char* store(std::string_view coded);
  void count(size_t bytes);

  const OpenTileBytes total_;
  const uint64_t number_;
  std::atomic<size_t> bytes_ = 0;
  std::array<TimestampMs, kTileRows> times_{};
  std::array<Row, kTileRows> rows_{};
  std::array<uint8_t, kTileRows> run_of_{};
  std::array<std::unique_ptr<const Run>, kTileRows> runs_{};

  // The appender's.
  uint8_t run_count_ = 0;
  std::vector<std::unique_ptr<char[]>> blocks_;
  size_t block_size_ = 0;
  size_t block_used_ = 0;
};

}  // namespace strata::tsdb
