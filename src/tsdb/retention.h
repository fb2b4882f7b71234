// How long samples are kept, by what series they are of. Values, no I/O.
#pragma once
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "model/duration.h"
#include "model/matcher.h"
#include "model/sample.h"

namespace strata::tsdb {

class BlockReader;

/// Series that `matchers` select are kept for `keep`; 0: for ever.
struct RetentionRule {
  std::vector<Matcher> matchers;
  Millis keep{0};
};

/// The first rule that selects a series decides; where none does, `otherwise` does. Immutable.
class Retention {
 public:
  Retention(std::vector<RetentionRule> rules, Millis otherwise)
      : rules_(std::move(rules)), otherwise_(otherwise) {}

  bool has_rules() const { return !rules_.empty(); }
  /// A class is the series that one rule decides about; the last class is those that none does.
  size_t classes() const { return rules_.size() + 1; }
  Millis keep(size_t c) const { return c < rules_.size() ? rules_[c].keep : otherwise_; }
  size_t class_of(const Labels& labels) const;
  /// Samples of the class before this time are beyond their retention.
  TimestampMs cutoff(size_t c, TimestampMs newest) const;
  /// The longest and the shortest that any sample is kept (0: for ever, the longest of all).
  Millis longest() const;
  /// Which classes a block has series of; all of them when its index cannot be read.
  std::vector<bool> classes_in(const BlockReader& block) const;

 private:
  std::vector<RetentionRule> rules_;
  Millis otherwise_;
};

using RetentionPtr = std::shared_ptr<const Retention>;

}  // namespace strata::tsdb
