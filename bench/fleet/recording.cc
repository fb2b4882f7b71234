#include "fleet/recording.h"

#include <cmath>

namespace strata::bench {

RecordedTarget::RecordedTarget(const Fleet::Member& member, const std::optional<Regex>& keep)
    : member_(member) {
  uint32_t line = 0;
  member.target->page().for_each([&](std::string_view series, double) {
    if (!keep || keep->full_match(series)) {
      series_.push_back(fmt::format("{}{}job=\"{}\",instance=\"{}\"}}", series,
                                    series.contains('{') ? ',' : '{', job_of(member.kind),
                                    member.instance));
      lines_.push_back(line);
    }
    ++line;
  });
  values_.resize(lines_.size());
}

std::span<const double> RecordedTarget::values() {
  Page& page = member_.target->page();
  for (size_t i = 0; i < lines_.size(); ++i) values_[i] = page[lines_[i]];
  return values_;
}

Recording::Recording(const RecordingOptions& options)
    : options_(options.fleet),
      steps_(std::llround(options.hours * 3600 / options.fleet.step_seconds)),
      fleet_(options.fleet) {
  for (size_t i = 0; i < fleet_.size(); ++i) targets_.emplace_back(fleet_.member(i), options.keep);
}

size_t Recording::series() const {
  size_t n = 0;
  for (const auto& target : targets_) n += target.series().size();
  return n;
}

TimestampMs Recording::time_of(int64_t step) const {
  return std::llround((options_.start + options_.step_seconds * static_cast<double>(step)) * 1000);
}

void Recording::advance(int64_t step) {
  for (size_t i = 0; i < fleet_.size(); ++i) fleet_.at_step(i, step);
}

}  // namespace strata::bench
