#include "rules/memory_writer.h"

namespace strata::rules {

Result<SeriesWriter::Series> MemoryWriter::series(const Labels& labels) {
  names_.push_back(labels);
  return static_cast<Series>(names_.size() - 1);
}

Result<SeriesWriter::Counts> MemoryWriter::append(TimestampMs t, std::span<const Series> series,
                                                  std::span<const double> values) {
  SampleColumns sample;
  for (size_t i = 0; i < series.size(); ++i) {
    sample.clear();
    sample.t.push_back(t);
    sample.v.push_back(values[i]);
    source_.add(names_[static_cast<size_t>(series[i])], sample);
  }
  return Counts{};
}

}  // namespace strata::rules
