#include "tsdb/matcher_cache.h"

namespace strata::tsdb {
namespace {

std::string key_of(const Matcher& matcher) {
  std::string key(1, static_cast<char>(matcher.op()));
  key.append(matcher.name()).append(1, '\0').append(matcher.value());
  return key;
}

}  // namespace

size_t MatcherCache::bytes_of(const std::string& key, const Known& known) {
  return key.capacity() + sizeof(Known) + known.matching->capacity() * sizeof(uint32_t);
}

MatcherCache::Pairs MatcherCache::matching(
    const Matcher& matcher, std::span<const uint32_t> pairs,
    const std::function<std::string_view(uint32_t pair)>& value_of) {
  const std::string key = key_of(matcher);
  Known known;
  {
    MutexLock lock(mutex_);
    if (const auto found = known_.find(key); found != known_.end()) known = found->second;
  }
  if (known.matching && known.examined == pairs.size()) return known.matching;

  auto matching = known.matching ? std::make_shared<std::vector<uint32_t>>(*known.matching)
                                 : std::make_shared<std::vector<uint32_t>>();
  for (const uint32_t pair : pairs.subspan(known.examined)) {
    if (matcher.matches(value_of(pair)) != matcher.matches_empty()) matching->push_back(pair);
  }
  known = {pairs.size(), std::move(matching)};

  MutexLock lock(mutex_);
  const size_t bytes = bytes_of(key, known);
  if (known_.size() >= kMaxMatchers || bytes_ + bytes > kMaxBytes) {
    known_.clear();
    bytes_ = 0;
  }
  if (bytes > kMaxBytes) return known.matching;
  Known& slot = known_[key];
  if (slot.matching) bytes_ -= bytes_of(key, slot);
  slot = known;
  bytes_ += bytes;
  return known.matching;
}

size_t MatcherCache::memory() const {
  MutexLock lock(mutex_);
  return bytes_;
}

}  // namespace strata::tsdb
