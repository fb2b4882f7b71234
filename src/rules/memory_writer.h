// Rules that write into memory: for unit tests of rules and for replays, which leave no trace.
#pragma once
#include <vector>

#include "promql/memory_source.h"
#include "rules/series_writer.h"

namespace strata::rules {

/// One thread at a time, and none that reads the source meanwhile.
class MemoryWriter final : public SeriesWriter {
 public:
  /// `source` outlives the writer.
  explicit MemoryWriter(promql::MemorySource& source) : source_(source) {}
  Result<Series> series(const Labels& labels) override;
  Result<Counts> append(TimestampMs t, std::span<const Series> series,
                        std::span<const double> values) override;

 private:
  promql::MemorySource& source_;
  std::vector<Labels> names_;
};

}  // namespace strata::rules
