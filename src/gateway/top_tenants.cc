#include "gateway/top_tenants.h"

#include <algorithm>

namespace strata::gateway {
namespace {

const std::string kOther = "other";
constexpr uint64_t kMoreThan = 2;  // times what the other asked

}  // namespace

const std::string& TopTenants::note(const std::string& tenant, TimestampMs now_ms) {
  halve(now_ms);
  const auto entry = count(tenant);
  if (!entry->second.labelled && !promote(entry->second, now_ms)) return kOther;
  return entry->first;
}

bool TopTenants::is_label(const std::string& tenant) const {
  const auto entry = entries_.find(tenant);
  return entry != entries_.end() && entry->second.labelled;
}

TopTenants::Entries::iterator TopTenants::count(const std::string& tenant) {
  auto entry = entries_.find(tenant);
  if (entry == entries_.end()) {
    uint64_t inherited = 0;
    if (entries_.size() >= capacity_) {
      const auto gone = least(false);
      inherited = gone->second.count;
      entries_.erase(gone);
    }
    entry = entries_.emplace(tenant, Entry{.count = inherited, .error = inherited}).first;
  }
  ++entry->second.count;
  return entry;
}

bool TopTenants::promote(Entry& entry, TimestampMs now_ms) {
  if (labelled_ < labels_) {
    ++labelled_;
    return entry.labelled = true;
  }
  const uint64_t sure = entry.count - entry.error;
  if (labels_ == 0 || sure <= kMoreThan * bar_ || now_ms - changed_ms_ < kPauseMs) return false;
  const auto weakest = least(true);
  bar_ = weakest->second.count;
  if (sure <= kMoreThan * bar_) return false;
  weakest->second.labelled = false;
  dropped_.push_back(weakest->first);
  changed_ms_ = now_ms;
  bar_ = 0;  // unknown until it is looked at again
  return entry.labelled = true;
}

void TopTenants::halve(TimestampMs now_ms) {
  if (now_ms - halved_ms_ < kHalveMs) return;
  halved_ms_ = now_ms;
  bar_ /= 2;
  for (auto& [tenant, entry] : entries_) {
    entry.count /= 2;
    entry.error /= 2;
  }
}

/// REQUIRES: there is one.
TopTenants::Entries::iterator TopTenants::least(bool labelled) {
  auto found = entries_.end();
  for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
    if (entry->second.labelled != labelled) continue;
    if (found == entries_.end() || entry->second.count < found->second.count) found = entry;
  }
  return found;
}

}  // namespace strata::gateway
