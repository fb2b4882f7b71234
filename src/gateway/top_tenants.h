// Which tenants are labels of their own: those that ask most, by the space-saving sketch (A.
// Metwally et al., 2005), whose counts halve every ten minutes so that it follows what is. A tenant
// takes the label of another when it is sure to have asked more than twice as often, at most one in
// kPauseMs, so that labels do not flicker.
//
// Used on one thread. Bounds: `labels` tenants at a time, 4 * labels + 16 of which are counted.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace strata::gateway {

class TopTenants {
 public:
  static constexpr TimestampMs kPauseMs = 10'000;
  static constexpr TimestampMs kHalveMs = 600'000;

  explicit TopTenants(size_t labels) : labels_(labels), capacity_(4 * labels + 16) {}

  /// Counts a request; the tenant, or "other".
  const std::string& note(const std::string& tenant, TimestampMs now_ms);
  /// Whether it is a label now.
  bool is_label(const std::string& tenant) const;
  /// Tenants that lost their label since the last call.
  std::vector<std::string> take_dropped() { return std::exchange(dropped_, {}); }

 private:
  struct Entry {
    uint64_t count = 0;
    uint64_t error = 0;  // the count is at most this too high
    bool labelled = false;
  };
  using Entries = std::unordered_map<std::string, Entry>;

  Entries::iterator count(const std::string& tenant);
  void halve(TimestampMs now_ms);
  Entries::iterator least(bool labelled);
  bool promote(Entry& entry, TimestampMs now_ms);

  const size_t labels_;
  const size_t capacity_;
  Entries entries_;
  size_t labelled_ = 0;
  uint64_t bar_ = 0;  // no labelled tenant had less when it was last looked at
  TimestampMs changed_ms_ = 0;
  TimestampMs halved_ms_ = 0;
  std::vector<std::string> dropped_;
};

}  // namespace strata::gateway
