// The block: an immutable directory of tiles with an index of their series.
//
//   meta.json   for people and tools; Strata itself reads the same facts from `index`
//   data        the tiles, each framed with its length and CRC32C
//   histograms  native histograms, when there are any (block_histograms.h)
//   index       symbols, series, postings and the table of tiles, each section CRC32C'd
//
// Formats: docs/formats/block.md and docs/formats/tile.md. Files are mapped and read in place: a
// reader holds little more than its object. A directory is a block from the moment it is renamed to
// its final name; before that it is called NAME.tmp and may be removed by anyone who finds it.
//
// Bounds: 2^32 - 1 series and tiles a block, kMaxTileRows rows a tile, kMaxIndexBytes of index.
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/fs.h"
#include "base/result.h"
#include "model/labels.h"
#include "model/matcher.h"
#include "model/sample.h"
#include "model/series_source.h"
#include "tsdb/histogram_sample.h"
#include "tsdb/tile.h"

namespace strata::tsdb {

class BlockHistograms;
class Visibility;

inline constexpr uint32_t kBlockVersion = 1;
/// Offsets inside an index section are 32 bits wide.
inline constexpr uint64_t kMaxIndexBytes = uint64_t{1} << 32;
/// What a directory is called while it is being written.
inline constexpr std::string_view kTemporarySuffix = ".tmp";

struct BlockMeta {
  uint32_t version = kBlockVersion;
  std::string id;            // the directory's name, a ULID where the store made it
  uint32_t level = 1;        // 1: cut from the head; more: merged
  TimestampMs min_time = 0;  // of the first and of the last sample; min > max: no samples
  TimestampMs max_time = -1;
  uint64_t series = 0;
  uint64_t samples = 0;
  uint64_t tiles = 0;
  uint64_t data_bytes = 0;
  uint64_t index_bytes = 0;
  uint64_t histogram_bytes = 0;      // 0: there is no such file
  std::vector<std::string> sources;  // ids of the blocks that were merged into this one
};

struct BlockOptions {
  uint32_t level = 1;
  std::vector<std::string> sources = {};
  TileOptions tiles = {};
};

/// Not thread-safe. Destroyed without finish(), it removes what it wrote.
class BlockWriter {
 public:
  /// Starts DIR.tmp (an old one is removed). Error: kConflict when `dir` exists.
  static Result<std::unique_ptr<BlockWriter>> create(Fs& fs, std::string dir,
                                                     BlockOptions options = {});
  ~BlockWriter();
  BlockWriter(const BlockWriter&) = delete;
  BlockWriter& operator=(const BlockWriter&) = delete;

  /// A number for the series, counting from 0: what add_tile() and BlockReader call it. In any
  /// order, but each labels once; series added in the order of their labels make the smallest index
  /// and the fastest reads.
  uint32_t add_series(const Labels& labels);
  /// One tile: columns[i] is of series[i]. Times ascend strictly, 1 to kMaxTileRows of them; the
  /// tiles of one series come in time order and do not overlap. Histogram families are found here
  /// when no column has a hint. Columns without a value are left out. Error: kBadData when this is
  /// broken, else kIo; the writer is of no use afterwards.
  Result<> add_tile(std::span<const TimestampMs> timestamps, std::span<const uint32_t> series,
                    std::span<const ColumnInput> columns);
  /// Native histograms of one series, ascending, after those that it got before.
  Result<> add_histograms(uint32_t series, std::span<const HistogramSample> samples);
  /// Writes the index, syncs all and publishes the directory under its name. Call once.
  Result<BlockMeta> finish();

