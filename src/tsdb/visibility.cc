#include "tsdb/visibility.h"

#include <algorithm>

namespace strata::tsdb {

Visibility::Visibility(DeletionsPtr deletions, RetentionPtr retention, TimestampMs newest,
                       TimeRange range)
    : deletions_(std::move(deletions)), retention_(std::move(retention)) {
  if (deletions_) {
    for (const Deletion& deletion : *deletions_) {
      if (deletion.range.overlaps(range)) concerned_.push_back(&deletion);
    }
  }
  // Without rules whole blocks expire, as in Prometheus, and nothing has to be looked up.
  if (!retention_ || !retention_->has_rules()) return;
  for (size_t c = 0; c < retention_->classes(); ++c) {
    cutoffs_.push_back(retention_->cutoff(c, newest));
    by_retention_ |= cutoffs_.back() > range.min;
  }
}

Visibility::Series Visibility::of(const Labels& labels) const {
  Series series;
  for (const Deletion* deletion : concerned_) {
    if (deletion->selects(labels)) series.deletions_.push_back(deletion);
  }
  if (by_retention_) series.cutoff_ = cutoffs_[retention_->class_of(labels)];
  return series;
}

Intervals Visibility::Series::intervals(const std::vector<const Deletion*>& deletions) const {
  Intervals out;
  for (const Deletion* deletion : deletions) add_interval(out, deletion->range);
  if (cutoff_ != kMinTime) add_interval(out, {kMinTime, cutoff_ - 1});
  return out;
}

Intervals Visibility::Series::in_head() const {
  auto deletions = deletions_;
  std::erase_if(deletions, [](const Deletion* deletion) { return !deletion->in_head; });
  return intervals(deletions);
}

Intervals Visibility::Series::in_block(std::string_view block) const {
  auto deletions = deletions_;
  std::erase_if(deletions, [&](const Deletion* deletion) { return !deletion->concerns(block); });
  return intervals(deletions);
}

}  // namespace strata::tsdb
