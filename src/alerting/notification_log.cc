#include "alerting/notification_log.h"

#include <algorithm>

#include "alerting/alert.h"

namespace strata::alerting {
namespace {

constexpr std::string_view kSteps[] = {R"(CREATE TABLE notification_log (
  group_key TEXT NOT NULL,
  receiver TEXT NOT NULL,
  integration TEXT NOT NULL,
  idx INTEGER NOT NULL,
  firing TEXT NOT NULL,    -- fingerprints, 16 hexadecimal digits each
  resolved TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (group_key, receiver, integration, idx)
) WITHOUT ROWID)"};

std::string text_of(const std::set<uint64_t>& fingerprints) {
  std::string out;
  for (const uint64_t fingerprint : fingerprints) out += fingerprint_text(fingerprint);
  return out;
}

std::set<uint64_t> from_text(std::string_view text) {
  std::set<uint64_t> out;
  for (; text.size() >= 16; text.remove_prefix(16)) {
    out.insert(std::stoull(std::string(text.substr(0, 16)), nullptr, 16));
  }
  return out;
}

}  // namespace

std::string_view to_string(Reason reason) {
  switch (reason) {
    case Reason::kNone: return "";
    case Reason::kFirst: return "first notification";
    case Reason::kNewAlerts: return "new alerts added";
    case Reason::kNewResolved: return "some alerts resolved";
    case Reason::kAllResolved: return "all alerts resolved";
    case Reason::kRepeat: return "repeat interval elapsed";
  }
  return "";
}

Reason reason_to_notify(const std::optional<LogEntry>& last, const std::set<uint64_t>& firing,
                        const std::set<uint64_t>& resolved, bool send_resolved, Millis repeat,
                        TimestampMs now) {
  if (!last) return firing.empty() ? Reason::kNone : Reason::kFirst;
  if (!std::ranges::includes(last->firing, firing)) {
    return last->firing.empty() ? Reason::kFirst : Reason::kNewAlerts;
  }
  // Also for a receiver that wants no word of it: the log must forget what fired.
  if (firing.empty()) return last->firing.empty() ? Reason::kNone : Reason::kAllResolved;
  if (send_resolved && !std::ranges::includes(last->resolved, resolved)) {
    return Reason::kNewResolved;
  }
  return last->at < now - repeat.count() ? Reason::kRepeat : Reason::kNone;
}

Result<std::unique_ptr<NotificationLog>> NotificationLog::open(state::Database& db) {
  TRY(db.migrate("notification_log", kSteps));
  return std::unique_ptr<NotificationLog>(new NotificationLog(db));
}

Result<std::optional<LogEntry>> NotificationLog::find(const LogKey& key) const {
  std::optional<LogEntry> out;
  TRY(
      db_.query("SELECT firing, resolved, at FROM notification_log WHERE group_key = ? AND "
                "receiver = ? AND integration = ? AND idx = ?",
                {key.group, key.receiver, key.integration, key.index}, [&](const state::Row& row) {
                  out = LogEntry{.firing = from_text(row.text(0)),
                                 .resolved = from_text(row.text(1)),
                                 .at = row.integer(2)};
                }));
  return out;
}

Result<> NotificationLog::write(const LogKey& key, const LogEntry& entry) {
  return db_.transaction([&](state::Session& session) { return write(session, key, entry); });
}

Result<> NotificationLog::write(state::Session& session, const LogKey& key, const LogEntry& entry) {
  return session.run("INSERT OR REPLACE INTO notification_log VALUES (?, ?, ?, ?, ?, ?, ?)",
                     {key.group, key.receiver, key.integration, key.index, text_of(entry.firing),
                      text_of(entry.resolved), entry.at});
}

Result<> NotificationLog::erase(state::Session& session, const LogKey& key) {
  return session.run(
      "DELETE FROM notification_log WHERE group_key = ? AND receiver = ? AND integration = ? AND "
      "idx = ?",
      {key.group, key.receiver, key.integration, key.index});
}

Result<> NotificationLog::collect_garbage(TimestampMs now) {
  return db_.run("DELETE FROM notification_log WHERE at < ?", {now - kRetention.count()});
}

}  // namespace strata::alerting
