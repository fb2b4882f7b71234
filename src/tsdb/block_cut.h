// Makes a block of the head's oldest window, a piece at a time, so that the store thread keeps
// syncing the log meanwhile.
//
// The window's tiles are sealed and synced before it begins; it reads them through their mappings,
// joins those of a target into long ones, and publishes the block with a rename. The head drops the
// tiles afterwards; should the process end in between, the note in the file `cut` says which tile
// segments the block has made superfluous. Used by the store thread only; not thread-safe.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/fs.h"
#include "base/result.h"
#include "tsdb/block.h"
#include "tsdb/histogram_head.h"
#include "tsdb/series_table.h"
#include "tsdb/targets.h"
#include "tsdb/timed_head.h"

namespace strata::tsdb {

class BlockCut {
 public:
  /// Takes stock of the sealed tiles that lie in `window` (closed at both ends). `path`: of the
  /// block to be.
  static Result<std::unique_ptr<BlockCut>> begin(Fs& fs, std::string path, std::string note_path,
                                                 TimeRange window, const SeriesTable& table,
                                                 const Targets& targets, const TimedHead& timed,
                                                 const HistogramHead& histograms);

  /// Writes one piece; true when there is more to do.
  Result<bool> step();
  /// Publishes the block. Call once, after step() said that nothing is left.
  Result<BlockMeta> finish();

  const std::string& path() const { return path_; }
  TimeRange window() const { return window_; }
  /// Nothing lies in the window: there is no block to be made.
  bool empty() const { return taken_.empty(); }
  /// Whether the block has this tile.
  bool has(const SealedTile& tile) const;
  uint64_t damaged_tiles() const { return damaged_tiles_; }
  uint64_t lost_samples() const { return lost_samples_; }

  /// Segments that a block published before a crash has made superfluous.
  static std::vector<uint64_t> superfluous_segments(Fs& fs, const std::string& note_path,
                                                    const std::string& blocks_dir);
  /// Segment numbers are used again after a restart, so a note must not outlive its process.
  static Result<> remove_note(Fs& fs, const std::string& note_path);

 private:
  struct Source {
    std::vector<SealedTile> tiles;  // by time
    std::vector<SeriesId> series;   // that only this source has
    size_t done = 0;                // of `series`
  };
  BlockCut(Fs& fs, std::string path, std::string note_path, TimeRange window)
      : fs_(fs), path_(std::move(path)), note_path_(std::move(note_path)), window_(window) {}
  void take_stock(const SeriesTable& table, const Targets& targets, const TimedHead& timed,
                  const HistogramHead& histograms);
  void take_histograms(const HistogramHead& histograms);
  Result<> write_histograms(SeriesId series, const HistogramSnapshot& snapshot);
  Result<> write_group(Source& source, size_t count);
  Result<> write_mixed(SeriesId series);
  void note_taken();
  Result<> read_columns(const SealedTile& tile, std::span<const SeriesId> series,
                        std::vector<TimestampMs>& times, std::vector<SampleColumns>& out);
  void note_damage(const SealedTile& tile, const Error& error);
  Result<> write_note() const;

  Fs& fs_;
  const std::string path_;
  const std::string note_path_;
  const TimeRange window_;
  std::unique_ptr<BlockWriter> writer_;

  std::vector<std::pair<uint64_t, uint64_t>> taken_;  // segment and offset of each tile, sorted
  std::vector<uint64_t> emptied_segments_;
  std::vector<Source> targets_;
  std::vector<std::pair<SeriesId, TimedSnapshot>> timed_;
  std::vector<std::pair<SeriesId, HistogramSnapshot>> histograms_;
  std::vector<SeriesId> mixed_;      // series with more than one source
  std::vector<uint32_t> number_of_;  // by series id: its number in the block
  size_t next_target_ = 0;
  size_t next_mixed_ = 0;
  size_t next_histograms_ = 0;
  uint64_t damaged_tiles_ = 0;
  uint64_t lost_samples_ = 0;
};

}  // namespace strata::tsdb
