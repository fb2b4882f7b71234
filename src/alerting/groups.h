// Alerts in the groups that their routes make of them, and when each group is next due.
//
// A group is made by its first alert and due group_wait later (at once when the alert began longer
// ago than that), then every group_interval. Not thread-safe: the Router's lock guards it. Bounds:
// kMaxGroups; alerts are bounded by the store of them.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "alerting/alert.h"
#include "alerting/route.h"

namespace strata::alerting {

/// Orders as receivers are shown them: by job, by instance, then by all labels.
bool shown_before(const Alert& a, const Alert& b);

/// A group as of one moment.
struct GroupSnapshot {
  std::shared_ptr<const RouteTree> routes;  // keeps `route`
  const Route* route = nullptr;
  Labels labels;              // that the group has in common
  std::string key;            // `{}/{a="b"}:{alertname="x"}`, as Alertmanager's groupKey
  std::vector<Alert> alerts;  // as shown_before orders
  TimestampMs next_flush = 0;
};

class Groups {
 public:
  static constexpr size_t kMaxGroups = 100'000;
  /// Groups that take_due() hands out at once: a storm is flushed in parts, not held in memory.
  static constexpr size_t kMaxTaken = 1000;

  explicit Groups(std::shared_ptr<const RouteTree> routes) : routes_(std::move(routes)) {}

  /// Puts the alert into the group of each route that takes it. False when there are too many
  /// groups to make another.
  bool add(const Alert& alert, TimestampMs now);
  /// Groups that are due at `now`, the longest due first; each is due again group_interval later.
  /// When there are kMaxTaken, ask again.
  std::vector<GroupSnapshot> take_due(TimestampMs now);
  /// Everybody was told: alerts of the snapshot that are over, and have not come back meanwhile,
  /// leave the group; an empty group is gone.
  void told(const GroupSnapshot& group, TimestampMs at);
  std::optional<TimestampMs> next_due() const;
  std::vector<GroupSnapshot> all() const;
  size_t size() const { return groups_.size(); }
  const RouteTree& routes() const { return *routes_; }

 private:
  struct Group {
    const Route* route = nullptr;
    Labels labels;
    std::map<uint64_t, Alert> alerts;  // by fingerprint
    TimestampMs next_flush = 0;
  };
  using Key = std::pair<const Route*, std::string>;  // the labels' bytes
  GroupSnapshot snapshot(const Group& group) const;
  void set_next_flush(const Key& key, Group& group, TimestampMs at);

  const std::shared_ptr<const RouteTree> routes_;
  std::map<Key, Group> groups_;
  /// The same by when they are due; a key lives as long as its group.
  std::set<std::pair<TimestampMs, const Key*>> due_;
};

}  // namespace strata::alerting