 private:
  struct State;
  explicit BlockWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

enum class BlockVerify : uint8_t {
  kQuick,    // the index's checksums; tiles are checked when first read
  kFull,     // and every tile, decoded
  kSalvage,  // for merge_blocks() only: series and places must be whole, the rest of the index not
};

/// One damaged tile, or an index that does not fit its data.
struct BlockDamage {
  std::string message;  // names the file, the offset and the time range
  std::string block;    // the directory
  TimeRange range;
  uint64_t samples = 0;  // at most so many are lost
};

struct BlockTile {
  uint64_t offset = 0;  // of the frame in `data`
  uint32_t length = 0;  // of the tile in the frame
  uint32_t rows = 0;
  uint32_t columns = 0;
  TimeRange range;
};

/// Where samples of a series are.
struct TilePlace {
  uint32_t tile = 0;
  uint32_t column = 0;
};

/// Immutable and thread-safe.
class BlockReader {
 public:
  /// Error: kNotFound, kIo, kBadData for a newer version, or kCorruption with the file's name.
  /// kFull fails on the first damaged tile; damage() lists them all.
  static Result<std::shared_ptr<BlockReader>> open(Fs& fs, std::string dir,
                                                   BlockVerify verify = BlockVerify::kQuick);
  ~BlockReader();
  BlockReader(const BlockReader&) = delete;
  BlockReader& operator=(const BlockReader&) = delete;

  const BlockMeta& meta() const;
  const std::string& dir() const;
  /// Of the directory, without what is above it.
  std::string_view name() const;
  uint32_t series_count() const;

  /// Numbers of the series that all matchers select (no matchers: all), ascending. A series without
  /// the label matches as if its value were empty.
  Result<std::vector<uint32_t>> select(std::span<const Matcher> matchers) const;
  /// Of series < series_count(). Error: kCorruption.
  Result<Labels> labels(uint32_t series) const;
  /// From the first to the last tile that has the series; may be wider than its samples.
  Result<TimeRange> time_range(uint32_t series) const;

  /// Appends the samples of `series` in `range`, ascending. Error: kCorruption names the file and
  /// the time range of the damaged tile; `out` then ends before it.
  Result<> read(uint32_t series, TimeRange range, SampleColumns& out) const;
  /// The last sample of `series` in `range`, or false.
  Result<bool> read_last(uint32_t series, TimeRange range, Sample& out) const;

  /// The native histograms; null when there are none. Error: kCorruption when their file is
  /// damaged or missing; the rest of the block is good all the same.
  Result<const BlockHistograms*> histograms() const;

  /// Sorted, unique; of the series that all matchers select.
  Result<std::vector<std::string>> label_names(std::span<const Matcher> matchers) const;
  Result<std::vector<std::string>> label_values(std::string_view name,
                                                std::span<const Matcher> matchers) const;

  /// Whether it was written with TileOptions::cold, or nothing of it can be read.
  bool is_cold() const;
  uint32_t tile_count() const;
  Result<BlockTile> tile(uint32_t i) const;
  /// Checked against its CRC32C once a reader; valid while the reader lives.
  Result<TileView> open_tile(uint32_t i) const;
  /// Of `series`, in time order.
  Result<std::vector<TilePlace>> places(uint32_t series) const;

  /// Decodes everything; empty when all is well.
  std::vector<BlockDamage> damage() const;
  /// Of tiles that `data` is too short for, and of those that reads found damaged so far.
  std::vector<BlockDamage> known_damage() const;

 private:
  struct State;
  void find_damaged_histograms(std::vector<BlockDamage>& found) const;
  explicit BlockReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

struct MergeStats {
  uint64_t series = 0;
  uint64_t samples = 0;
  uint64_t duplicates = 0;  // same series and time in more than one block: the first block's stays
  std::vector<BlockDamage> damage;  // tiles that could not be read and are left out
};

/// Writes the series and samples of `blocks` in `range` to `out` (not finished), with tiles as long
/// as they may be: the series of one target are put together again over all blocks. With
/// `skip_damaged`, tiles that cannot be read are left out and listed, else they are the error. What
/// `visibility` hides is left out, and series of which nothing is left.
/// Memory: one tile's worth of decoded samples (at most about 64 MB) and the series' tables.
Result<MergeStats> merge_blocks(std::span<const std::shared_ptr<BlockReader>> blocks,
                                BlockWriter& out, TimeRange range = {}, bool skip_damaged = false,
                                const Visibility* visibility = nullptr);

}  // namespace strata::tsdb
