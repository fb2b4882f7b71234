// The audit log: every step and act, in rows that the database lets nobody change or delete before
// kKept is over, each with a hash over itself and the row before.
//
// An incident's timeline is its rows of this log. Stateless but for the key; thread-safe. Bound:
// kKept, after which collect_garbage() deletes.
#pragma once
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "model/duration.h"
#include "oncall/incident.h"
#include "state/database.h"

namespace strata::oncall {

/// Absent: any.
struct AuditFilter {
  TimestampMs start = INT64_MIN;
  TimestampMs end = INT64_MAX;
  std::string actor;
  std::string action;
  int64_t incident = 0;
  size_t limit = 1000;
};

class Audit {
 public:
  static constexpr Millis kKept = std::chrono::hours(24 * 730);

  static Result<std::unique_ptr<Audit>> open(state::Database& db, std::string key);

  /// Within the transaction of what they tell of.
  Result<> append(state::Session& session, std::span<const Event> events);
  /// The newest first.
  Result<std::vector<Event>> read(const AuditFilter& filter) const;
  /// The row whose hash is not that of what stands there; none: the chain is whole.
  Result<std::optional<int64_t>> first_broken() const;
  Result<> collect_garbage(TimestampMs now);

 private:
  Audit(state::Database& db, std::string key) : db_(db), key_(std::move(key)) {}
  std::string hash_of(std::string_view previous, const Event& event) const;

  state::Database& db_;
  const std::string key_;
};

}  // namespace strata::oncall
