// The incidents that are not over, and everything that happens to them: alerts join and end, people
// acknowledge and resolve, and when a step of a policy is due, somebody is called.
//
//   observe(alerts) -> incidents open, grow, resolve
//   tick()          -> steps that are due -> calls, bundled by receiver -> outbox
//                   -> calls that did not arrive -> the next channel
//
// What is decided is committed to the store before it counts here, messages included, so memory
// never knows more than the disk. Thread-safe; no thread of its own: Engine calls. Bounds: kMaxLive
// incidents (more alerts are left out and reported), kMaxInCall alerts a message.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "oncall/roster.h"
#include "oncall/store.h"

namespace strata::oncall {

/// An alert as the router knows it; `suppressed`: nobody is to be told.
struct Observed {
  alerting::Alert alert;
  bool suppressed = false;
};

/// What went wrong with calling somebody: itself an alert.
struct Problem {
  enum class Kind : uint8_t { kDeliveryFailed, kSlotEmpty };
  Kind kind = Kind::kDeliveryFailed;
  std::string name;  // of the receiver, of the schedule
  std::string detail;
};

struct DeskDeps {
  Store& store;
  alerting::Outbox& outbox;
  std::function<Result<std::vector<alerting::Rendered>>(const std::string& receiver,
                                                        const alerting::Notification&)>
      render;
  std::function<std::string(int64_t page, TimestampMs now)> ack_url;
};

class Desk {
 public:
  static constexpr size_t kMaxLive = 100'000;
  static constexpr size_t kMaxInCall = 50;
  static constexpr size_t kMaxNote = 16 << 10;
  /// After a start: for as long an alert of which nobody speaks counts as firing.
  static constexpr Millis kGrace = std::chrono::minutes(5);
  static constexpr Millis kDeliveryPatience = std::chrono::seconds(30);

  static Result<std::unique_ptr<Desk>> open(DeskDeps deps, std::shared_ptr<const Roster> roster,
                                            TimestampMs now);
  void set_roster(std::shared_ptr<const Roster> roster);
  std::shared_ptr<const Roster> roster() const;

  /// All alerts that there are, those that ended lately too.
  Result<> observe(std::span<const Observed> alerts, TimestampMs now);
  /// Takes the steps and makes the calls that are due.
  Result<std::vector<Problem>> tick(TimestampMs now);
  std::optional<TimestampMs> next_due() const;

  // What people do. Errors: kNotFound; kConflict when the incident is not in a state for it; kIo.
  Result<Incident> acknowledge(int64_t id, const std::string& actor, std::optional<Millis> lasting,
                               TimestampMs now);
  Result<Incident> unacknowledge(int64_t id, const std::string& actor, TimestampMs now);
  Result<Incident> resolve(int64_t id, const std::string& actor, TimestampMs now);
  Result<Incident> note(int64_t id, const std::string& actor, const std::string& text,
                        TimestampMs now);
  Result<Incident> escalate(int64_t id, const std::string& actor, TimestampMs now);
  Result<Incident> assign(int64_t id, const std::string& actor, const std::string& owner,
                          TimestampMs now);
  /// An incident for the sake of its calls, all to `receiver`; it is over when it is resolved, or
  /// kDrill later.
  Result<Incident> drill(Priority priority, const std::string& receiver, const std::string& actor,
                         TimestampMs now);
  static constexpr Millis kDrill = std::chrono::minutes(30);

  size_t live() const;

 private:
  struct Live {
    Incident incident;
    std::map<uint64_t, IncidentAlert> alerts;
  };
  // What a call to this class changes: copies, which count once they are committed.
  struct Draft {
    std::map<int64_t, Live> incidents;
    std::map<int64_t, Page> pages;
    Changes changes;
    int64_t next_incident = 0;
    int64_t next_page = 0;
    std::vector<Problem> problems;
  };

  Desk(DeskDeps deps, std::shared_ptr<const Roster> roster, TimestampMs now)
      : deps_(std::move(deps)), started_at_(now), roster_(std::move(roster)) {}
  Result<> load() REQUIRES(mutex_);
  Draft draft() const REQUIRES(mutex_);
  Live& edit(Draft& draft, int64_t id) const REQUIRES(mutex_);
  Result<> commit(Draft& draft, TimestampMs now) REQUIRES(mutex_);
  void index(const Live& live) REQUIRES(mutex_);
  void forget(int64_t id) REQUIRES(mutex_);

  // desk_observe.cc
  void join(Draft& draft, const alerting::Alert& alert, TimestampMs now) REQUIRES(mutex_);
  int64_t open_incident(Draft& draft, Incident incident, TimestampMs now) const;
  void begin_round(Incident& incident, TimestampMs now) const REQUIRES(mutex_);
  void settle(Draft& draft, Live& live, const std::unordered_map<uint64_t, bool>& seen,
              TimestampMs now) const REQUIRES(mutex_);

  // desk_calls.cc
  void set_back(Draft& draft, TimestampMs now) REQUIRES(mutex_);
  void expire_acknowledgements(Draft& draft, TimestampMs now) REQUIRES(mutex_);
  void take_steps(Draft& draft, TimestampMs now) REQUIRES(mutex_);
  void take_step(Draft& draft, Incident& incident, TimestampMs now) const REQUIRES(mutex_);
  void follow_up(Draft& draft, TimestampMs now) REQUIRES(mutex_);
  void fail_page(Draft& draft, Page& page, TimestampMs now) const REQUIRES(mutex_);
  void send(Draft& draft, TimestampMs now) REQUIRES(mutex_);
  void send(Draft& draft, Page& page, TimestampMs now) const REQUIRES(mutex_);
  void call(Draft& draft, const Person& person, const Channel& channel, const Incident& incident,
            const std::string& why, bool regardless, TimestampMs now) const REQUIRES(mutex_);
  bool wanted(const Draft& draft, const Page& page, int64_t incident) const REQUIRES(mutex_);
  const Live* find(const Draft& draft, int64_t id) const REQUIRES(mutex_);
  alerting::Notification notification(const Draft& draft, const Page& page,
                                      const std::vector<int64_t>& incidents, TimestampMs now) const
      REQUIRES(mutex_);

  /// Runs `change` on the incident and commits. `over_is_fine`: also when it is resolved.
  Result<Incident> act(int64_t id, const std::string& actor, const std::string& action,
                       const std::string& detail, bool over_is_fine, TimestampMs now,
                       const std::function<void(Draft&, Incident&)>& change);

  const DeskDeps deps_;
  const TimestampMs started_at_;
  mutable Mutex mutex_;
  std::shared_ptr<const Roster> roster_ GUARDED_BY(mutex_);
  std::map<int64_t, Live> live_ GUARDED_BY(mutex_);
  std::unordered_map<std::string, int64_t> by_key_ GUARDED_BY(mutex_);
  std::unordered_map<uint64_t, int64_t> by_alert_ GUARDED_BY(mutex_);  // that fires
  std::map<int64_t, Page> pages_ GUARDED_BY(mutex_);                   // waiting or sent
  std::map<std::string, TimestampMs> last_sent_ GUARDED_BY(mutex_);    // by receiver
  std::vector<Override> overrides_ GUARDED_BY(mutex_);                 // as of the current tick
  int64_t last_incident_ GUARDED_BY(mutex_) = 0;
  int64_t last_page_ GUARDED_BY(mutex_) = 0;
  TimestampMs ticked_at_ GUARDED_BY(mutex_) = 0;
};

}  // namespace strata::oncall
