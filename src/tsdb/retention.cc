#include "tsdb/retention.h"

#include <algorithm>

#include "tsdb/block.h"
#include "tsdb/postings.h"

namespace strata::tsdb {

size_t Retention::class_of(const Labels& labels) const {
  for (size_t c = 0; c < rules_.size(); ++c) {
    if (std::ranges::all_of(rules_[c].matchers,
                            [&](const Matcher& matcher) { return matcher.matches(labels); })) {
      return c;
    }
  }
  return rules_.size();
}

TimestampMs Retention::cutoff(size_t c, TimestampMs newest) const {
  const TimestampMs kept = keep(c).count();
  return kept <= 0 || newest < kMinTime + kept ? kMinTime : newest - kept;
}

Millis Retention::longest() const {
  Millis longest = otherwise_;
  if (otherwise_.count() <= 0) return Millis(0);
  for (const RetentionRule& rule : rules_) {
    if (rule.keep.count() <= 0) return Millis(0);
    longest = std::max(longest, rule.keep);
  }
  return longest;
}

std::vector<bool> Retention::classes_in(const BlockReader& block) const {
  std::vector<bool> present(classes(), true);
  std::vector<bool> decided(block.series_count());
  size_t left = decided.size();
  for (size_t c = 0; c < rules_.size(); ++c) {
    const auto selected = block.select(rules_[c].matchers);
    if (!selected) return std::vector<bool>(classes(), true);
    present[c] = false;
    for (const uint32_t series : *selected) {
      if (decided[series]) continue;
      decided[series] = present[c] = true;
      --left;
    }
  }
  present.back() = left > 0;
  return present;
}

}  // namespace strata::tsdb
