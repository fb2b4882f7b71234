#include "rules/rule_output.h"

#include "model/sample.h"

namespace strata::rules {

void RuleOutput::add(Labels labels, double value) { added_.emplace_back(std::move(labels), value); }

Result<SeriesWriter::Counts> RuleOutput::write(SeriesWriter& writer, TimestampMs t) {
  if (added_.empty() && last_.empty()) return SeriesWriter::Counts{};
  auto counts = append(writer, t);
  if (!counts && counts.error().code == ErrorCode::kNotFound) {
    // The store forgot a handle: ask for all of them anew, once.
    for (auto& [labels, known] : last_) known.series = TRY(writer.series(labels));
    counts = append(writer, t);
  }
  added_.clear();
  if (!counts) return counts;
  std::erase_if(last_, [&](const auto& entry) { return entry.second.evaluation != evaluation_; });
  return counts;
}

Result<SeriesWriter::Counts> RuleOutput::append(SeriesWriter& writer, TimestampMs t) {
  ++evaluation_;
  std::vector<SeriesWriter::Series> series;
  std::vector<double> values;
  for (const auto& [labels, value] : added_) {
    auto found = last_.find(labels);
    if (found == last_.end()) {
      found = last_
                  .emplace(
                      labels,
                      Known {
                        TRY(writer.series(labels))
                        , 0
                      })
                  .first;
    }
    found->second.evaluation = evaluation_;
    series.push_back(found->second.series);
    values.push_back(value);
  }
  for (const auto& [labels, known] : last_) {
    if (known.evaluation == evaluation_) continue;
    series.push_back(known.series);
    values.push_back(stale_nan());
  }
  return writer.append(t, series, values);
}

Result<> RuleOutput::end(SeriesWriter& writer, TimestampMs t) {
  added_.clear();
  TRY(write(writer, t));
  return {};
}

}  // namespace strata::rules
