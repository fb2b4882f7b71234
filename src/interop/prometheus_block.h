// Reads a block of Prometheus' TSDB: the directory that Prometheus, Thanos and Mimir write, with
// index version 2, XOR chunks and chunks of native histograms.
//
// Files are mapped and read in place; everything in them is untrusted: wrong bytes are kCorruption
// with the file and the offset. Owned by who opened it; immutable and thread-safe. What is read is
// in docs/formats/prometheus-blocks.md.
//
// Memory: 4 bytes a symbol, 8 a series; deletions.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/fs.h"
#include "base/result.h"
#include "model/labels.h"
#include "model/series_source.h"

namespace strata::interop {

class PrometheusBlock {
 public:
  /// Checks the checksums of the index. Errors: kNotFound, kIo, kBadData for another version, or
  /// kCorruption.
  static Result<std::unique_ptr<PrometheusBlock>> open(Fs& fs, std::string dir);

  const std::string& dir() const { return dir_; }
  size_t series_count() const { return series_.size(); }
  /// From the first to the last sample, as the index tells; min > max when there is none.
  TimeRange time_range() const { return time_range_; }

  /// Of series i < series_count(), in the order of the file. Error: kCorruption.
  Result<Labels> labels(size_t i) const;
  /// Replaces `out` by the samples of series i in `range`, ascending, without those that were
  /// deleted. Errors: kCorruption; kBadData for a chunk encoding that is not known.
  Result<> read(size_t i, TimeRange range, SampleColumns& out) const;

 private:
  struct Chunk {
    TimeRange range;
    uint64_t ref = 0;
  };
  struct Entry {
    std::vector<std::pair<uint32_t, uint32_t>> labels;  // symbols
    std::vector<Chunk> chunks;
  };
  struct ChunkData {
    uint8_t encoding = 0;
    std::string_view data;
  };

  explicit PrometheusBlock(std::string dir) : dir_(std::move(dir)) {}
  Result<> open_index(Fs& fs);
  Result<> open_chunks(Fs& fs);
  Result<> open_tombstones(Fs& fs);
  Result<> read_symbols(uint64_t offset);
  Result<> find_series(uint64_t begin, uint64_t end);
  Result<> note_chunks();
  Result<std::string_view> section(uint64_t offset) const;
  Result<std::string_view> symbol(uint32_t i) const;
  Result<Entry> entry(size_t i) const;
  Result<ChunkData> chunk(uint64_t ref) const;
  std::unexpected<Error> damaged(std::string_view file, uint64_t offset,
                                 std::string_view what) const;

  const std::string dir_;
  std::unique_ptr<MappedFile> index_;
  std::vector<std::unique_ptr<MappedFile>> segments_;
  std::vector<uint64_t> symbols_;                                 // offsets in the index
  std::vector<uint64_t> series_;                                  // offsets in the index
  std::unordered_map<uint64_t, std::vector<TimeRange>> deleted_;  // by series reference
  TimeRange time_range_{kMaxTime, kMinTime};
};

/// Whether `dir` looks like a block of Prometheus.
bool is_prometheus_block(Fs& fs, const std::string& dir);

/// `dir` itself when it is a block, else the blocks in it, by name. Error: kNotFound when there are
/// none.
Result<std::vector<std::string>> find_prometheus_blocks(Fs& fs, const std::string& dir);

}  // namespace strata::interop
