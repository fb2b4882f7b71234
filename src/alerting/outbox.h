// Notifications on their way: written down before they are tried, tried until they are delivered.
//
//            add()                 take_due()              succeeded()
//   nothing ───────> waiting ─────────────────> trying ──────────────────> delivered (kept a while)
//                       ^                          │ failed(), retriable
//                       └──────────────────────────┤
//                                                  └─ failed(), or too old ─> given up
//
// A newer message of one key supersedes those that still wait: it says all that there is to say,
// and "firing" must not arrive behind "resolved".
//
// add() writes the message and the notification log in one transaction, so a kill -9 between any
// two steps neither forgets a notification nor makes another; the one that was being tried is tried
// again after a restart, which is the one duplicate there may be. Each attempt is a row, for people
// to read. Thread-safe. Bounds: kMaxWaiting messages (more are refused and counted), kMaxMessage
// bytes; delivered and given up ones are deleted after kKept.
#pragma once
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "alerting/notification.h"
#include "base/result.h"
#include "state/database.h"

namespace strata::alerting {

/// What is sent, rendered, without secrets: by part ("body", "subject", …), as the kind of
/// integration needs it.
using MessageParts = StringPairs;

struct Message {
  int64_t id = 0;
  LogKey key;
  MessageParts parts;
  /// What the provider calls the last message of this key that was delivered; "" when it did not
  /// say, or not within kKept.
  std::string reference = {};
  TimestampMs created_at = 0;
  int64_t attempts = 0;  // made so far, this one included once it is taken
  TimestampMs next_attempt_at = 0;
};

struct Attempt {
  int64_t message = 0;
  TimestampMs at = 0;
  Millis took{0};
  bool delivered = false;
  std::string detail;  // the provider's id or its error
};

class Outbox {
 public:
  static constexpr size_t kMaxWaiting = 100'000;
  static constexpr size_t kMaxMessage = 16 << 20;
  /// Long messages (over kLongMessage) are refused when all that wait are together this long.
  static constexpr size_t kLongMessage = 1 << 20;
  static constexpr size_t kMaxBytes = 1 << 30;
  /// What take_due() hands out at once, the first message apart.
  static constexpr size_t kMaxTaken = 32 << 20;
  /// A notification is tried for this long.
  static constexpr Millis kGiveUpAfter = std::chrono::hours(24);
  static constexpr Millis kKept = std::chrono::hours(24 * 30);

  static Result<std::unique_ptr<Outbox>> open(state::Database& db, TimestampMs now);

  /// Errors: kLimit, kIo; then the log is as it was.
  Result<int64_t> add(const LogKey& key, const LogEntry& entry, const MessageParts& parts,
                      TimestampMs now);
  /// The same within the caller's transaction and without the log: for messages that are written
  /// down together with why they are sent. A transaction that fails after this: recount().
  Result<int64_t> post(state::Session& session, const LogKey& key, const MessageParts& parts,
                       TimestampMs now);
  /// Gives up a message unless it is being tried just now, or is done; true when it was.
  Result<bool> withdraw(state::Session& session, int64_t message, TimestampMs now);
  Result<> recount();

  /// At most `limit` messages whose time has come; they are being tried until one of the two below.
  Result<std::vector<Message>> take_due(TimestampMs now, size_t limit);
  /// `reference`: what the provider calls it, for a later one that takes its place.
  Result<> succeeded(const Message& message, const Attempt& attempt,
                     const std::string& reference = "");
  /// Back to waiting, until then, as if they had not been taken: ids and times, in one transaction.
  Result<> postpone(const std::vector<std::pair<int64_t, TimestampMs>>& messages);
  /// `retry_after`: what the provider asked for; else exponential backoff with jitter. Not
  /// `retriable`, or older than kGiveUpAfter: given up, and the log forgets the notification so
  /// that the group's next flush makes a new one. True when it was given up.
  Result<bool> failed(const Message& message, const Attempt& attempt, bool retriable,
                      std::optional<Millis> retry_after);

  std::vector<Attempt> attempts(int64_t message) const;
  /// "waiting", "trying", "delivered", "given up" or "superseded"; "" when it is not known (any
  /// more).
  std::string state_of(int64_t message) const;
  size_t waiting() const { return waiting_; }
  std::optional<TimestampMs> next_due() const;
  Result<> collect_garbage(TimestampMs now);

 private:
  explicit Outbox(state::Database& db) : db_(db) {}
  Result<> check_room(const MessageParts& parts) const;
  Result<> check_bytes(const MessageParts& parts) const;
  Result<> supersede(state::Session& session, const LogKey& key, TimestampMs now);
  state::Database& db_;
  std::atomic<size_t> waiting_{0};  // or being tried; counted once, at the start
};

/// Before attempt number `attempts` + 1: 1 s doubled each time to 5 min, of which a random part
/// between a half and all.
Millis backoff(int64_t attempts, uint64_t random);

}  // namespace strata::alerting
