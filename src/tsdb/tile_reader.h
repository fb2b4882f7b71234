// How TileView reads: columns found, opened and decoded, with all state in a scratch.
//
// Functions that return false met bytes that are not a tile's; what they filled is then undefined.
#pragma once
#include <vector>

#include "tsdb/int_vector.h"
#include "tsdb/tile.h"
#include "tsdb/tile_format.h"

namespace strata::tsdb {

class TileReader {
 public:
  struct Span {
    size_t begin = 0;
    size_t end = 0;
  };

  struct Column {
    ColumnHeader header;
    uint32_t index = 0;                  // where the bytes are: not i when i is the same as another
    uint32_t count = 0;                  // present rows
    std::span<const uint64_t> presence;  // of rows; empty: all
    std::string_view exceptions;
    ByteReader vectors{{}};
  };

  /// One column of the family that was read last: its integers, summed up to it.
  struct FamilyMember {
    uint32_t column = 0;
    std::vector<int64_t> sums;
  };

  explicit TileReader(const TileView& tile) : tile_(tile) {}

  /// The scratch's state, made ready for the tile at `bytes`; without a scratch one of the
  /// thread's, which remembers nothing.
  static TileScratch::State& state(TileScratch* scratch, std::string_view bytes);

  size_t vector_rows() const { return size_t{1} << (tile_.flags_ & kVectorShiftMask); }
  size_t columns_end() const;
  std::string_view column_bytes(size_t i) const;
  bool read_times(std::vector<TimestampMs>& out) const;
  bool load_times(TileScratch::State& state) const;
  bool open_column(size_t i, TileScratch::State& state, Column& out) const;
  /// Rows whose times are in `range`; needs load_times().
  Span rows_in(TimeRange range, const TileScratch::State& state) const;
  /// The same as indices of the column's values.
  Span places_in(Span rows, const Column& column, const TileScratch::State& state) const;
  /// Values places.begin to places.end (at least one) of the column. `remember`: keep what the
  /// family has in common in the scratch.
  bool read_values(const Column& column, Span places, bool remember, TileScratch::State& state,
                   double* out) const;

 private:
  size_t column_offset(size_t i) const;
  size_t column_length(size_t i) const;
  bool load_presence(uint32_t id, TileScratch::State& state) const;
  bool read_presence(std::string_view bytes, std::vector<uint64_t>& words) const;
  bool open_chain(const Column& column, TileScratch::State& state) const;
  bool extend_family(TileScratch::State& state) const;
  bool read_vector(const Column& column, size_t v, std::span<int64_t> out) const;

  const TileView& tile_;
};

struct TileScratch::State {
  // What is known of the tile at `bytes`.
  std::string_view bytes;
  bool has_times = false;
  std::vector<TimestampMs> times;
  bool has_presence = false;
  uint32_t presence_id = 0;
  uint32_t presence_count = 0;
  std::vector<uint64_t> presence;
  std::vector<uint32_t> presence_ranks;          // values before each word of `presence`
  std::vector<TileReader::FamilyMember> family;  // each adds to the one before
  size_t family_size = 0;                        // members in use
  size_t family_first = 1;                       // of their vectors those that are summed up
  size_t family_last = 0;

  // Only memory.
  std::vector<int64_t> integers;
  std::vector<int64_t> addend;
  std::vector<TileReader::Column> chain;  // a column, and below it those that it adds to

  void start(std::string_view tile);
  size_t memory() const;
};

}  // namespace strata::tsdb
