// The file `histograms` of a block: chunks of native histograms (histogram_codec.h) and, at its
// end, a table of them by series and time. A block without histograms has no such file.
// Format: docs/formats/block.md.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/fs.h"
#include "base/result.h"
#include "tsdb/block.h"
#include "tsdb/histogram_sample.h"

namespace strata::tsdb {

inline constexpr std::string_view kHistogramsFile = "histograms";
/// Histograms of a chunk in a block: two hours at 15 s.
inline constexpr size_t kBlockChunkRows = 480;

/// A row of the table.
struct HistogramChunkEntry {
  uint32_t series = 0;
  uint32_t rows = 0;
  int64_t min_time = 0;
  int64_t max_time = 0;
  uint64_t offset = 0;  // of the chunk's frame
  uint32_t length = 0;  // of the chunk in it
  uint32_t flags = 0;   // none yet
};
static_assert(sizeof(HistogramChunkEntry) == 40);

/// Writes the file; it is created with the first chunk. Not thread-safe.
class BlockHistogramsWriter {
 public:
  BlockHistogramsWriter(Fs& fs, std::string path) : fs_(fs), path_(std::move(path)) {}

  /// Histograms of one series, ascending, after those that it got before. Error: kBadData, kIo.
  Result<> add(uint32_t series, std::span<const HistogramSample> samples);
  /// Writes the table and syncs. Call once, after the last add().
  Result<> finish();

  uint64_t bytes() const { return bytes_; }  // 0: there is no file
  uint64_t samples() const { return samples_; }
  /// Of all of them; empty (min > max) when there are none.
  TimeRange time_range() const { return range_; }

 private:
  Result<> write(std::string_view bytes);

  Fs& fs_;
  const std::string path_;
  std::unique_ptr<AppendFile> file_;
  std::string pending_;
  std::string chunk_;
  uint64_t bytes_ = 0;
  uint64_t samples_ = 0;
  TimeRange range_{kMaxTime, kMinTime};
  std::vector<HistogramChunkEntry> table_;
};

/// Reads the file in place. Immutable, thread-safe.
class BlockHistograms {
 public:
  /// `bytes`: what the file has, 0 when that is not known. Error: kNotFound, kIo, kCorruption with
  /// the file's name.
  static Result<std::unique_ptr<BlockHistograms>> open(Fs& fs, std::string path, uint64_t bytes);

  /// Called with what is wrong with a chunk, and its entry; an error ends the reading.
  using OnDamage = std::function<Result<>(const Error&, const HistogramChunkEntry&)>;

  /// Appends the histograms of `series` in `range`, ascending, and goes on behind damaged chunks.
  Result<> read(uint32_t series, TimeRange range, std::vector<HistogramSample>& out,
                const OnDamage& on_damage) const;
  /// The last one in `range`, or false.
  Result<bool> read_last(uint32_t series, TimeRange range, HistogramSample& out,
                         const OnDamage& on_damage) const;
  /// From the first to the last; min > max: none.
  TimeRange time_range(uint32_t series) const;

  size_t chunks() const { return count_; }
  HistogramChunkEntry entry(size_t i) const;
  /// Decodes one chunk.
  Result<> read_chunk(const HistogramChunkEntry& entry, TimeRange range,
                      std::vector<HistogramSample>& out) const;

 private:
  explicit BlockHistograms(std::string path) : path_(std::move(path)) {}
  /// First and last row of the table that `series` has.
  std::pair<size_t, size_t> rows_of(uint32_t series) const;
  Result<std::string_view> chunk_bytes(const HistogramChunkEntry& entry) const;

  const std::string path_;
  std::unique_ptr<MappedFile> file_;
  std::string_view table_;
  size_t count_ = 0;
};

}  // namespace strata::tsdb
