// From alerts to notifications: takes alerts in, groups them as alertmanager.yml says, and when a
// group is due decides what each integration is to be told; what is to be told goes to the outbox.
//
//   put() -> store of alerts -> groups by route
//   tick(): due group -> inhibited? muted by time? silenced? -> told before? -> render -> outbox
//
// No threads of its own: app/ calls tick() when next_due() says so. Thread-safe. Bounds: kMaxAlerts
// (more are refused and counted), the groups' and the outbox's.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "alerting/config.h"
#include "alerting/groups.h"
#include "alerting/inhibitor.h"
#include "alerting/notification_log.h"
#include "alerting/outbox.h"
#include "alerting/silences.h"
#include "base/mutex.h"
#include "strata/metrics.h"

namespace strata::alerting {

/// Why an alert is not told, all of it at once.
struct AlertStatus {
  std::vector<std::string> silenced_by;  // ids
  std::vector<uint64_t> inhibited_by;    // fingerprints
  std::vector<std::string> muted_by;     // time intervals
  bool suppressed() const {
    return !silenced_by.empty() || !inhibited_by.empty() || !muted_by.empty();
  }
};

/// Makes a message of a notification, for a kind of integration that find_provider() knows.
using Render = std::function<Result<MessageParts>(const Notification&, const Destination&)>;

struct RouterDeps {
  Silences& silences;
  NotificationLog& log;
  Outbox& outbox;
  Render render;
  metrics::Registry& metrics;
};

class Router {
 public:
  static constexpr size_t kMaxAlerts = 500'000;
  /// An alert that is over is kept for this long, for people to see.
  static constexpr Millis kResolvedKept = std::chrono::minutes(15);

  explicit Router(RouterDeps deps);
  ~Router();

  /// What alertmanager.yml says from now on. Alerts, silences and what was told stay; groups are
  /// made anew.
  void set_config(std::shared_ptr<const AlertmanagerFile> config, TimestampMs now);
  std::shared_ptr<const AlertmanagerFile> config() const;

  /// Alerts as of `now`; those without a start begin now, those without an end end after
  /// resolve_timeout unless they are sent again. The rest of the alerts is taken when some are
  /// wrong. Errors: kBadData naming what is wrong with them; kLimit.
  Result<> put(std::vector<Alert> alerts, TimestampMs now);
  /// Flushes the groups that are due.
  void tick(TimestampMs now);
  std::optional<TimestampMs> next_due() const;

  /// Alerts that are not over, by fingerprint.
  std::vector<Alert> alerts(TimestampMs now) const;
  /// Those too that are over and are kept to be seen.
  std::vector<Alert> all_alerts() const;
  std::vector<GroupSnapshot> groups() const;
  AlertStatus status(const Labels& labels, TimestampMs now) const;
  /// The time intervals that mute what goes through `route` at `now`.
  std::vector<std::string> muting(const Route& route, TimestampMs now) const;
  std::vector<std::string> receivers_of(const Labels& labels) const;
  /// Whether nobody is to be told of it: silenced, inhibited, or muted on each of its routes.
  bool suppressed(const Labels& labels, TimestampMs now) const;

 private:
  struct Metrics;
  void flush(const GroupSnapshot& group, TimestampMs now);
  Result<> tell(const GroupSnapshot& group, const Destination& to, std::vector<Alert> alerts,
                TimestampMs now);
  void collect_garbage(TimestampMs now) REQUIRES(mutex_);

  const RouterDeps deps_;
  const std::unique_ptr<Metrics> metrics_;
  mutable Mutex mutex_;
  std::shared_ptr<const AlertmanagerFile> config_ GUARDED_BY(mutex_);
  std::shared_ptr<const RouteTree> routes_ GUARDED_BY(mutex_);
  std::unique_ptr<Groups> groups_ GUARDED_BY(mutex_);
  std::unique_ptr<Inhibitor> inhibitor_ GUARDED_BY(mutex_);
  std::map<uint64_t, Alert> alerts_ GUARDED_BY(mutex_);
  TimestampMs collected_at_ GUARDED_BY(mutex_) = 0;
};

}  // namespace strata::alerting
