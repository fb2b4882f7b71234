// The tile: the unit of storage. One scrape target x T scrapes, stored column by column.
//
// All series of a scrape share its timestamp, so a tile keeps one column of times and one column of
// values a series; each column is coded by what its numbers are (docs/formats/tile.md). Lossless to
// the bit: NaN payloads, stale markers, -0, infinities and denormals come back as they went in.
//
// A tile carries no checksum: whoever stores its bytes frames them with one. Still, every byte that
// a TileView reads is untrusted, and wrong ones are kCorruption.
//
// Bounds: kMaxTileRows rows, kMaxTileColumns columns.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/sample.h"
#include "model/series_source.h"

namespace strata::tsdb {

inline constexpr size_t kMaxTileRows = 8192;
inline constexpr size_t kMaxTileColumns = 65536;

/// Says that a column is one cumulative bucket of a histogram, so that it can be stored as what it
/// adds to the bucket below. Columns with the same `group` (0: none) are one histogram; `position`
/// is their order by ascending `le`. A hint only: it never changes what is read back, and a column
/// that gains nothing from it is stored without. histogram_families() (family.h) finds them.
struct FamilyHint {
  uint32_t group = 0;
  uint32_t position = 0;
};

struct ColumnInput {
  std::span<const double> values;      // one a present row, in row order
  const uint64_t* presence = nullptr;  // bit r of word r/64: row r has a value; null: all rows do
  FamilyHint family;
};

struct TileOptions {
  bool families = true;  // false: ignore the hints
  bool stats = false;    // store ColumnStats a column (up to 24 bytes each)
  /// For data that is read rarely: smaller by entropy coding, and read whole columns at a time.
  bool cold = false;
};

/// Appends the encoded tile to `out`. `timestamps` ascend strictly; 1 to kMaxTileRows of them, 0 to
/// kMaxTileColumns columns, each with as many values as presence bits below the row count: what
/// breaks this is a broken invariant (CHECK). Thread-safe; scratch memory is kept a thread.
void encode_tile(std::span<const TimestampMs> timestamps, std::span<const ColumnInput> columns,
                 std::string& out, const TileOptions& options = {});

/// Over the values of one column; `min`, `max` and `sum` leave NaNs out (NaN when nothing is left).
/// `sum` adds in row order, plainly.
struct ColumnStats {
  uint32_t count = 0;
  double min = 0;
  double max = 0;
  double sum = 0;
  double first = 0;
  double last = 0;
};

/// What a reader keeps between columns of one tile: the decoded times, and the running sums of a
/// histogram family, so that its n buckets cost n column decodes and not n*n/2. Not thread-safe.
/// May be reused for another tile; holds at most kMaxTileRows * 8 bytes a bucket of one family.
class TileScratch {
 public:
  TileScratch();
  ~TileScratch();
  TileScratch(TileScratch&&) noexcept;
  TileScratch& operator=(TileScratch&&) noexcept;
  /// Heap bytes held.
  size_t memory() const;
  void clear();

 private:
  friend class TileReader;
  struct State;
  std::unique_ptr<State> state_;
};

/// Reads an encoded tile in place. Cheap to make and to copy; valid while `bytes` is. Thread-safe
/// (a TileScratch is not).
class TileView {
 public:
  /// Checks the frame of the tile, not its columns. Trailing bytes are an error.
  static Result<TileView> open(std::string_view bytes);

  /// Whether TileOptions::cold was asked for.
  bool cold() const { return version_ >= 2; }
  size_t rows() const { return rows_; }
  size_t columns() const { return columns_; }
  /// Of its first and last row.
  TimeRange time_range() const { return time_range_; }

  /// Replaces `out` by the times of all rows, strictly ascending.
  Result<> timestamps(std::vector<TimestampMs>& out) const;

  /// Appends the samples of column i < columns() in `range` to out.t and out.v. On an error `out`
  /// is as it was. `scratch` makes reading several columns of this tile cheaper; whoever passes one
  /// passes it for no other tile's bytes at the same address without clear().
  Result<> column(size_t i, TimeRange range, SampleColumns& out,
                  TileScratch* scratch = nullptr) const;

  /// The last sample of column i in `range`, or false: decodes little of the column.
  Result<bool> last(size_t i, TimeRange range, Sample& out, TileScratch* scratch = nullptr) const;

  /// Empty when the tile does not hold them and they do not follow from the column's header.
  Result<std::optional<ColumnStats>> stats(size_t i) const;

  /// How column i is stored, for `tsdb analyze` and benches: "int/delta/packed", "constant", …
  Result<std::string> describe(size_t i) const;
  /// Bytes of column i, without its share of the tile's header and directory.
  Result<size_t> column_bytes(size_t i) const;

 private:
  TileView() = default;
  friend class TileReader;

  std::string_view bytes_;
  uint32_t rows_ = 0;
  uint32_t columns_ = 0;
  uint32_t presence_count_ = 0;
  uint8_t version_ = 1;
  uint8_t flags_ = 0;
  uint8_t length_width_ = 0;
  TimeRange time_range_;
  std::string_view times_;      // the encoded column of times
  std::string_view presences_;  // the distinct presence bitmaps
  std::string_view directory_;  // lengths of the columns
  std::string_view data_;       // the columns
};

}  // namespace strata::tsdb
