// Incidents, calls, overrides and heartbeats in SQLite: what happens is a set of Changes, committed
// as one with the messages that it sends, so that a kill -9 between any two steps finds either all
// of a step or nothing.
//
// Thread-safe (the database is). Bound: resolved incidents and their calls are deleted after kKept.
#pragma once
#include <map>
#include <memory>
#include <vector>

#include "alerting/engine.h"
#include "oncall/audit.h"
#include "oncall/incident.h"
#include "oncall/schedule.h"

namespace strata::oncall {

/// A call's messages, to be put into the outbox; their ids are added to the page.
struct Outgoing {
  int64_t page = 0;
  std::vector<alerting::Rendered> messages;
};

/// Each as it is from now on.
struct Changes {
  std::vector<Incident> incidents;
  std::vector<std::pair<int64_t, IncidentAlert>> alerts;  // by incident
  std::vector<Page> pages;
  std::vector<Outgoing> outgoing;
  std::vector<int64_t> withdrawn;  // messages
  std::vector<Event> events;

  bool empty() const {
    return incidents.empty() && alerts.empty() && pages.empty() && outgoing.empty() &&
           withdrawn.empty() && events.empty();
  }
};

struct IncidentFilter {
  std::vector<Status> statuses;
  std::optional<Priority> priority;
  size_t limit = 100;
};

class Store {
 public:
  static constexpr Millis kKept = std::chrono::hours(24 * 400);
  static constexpr size_t kMaxOverrides = 10'000;

  /// `outbox` and `db` are the alerting engine's.
  static Result<std::unique_ptr<Store>> open(state::Database& db, alerting::Outbox& outbox,
                                             Audit& audit);

  /// All or nothing. The pages of `changes` get the ids of their messages.
  Result<> commit(Changes& changes, TimestampMs now);

  Result<std::vector<Incident>> incidents(const IncidentFilter& filter) const;
  Result<std::optional<Incident>> incident(int64_t id) const;
  Result<std::vector<Incident>> live_incidents() const;
  Result<std::map<Status, int64_t>> counts() const;
  Result<std::vector<IncidentAlert>> alerts(int64_t incident) const;
  Result<std::vector<Page>> pages_of(int64_t incident) const;
  Result<std::optional<Page>> page(int64_t id) const;
  Result<std::vector<Page>> open_pages() const;
  Result<std::map<std::string, TimestampMs>> last_sent() const;  // by receiver
  Result<int64_t> last_id(std::string_view table) const;         // "incidents" or "pages"

  Result<std::vector<Override>> overrides(TimestampMs now) const;
  Result<Override> add_override(Override made, const Event& event, TimestampMs now);
  /// Error: kNotFound.
  Result<> remove_override(int64_t id, const Event& event);

  Result<std::map<std::string, TimestampMs>> heartbeats() const;
  Result<> beat(const std::string& name, TimestampMs now);
  Result<> collect_garbage(TimestampMs now);

 private:
  Store(state::Database& db, alerting::Outbox& outbox, Audit& audit)
      : db_(db), outbox_(outbox), audit_(audit) {}
  Result<> commit(state::Session& session, Changes& changes, TimestampMs now);
  Result<std::vector<Page>> read_pages(std::string_view where, state::Values parameters) const;

  state::Database& db_;
  alerting::Outbox& outbox_;
  Audit& audit_;
};

}  // namespace strata::oncall
