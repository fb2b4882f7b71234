// Writes a block that Prometheus, promtool, Thanos and Mimir read: meta.json, index version 2, XOR
// and histogram chunks of 120 samples, an empty file of tombstones.
//
// Written as ULID.tmp-for-creation, the name that Prometheus gives and removes itself, and renamed
// when it is whole and synced. Not thread-safe; destroyed without finish(), it removes what it
// wrote. Memory: the labels of the block's series, and 16 bytes a label of each.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/fs.h"
#include "base/result.h"
#include "model/labels.h"
#include "model/series_source.h"

namespace strata::interop {

struct PrometheusBlockStats {
  std::string dir;
  TimeRange range{kMaxTime, kMinTime};  // of the samples
  uint64_t series = 0;
  uint64_t chunks = 0;
  uint64_t samples = 0;
};

class PrometheusBlockWriter {
 public:
  /// `parent` is created when missing. `window`: what the block says it spans; samples lie in it.
  static Result<std::unique_ptr<PrometheusBlockWriter>> create(Fs& fs, const Clock& clock,
                                                               std::string parent,
                                                               TimeRange window);
  ~PrometheusBlockWriter();
  PrometheusBlockWriter(const PrometheusBlockWriter&) = delete;
  PrometheusBlockWriter& operator=(const PrometheusBlockWriter&) = delete;

  /// Series come in the order of their labels, each once; one without samples is left out.
  /// Native histograms become histogram chunks. Errors: kBadData for a wrong order, kIo.
  Result<> add(const Labels& labels, const SampleColumns& samples);
  /// Publishes the block. Call once. Without samples there is no block, and its stats say so.
  Result<PrometheusBlockStats> finish();

 private:
  struct ChunkMeta {
    TimeRange range;
    uint64_t ref = 0;
  };
  struct Series {
    Labels labels;
    std::vector<ChunkMeta> chunks;
  };

  PrometheusBlockWriter(Fs& fs, std::string parent, std::string ulid, TimeRange window);
  Result<> start_segment();
  Result<uint64_t> write_chunk();
  Result<> end_segment();
  Result<> write_file(const std::string& name, std::string_view bytes);
  Result<> write_index();
  std::string meta_json() const;

  Fs& fs_;
  const std::string parent_;
  const std::string ulid_;
  const std::string temporary_;
  const TimeRange window_;
  PrometheusBlockStats stats_;
  std::vector<Series> series_;
  std::unique_ptr<AppendFile> segment_;
  uint64_t segments_ = 0;
  uint64_t segment_bytes_ = 0;
  std::string pending_;  // of the segment
  std::string chunk_;
  bool finished_ = false;
};

/// A ULID: 26 characters that sort by `time`; `entropy` tells those of one millisecond apart.
std::string make_ulid(TimestampMs time, uint64_t entropy_high, uint64_t entropy_low);

}  // namespace strata::interop
