#include "alerting/router.h"

#include <algorithm>

#include "alerting/provider.h"
#include "base/log.h"
#include "model/fingerprint.h"

namespace strata::alerting {
namespace {

constexpr TimestampMs kCollectEvery = 60'000;

struct Split {
  std::set<uint64_t> firing;
  std::set<uint64_t> resolved;
};

Split split(const std::vector<Alert>& alerts, TimestampMs now) {
  Split out;
  for (const Alert& alert : alerts) {
    (alert.resolved_at(now) ? out.resolved : out.firing).insert(fingerprint(alert.labels));
  }
  return out;
}

}  // namespace

// Alertmanager's names, so that its dashboards and alerts work.
struct Router::Metrics {
  explicit Metrics(metrics::Registry& registry)
      : received(registry.counter<"status">("alertmanager_alerts_received_total",
                                            "Alerts that came in, by whether they fired.")),
        invalid(registry.counter("alertmanager_alerts_invalid_total", "Alerts that were refused.")),
        suppressed(registry.counter<"reason">(
            "alertmanager_notifications_suppressed_total",
            "Alerts left out of a notification: silenced, inhibited or muted by time.")),
        notifications(registry.counter<"integration">("alertmanager_notifications_total",
                                                      "Notifications given to the outbox.")),
        failed(registry.counter<"integration">(
            "strata_notifications_unmade_total",
            "Notifications that could not be rendered or written down.")),
        limited(registry.counter("alertmanager_dispatcher_aggregation_group_limit_reached_total",
                                 "Alerts without a group, for there are too many.")) {}

