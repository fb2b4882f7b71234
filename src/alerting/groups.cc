#include "alerting/groups.h"

#include <algorithm>

#include "model/fingerprint.h"

namespace strata::alerting {
namespace {

// `{a="b", c="d"}`
std::string label_text(const Labels& labels) {
  std::string out = "{";
  for (const Label& label : labels) {
    if (out.size() > 1) out += ", ";
    out += to_text(Matcher::equal(std::string(label.name), std::string(label.value)));
  }
  return out + '}';
}

}  // namespace

bool shown_before(const Alert& a, const Alert& b) {
  for (const std::string_view name : {"job", "instance"}) {
    const auto left = a.labels.get(name);
    const auto right = b.labels.get(name);
    if (left == right) continue;
    if (left.empty() || right.empty()) return right.empty();
    return left < right;
  }
  return std::ranges::lexicographical_compare(
      a.labels, b.labels, [](const Label& x, const Label& y) {
        return x.name != y.name ? x.name < y.name : x.value < y.value;
      });
}

bool Groups::add(const Alert& alert, TimestampMs now) {
  bool taken = true;
  for (const Route* route : routes_->match(alert.labels)) {
    Labels labels = route->group_labels(alert.labels);
    Key key{route, std::string(labels.bytes())};
    auto at = groups_.find(key);
    if (at == groups_.end()) {
      if (groups_.size() >= kMaxGroups) {
        taken = false;
        continue;
      }
      const TimestampMs wait = route->group_wait.count();
      const bool old = alert.starts_at + wait < now;
      at =
          groups_
              .emplace(
                  std::move(key),
                  Group{.route = route, .labels = std::move(labels), .alerts = {}, .next_flush = 0})
              .first;
      set_next_flush(at->first, at->second, old ? now : now + wait);
    }
    at->second.alerts.insert_or_assign(fingerprint(alert.labels), alert);
  }
  return taken;
}

GroupSnapshot Groups::snapshot(const Group& group) const {
  GroupSnapshot out{.routes = routes_,
                    .route = group.route,
                    .labels = group.labels,
                    .key = group.route->key + ":" + label_text(group.labels),
                    .alerts = {},
                    .next_flush = group.next_flush};
  for (const auto& [fingerprint, alert] : group.alerts) out.alerts.push_back(alert);
  std::ranges::sort(out.alerts, shown_before);
  return out;
}

void Groups::set_next_flush(const Key& key, Group& group, TimestampMs at) {
  due_.erase({group.next_flush, &key});
  group.next_flush = at;
  due_.emplace(at, &key);
}

std::vector<GroupSnapshot> Groups::take_due(TimestampMs now) {
  std::vector<GroupSnapshot> out;
  while (!due_.empty() && due_.begin()->first <= now && out.size() < kMaxTaken) {
    const auto at = groups_.find(*due_.begin()->second);
    out.push_back(snapshot(at->second));
    // An interval of nothing would be due for ever.
    const TimestampMs interval = std::max<TimestampMs>(1, at->second.route->group_interval.count());
    set_next_flush(at->first, at->second, now + interval);
  }
  return out;
}

void Groups::told(const GroupSnapshot& group, TimestampMs at) {
  if (group.routes != routes_) return;  // the configuration changed: the group is another
  const auto found = groups_.find({group.route, std::string(group.labels.bytes())});
  if (found == groups_.end()) return;
  auto& alerts = found->second.alerts;
  for (const Alert& alert : group.alerts) {
    if (!alert.resolved_at(at)) continue;
    const auto kept = alerts.find(fingerprint(alert.labels));
    if (kept != alerts.end() && kept->second.updated_at == alert.updated_at) alerts.erase(kept);
  }
  if (!alerts.empty()) return;
  due_.erase({found->second.next_flush, &found->first});
  groups_.erase(found);
}

std::optional<TimestampMs> Groups::next_due() const {
  if (due_.empty()) return std::nullopt;
  return due_.begin()->first;
}

std::vector<GroupSnapshot> Groups::all() const {
  std::vector<GroupSnapshot> out;
  for (const auto& [key, group] : groups_) out.push_back(snapshot(group));
  return out;
}

}  // namespace strata::alerting
