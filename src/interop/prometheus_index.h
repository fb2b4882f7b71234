// Builds the bytes of an index, version 2, of a block of Prometheus
// (Prometheus' tsdb/docs/format/index.md). Used by PrometheusBlockWriter, in the order in which the
// functions stand here. Not thread-safe. Memory: the index itself, and 4 bytes a label of a series.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/labels.h"

namespace strata::interop {

class PrometheusIndexBuilder {
 public:
  void add_symbols(const Labels& labels);
  void write_symbols();
  /// In the order of their labels. `chunks`: the encoded references of its chunks.
  void write_series(const Labels& labels, std::string_view chunks);
  /// Error: kLimit when the index is too large for the format.
  Result<std::string> finish();

 private:
  struct Postings {
    uint64_t offset = 0;
    std::vector<uint32_t> series;
  };

  size_t begin_section();
  void end_section(size_t begin);
  void write_postings(Postings& postings);
  void write_postings_table();

  std::string out_;
  std::map<std::string, uint32_t, std::less<>> symbols_;
  std::map<std::string, std::map<std::string, Postings, std::less<>>, std::less<>> postings_;
  Postings all_;
  uint64_t symbols_at_ = 0;
  uint64_t series_at_ = 0;
  bool too_large_ = false;
};

}  // namespace strata::interop