  metrics::Family<metrics::Counter, "status">& received;
  metrics::Counter& invalid;
  metrics::Family<metrics::Counter, "reason">& suppressed;
  metrics::Family<metrics::Counter, "integration">& notifications;
  metrics::Family<metrics::Counter, "integration">& failed;
  metrics::Counter& limited;
};

Router::Router(RouterDeps deps)
    : deps_(std::move(deps)), metrics_(std::make_unique<Metrics>(deps_.metrics)) {}
Router::~Router() = default;

void Router::set_config(std::shared_ptr<const AlertmanagerFile> config, TimestampMs now) {
  MutexLock lock(mutex_);
  config_ = std::move(config);
  routes_ = std::make_shared<const RouteTree>(config_->route);
  groups_ = std::make_unique<Groups>(routes_);
  inhibitor_ = std::make_unique<Inhibitor>(config_->inhibit_rules);
  for (const auto& [fingerprint, alert] : alerts_) {
    inhibitor_->update(alert);
    if (!groups_->add(alert, now)) metrics_->limited.inc();
  }
}

std::shared_ptr<const AlertmanagerFile> Router::config() const {
  MutexLock lock(mutex_);
  return config_;
}

Result<> Router::put(std::vector<Alert> alerts, TimestampMs now) {
  std::string wrong;
  MutexLock lock(mutex_);
  if (config_ == nullptr) return fail(ErrorCode::kUnavailable, "no alertmanager.yml is loaded");
  for (Alert& alert : alerts) {
    alert.updated_at = now;
    if (alert.starts_at == 0) alert.starts_at = alert.ends_at == 0 ? now : alert.ends_at;
    if (alert.ends_at == 0) {
      alert.timeout = true;
      alert.ends_at = now + config_->resolve_timeout.count();
    }
    metrics_->received.with(alert.resolved_at(now) ? "resolved" : "firing").inc();
    if (const auto valid = validate(alert); !valid) {
      metrics_->invalid.inc();
      wrong += (wrong.empty() ? "" : "; ") + valid.error().message;
      continue;
    }
    const uint64_t own = fingerprint(alert.labels);
    const auto known = alerts_.find(own);
    if (known == alerts_.end() && alerts_.size() >= kMaxAlerts) {
      metrics_->invalid.inc();
      return fail(ErrorCode::kLimit, fmt::format("there are {} alerts already", alerts_.size()));
    }
    if (known != alerts_.end()) {
      const Alert& old = known->second;
      const bool overlap = (alert.ends_at > old.starts_at && alert.ends_at < old.ends_at) ||
                           (alert.starts_at > old.starts_at && alert.starts_at < old.ends_at);
      if (overlap) alert = merge(old, std::move(alert));
    }
    inhibitor_->update(alert);
    if (!groups_->add(alert, now)) metrics_->limited.inc();
    alerts_.insert_or_assign(own, std::move(alert));
  }
  if (!wrong.empty()) return bad_data(std::move(wrong));
  return {};
}

void Router::collect_garbage(TimestampMs now) {
  Inhibitor& inhibitor = *inhibitor_;
  std::erase_if(alerts_, [&](const auto& entry) {
    const bool old = entry.second.resolved_at(now - kResolvedKept.count());
    if (old) inhibitor.forget(entry.second);
    return old;
  });
}

void Router::tick(TimestampMs now) {
  std::vector<GroupSnapshot> due;
  {
    MutexLock lock(mutex_);
    if (config_ == nullptr) return;
    due = groups_->take_due(now);
    if (now - collected_at_ >= kCollectEvery) {
      collected_at_ = now;
      collect_garbage(now);
    }
  }
  // Those beyond kMaxTaken are due still, and next_due() says so: deliveries begin in between.
  for (const GroupSnapshot& group : due) flush(group, now);
}

void Router::flush(const GroupSnapshot& group, TimestampMs now) {
  std::vector<Alert> told;
  const std::vector<std::string> muted_by = muting(*group.route, now);
  for (const Alert& alert : group.alerts) {
    const AlertStatus now_is = status(alert.labels, now);
    const std::string_view reason = !now_is.inhibited_by.empty()  ? "inhibition"
                                    : !muted_by.empty()           ? "mute_time_interval"
                                    : !now_is.silenced_by.empty() ? "silence"
                                                                  : "";
    if (reason.empty()) {
      told.push_back(alert);
    } else {
      metrics_->suppressed.with(reason).inc();
    }
  }
  const auto config = this->config();
  const Receiver* receiver = config->receiver(group.route->receiver);
  if (receiver == nullptr) return;  // the configuration changed just now: groups are made anew
  bool written = true;
  for (const Integration& integration : receiver->integrations) {
    if (find_provider(integration.kind->name) == nullptr) continue;  // said when it was loaded
    const auto done = tell(group, {receiver, &integration, config->texts.get()}, told, now);
    if (done) continue;
    written = false;
    metrics_->failed.with(integration.kind->name).inc();
    log_error("a notification could not be made", {{"receiver", receiver->name},
                                                   {"integration", integration.kind->name},
                                                   {"error", done.error().message}});
  }
  MutexLock lock(mutex_);
  if (written) groups_->told(group, now);
}

Result<> Router::tell(const GroupSnapshot& group, const Destination& to, std::vector<Alert> alerts,
                      TimestampMs now) {
  if (alerts.empty()) return {};
  const LogKey key{.group = group.key,
                   .receiver = to.receiver->name,
                   .integration = std::string(to.integration->kind->name),
                   .index = static_cast<int64_t>(to.integration->index)};
  const auto [firing, resolved] = split(alerts, now);
  const auto last = TRY(deps_.log.find(key));
  const Reason reason = reason_to_notify(last, firing, resolved, to.integration->send_resolved,
                                         group.route->repeat_interval, now);
  if (reason == Reason::kNone) return {};
  const LogEntry entry{.firing = firing, .resolved = resolved, .at = now};
  if (!to.integration->send_resolved) {
    std::erase_if(alerts, [&](const Alert& alert) { return alert.resolved_at(now); });
  }
  Notification notification{.group_key = group.key,
                            .group_labels = group.labels,
                            .route_labels = group.route->labels,
                            .receiver = to.receiver->name,
                            .reason = reason,
                            .at = now,
                            .alerts = std::move(alerts),
                            .truncated = 0};
  // All are over and the receiver wants no word of it: only the log takes note.
  if (notification.alerts.empty()) return deps_.log.write(key, entry);
  const auto parts = TRY(deps_.render(notification, to));
  TRY(deps_.outbox.add(key, entry, parts, now));
  metrics_->notifications.with(to.integration->kind->name).inc();
  return {};
}

std::optional<TimestampMs> Router::next_due() const {
  MutexLock lock(mutex_);
  return groups_ == nullptr ? std::nullopt : groups_->next_due();
}

std::vector<Alert> Router::alerts(TimestampMs now) const {
  std::vector<Alert> out;
  MutexLock lock(mutex_);
  for (const auto& [fingerprint, alert] : alerts_) {
    if (!alert.resolved_at(now)) out.push_back(alert);
  }
  return out;
}

std::vector<Alert> Router::all_alerts() const {
  std::vector<Alert> out;
  MutexLock lock(mutex_);
  out.reserve(alerts_.size());
  for (const auto& [fingerprint, alert] : alerts_) out.push_back(alert);
  return out;
}

std::vector<GroupSnapshot> Router::groups() const {
  MutexLock lock(mutex_);
  return groups_ == nullptr ? std::vector<GroupSnapshot>() : groups_->all();
}

AlertStatus Router::status(const Labels& labels, TimestampMs now) const {
  AlertStatus out;
  out.silenced_by = deps_.silences.silencing(labels, now);
  MutexLock lock(mutex_);
  if (inhibitor_ == nullptr) return out;
  if (const auto by = inhibitor_->inhibiting(labels, now)) out.inhibited_by.push_back(*by);
  return out;
}

std::vector<std::string> Router::muting(const Route& route, TimestampMs now) const {
  const auto config = this->config();
  const auto holds = [&](const std::string& name) {
    const NamedTimeInterval* interval = config->time_interval(name);
    return interval != nullptr && interval->contains(now);
  };
  if (!route.active_time_intervals.empty() &&
      std::ranges::none_of(route.active_time_intervals, holds)) {
    return route.active_time_intervals;
  }
  std::vector<std::string> out;
  for (const std::string& name : route.mute_time_intervals) {
    if (holds(name)) out.push_back(name);
  }
  return out;
}

bool Router::suppressed(const Labels& labels, TimestampMs now) const {
  if (status(labels, now).suppressed()) return true;
  std::shared_ptr<const RouteTree> routes;
  {
    MutexLock lock(mutex_);
    routes = routes_;
  }
  return routes != nullptr && std::ranges::all_of(routes->match(labels), [&](const Route* route) {
           return !muting(*route, now).empty();
         });
}

std::vector<std::string> Router::receivers_of(const Labels& labels) const {
  std::vector<std::string> out;
  MutexLock lock(mutex_);
  if (routes_ == nullptr) return out;
  for (const Route* route : routes_->match(labels)) out.push_back(route->receiver);
  return out;
}

}  // namespace strata::alerting
