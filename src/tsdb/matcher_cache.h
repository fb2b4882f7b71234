// Which values a regular expression has matched already, so that a rule or a panel that asks again
// only looks at values that came since.
//
// A matcher is run over the values of a label once. Values are numbered (as label pairs) in an
// order that only grows, so what is remembered never becomes wrong: the rest is looked at next
// time. Thread-safe. Bounded by kMaxMatchers and kMaxBytes; then all is forgotten.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "model/matcher.h"

namespace strata::tsdb {

class MatcherCache {
 public:
  using Pairs = std::shared_ptr<const std::vector<uint32_t>>;

  /// Of `pairs`, all pairs of the matcher's label in the order in which they came, those with a
  /// value that the matcher matches, or, when it matches "", that it refuses.
  Pairs matching(const Matcher& matcher, std::span<const uint32_t> pairs,
                 const std::function<std::string_view(uint32_t pair)>& value_of);
  size_t memory() const;

  static constexpr size_t kMaxMatchers = 512;
  static constexpr size_t kMaxBytes = 16u << 20;

 private:
  struct Known {
    size_t examined = 0;  // so many of the label's pairs, from the first
    Pairs matching;
  };
  static size_t bytes_of(const std::string& key, const Known& known);

  mutable Mutex mutex_;
  std::unordered_map<std::string, Known> known_ GUARDED_BY(mutex_);
  size_t bytes_ GUARDED_BY(mutex_) = 0;
};

}  // namespace strata::tsdb
