// The series that one rule writes: values now, and a stale marker for each series of the last
// evaluation that the present one does not have.
//
// Owned by its rule; one thread at a time. Bounded by the rule's results.
#pragma once
#include <unordered_map>
#include <vector>

#include "rules/series_writer.h"

namespace strata::rules {

class RuleOutput {
 public:
  /// A value of the present evaluation.
  void add(Labels labels, double value);
  /// Writes what was added, and markers, at `t`. Error: the writer's; what was added is dropped,
  /// and the series of before stay to be marked.
  Result<SeriesWriter::Counts> write(SeriesWriter& writer, TimestampMs t);
  /// Marks all series of the last evaluation: the rule is no more.
  Result<> end(SeriesWriter& writer, TimestampMs t);
  size_t size() const { return last_.size(); }

 private:
  Result<SeriesWriter::Counts> append(SeriesWriter& writer, TimestampMs t);

  struct Known {
    SeriesWriter::Series series{};
    uint64_t evaluation = 0;  // the last that had it
  };
  std::unordered_map<Labels, Known, LabelsHash> last_;
  std::vector<std::pair<Labels, double>> added_;
  uint64_t evaluation_ = 0;
};

}  // namespace strata::rules
