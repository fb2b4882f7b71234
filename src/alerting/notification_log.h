// What each integration of each receiver was last told of each group: so that it is told again only
// when something changed or the repeat interval passed, also after a restart.
//
// In SQLite; written with the notification itself in one transaction (outbox.h), so what is in the
// log is on its way or delivered. Thread-safe. Bound: kRetention after the last time.
#pragma once
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "model/duration.h"
#include "state/database.h"

namespace strata::alerting {

/// Why a notification is sent; Alertmanager 0.34's words (`notification_reason`).
enum class Reason : uint8_t {
  kNone,
  kFirst,
  kNewAlerts,
  kNewResolved,
  kAllResolved,
  kRepeat,
};
std::string_view to_string(Reason reason);

/// "receiver/integration/index" of a group.
struct LogKey {
  std::string group;
  std::string receiver;
  std::string integration;
  int64_t index = 0;
};

struct LogEntry {
  std::set<uint64_t> firing;  // fingerprints
  std::set<uint64_t> resolved;
  TimestampMs at = 0;
};

/// Whether a group in which these fire and those are over is to be told, given the last time.
Reason reason_to_notify(const std::optional<LogEntry>& last, const std::set<uint64_t>& firing,
                        const std::set<uint64_t>& resolved, bool send_resolved, Millis repeat,
                        TimestampMs now);

class NotificationLog {
 public:
  static constexpr Millis kRetention = std::chrono::hours(120);

  static Result<std::unique_ptr<NotificationLog>> open(state::Database& db);
  Result<std::optional<LogEntry>> find(const LogKey& key) const;
  Result<> write(const LogKey& key, const LogEntry& entry);
  static Result<> write(state::Session& session, const LogKey& key, const LogEntry& entry);
  /// It could not be delivered after all: the next flush tells it anew.
  static Result<> erase(state::Session& session, const LogKey& key);
  Result<> collect_garbage(TimestampMs now);

 private:
  explicit NotificationLog(state::Database& db) : db_(db) {}
  state::Database& db_;
};

}  // namespace strata::alerting
