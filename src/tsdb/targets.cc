#include "tsdb/targets.h"

namespace strata::tsdb {

TargetId Targets::get_or_create(std::string_view key, SeriesLog& log) {
  WriterLock lock(mutex_);
  const auto id = TargetId{static_cast<uint32_t>(heads_.size())};
  const auto [entry, is_new] = ids_.try_emplace(std::string(key), id);
  if (is_new) {
    heads_.push_back(std::make_unique<TargetHead>(id, std::string(key)));
    log.add_target(id, key);
  }
  return entry->second;
}

TargetHead& Targets::restore(TargetId id, std::string_view key) {
  WriterLock lock(mutex_);
  const size_t index = index_of(id);
  if (index >= heads_.size()) heads_.resize(index + 1);
  if (!heads_[index]) {
    heads_[index] = std::make_unique<TargetHead>(id, std::string(key));
    ids_.try_emplace(std::string(key), id);
  }
  return *heads_[index];
}

TargetHead* Targets::find(TargetId id) const {
  ReaderLock lock(mutex_);
  return index_of(id) < heads_.size() ? heads_[index_of(id)].get() : nullptr;
}

std::vector<TargetHead*> Targets::all() const {
  ReaderLock lock(mutex_);
  std::vector<TargetHead*> out;
  for (const auto& head : heads_) {
    if (head) out.push_back(head.get());
  }
  return out;
}

size_t Targets::size() const {
  ReaderLock lock(mutex_);
  return ids_.size();
}

}  // namespace strata::tsdb
