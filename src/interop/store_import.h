// Brings blocks into a store that is not running. They are written in PATH/import.tmp and take
// their place under PATH/blocks when all of them are whole: an import that fails leaves the store
// as it was. Samples that are in the store already do no harm: of two with one time, one stays.
//
// Holds the store's lock while it lives. One thread.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/fs.h"
#include "base/result.h"
#include "model/labels.h"
#include "model/series_source.h"
#include "tsdb/block.h"

namespace strata::interop {

/// What an import did.
struct ImportStats {
  uint64_t blocks = 0;  // written
  uint64_t series = 0;  // summed over blocks
  uint64_t samples = 0;
  uint64_t bytes = 0;
  TimeRange range{kMaxTime, kMinTime};
  uint64_t duplicates = 0;    // text only: same series and time again; the first stays
  uint64_t without_time = 0;  // text only: samples without a timestamp, left out
};

/// A line for a person who waits.
using Progress = std::function<void(const std::string& line)>;

class StoreImport {
 public:
  /// The store is created when missing. Error: kConflict when it is in use.
  static Result<std::unique_ptr<StoreImport>> begin(Fs& fs, std::string path);
  ~StoreImport();
  StoreImport(const StoreImport&) = delete;
  StoreImport& operator=(const StoreImport&) = delete;

  /// Of samples from `start` on.
  Result<std::unique_ptr<tsdb::BlockWriter>> new_block(TimestampMs start);
  Result<> finish_block(tsdb::BlockWriter& writer);
  /// Call once, after the last block.
  Result<ImportStats> publish();

 private:
  StoreImport(Fs& fs, std::string path) : fs_(fs), path_(std::move(path)) {}

  Fs& fs_;
  const std::string path_;
  std::unique_ptr<FileLock> lock_;
  uint64_t sequence_ = 0;
  std::vector<std::string> blocks_;  // names
  ImportStats stats_;
};

/// Writes series that were scraped together: columns[i] is of numbers[i]. They share tiles when
/// their times are mostly the same, else each set of times has its own.
Result<> write_columns(tsdb::BlockWriter& writer, std::span<const uint32_t> numbers,
                       std::span<const SampleColumns> columns);

/// Imports a block of Prometheus, or all in a data directory: one block each.
Result<ImportStats> import_prometheus_blocks(Fs& fs, const std::string& dir,
                                             const std::string& store, const Progress& progress);

/// Imports exposition text with timestamps. `path` ending in .gz is not unpacked. A file whose last
/// line is # EOF is OpenMetrics, else the text format. Blocks of two hours, of more when there
/// would be more than 64; memory: about 600 MB.
Result<ImportStats> import_text(Fs& fs, std::span<const std::string> files,
                                const std::string& store, const Progress& progress);

}  // namespace strata::interop
