// The load command of test files: series as a store would hold them. Private to promqltest*.cc.
#pragma once
#include <vector>

#include "model/duration.h"
#include "promql/memory_source.h"
#include "promql/series_description.h"

namespace strata::promql {

/// One `load` block.
class TestLoad {
 public:
  TestLoad(Millis step, bool with_nhcb) : step_(step), with_nhcb_(with_nhcb) {}

  Result<> add_line(std::string_view line);
  /// Puts the samples into `source`, from time 0 on; histograms get the hints that a store would
  /// give them, and, where asked for, classic histograms come as custom-bucket ones too.
  Result<> append_to(MemorySource& source) const;

 private:
  SampleColumns columns_of(const SeriesDescription& series) const;
  void append_custom_histograms(MemorySource& source) const;

  const Millis step_;
  const bool with_nhcb_;
  std::vector<SeriesDescription> series_;
  std::vector<SequenceValue> pending_starts_;
  Labels pending_labels_;
  std::vector<std::vector<SequenceValue>> starts_;  // parallel to series_; empty: none
};

}  // namespace strata::promql
