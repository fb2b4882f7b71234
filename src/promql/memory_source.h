// A SeriesSource that holds its series as they are given: for test files, rule unit tests, fuzzing
// and benchmarks.
#pragma once
#include <map>
#include <memory>
#include <vector>

#include "model/series_source.h"

namespace strata::promql {

/// Filled by one thread, then read by any number.
class MemorySource final : public SeriesSource {
 public:
  /// Samples of a series that is there already go behind those it has; they must be newer.
  void add(const Labels& labels, const SampleColumns& samples);
  void clear() { series_.clear(); }
  size_t size() const { return series_.size(); }

  Result<std::unique_ptr<SeriesSet>> select(std::span<const Matcher> matchers, TimeRange range,
                                            size_t limit) const override;
  Result<std::vector<std::string>> label_names(std::span<const Matcher> matchers,
                                               TimeRange range) const override;
  Result<std::vector<std::string>> label_values(std::string_view name,
                                                std::span<const Matcher> matchers,
                                                TimeRange range) const override;

 private:
  std::map<Labels, std::shared_ptr<SampleColumns>> series_;
};

}  // namespace strata::promql
