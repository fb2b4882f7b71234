// How alerts become incidents, and how incidents end with them; drills.
#include <algorithm>

#include "base/log.h"
#include "model/fingerprint.h"
#include "oncall/desk.h"

namespace strata::oncall {
namespace {

IncidentAlert kept(const alerting::Alert& alert, uint64_t fingerprint) {
  return {.fingerprint = fingerprint,
          .labels = alert.labels,
          .annotations = alert.annotations,
          .starts_at = alert.starts_at,
          .ended_at = {}};
}

}  // namespace

void Desk::begin_round(Incident& incident, TimestampMs now) const {
  const Policy& policy = roster_->policy(incident.priority);
  incident.step = 0;
  incident.next_step_at.reset();
  if (policy.steps.empty()) return;
  incident.next_step_at =
      policy.digest ? roster_->calendar().next_digest(now) : now + policy.steps[0].after.count();
}

int64_t Desk::open_incident(Draft& draft, Incident incident, TimestampMs now) const {
  incident.id = draft.next_incident++;
  incident.opened_at = now;
  draft.changes.events.push_back(
      {.at = now,
       .actor = std::string(kSelf),
       .action = "opened",
       .incident = incident.id,
       .detail = fmt::format("{} {}", to_string(incident.priority), incident.title())});
  const int64_t id = incident.id;
  draft.incidents.emplace(id, Live{.incident = std::move(incident), .alerts = {}});
  return id;
}

void Desk::join(Draft& draft, const alerting::Alert& alert, TimestampMs now) {
  const auto priority = roster_->priority_of(alert.labels.get("severity"));
  if (!priority) return;
  Incident fresh{.alertname = std::string(alert.name()), .priority = *priority};
  for (const auto& label : roster_->config().incidents.place_labels) {
    if (!alert.labels.has(label)) continue;
    fresh.place_label = label;
    fresh.place_value = alert.labels.get(label);
    break;
  }
  const std::string key = fresh.key();
  const auto known = by_key_.find(key);
  bool found = known != by_key_.end();
  int64_t id = found ? known->second : 0;
  // Ended by hand, and now something new: another incident.
  if (found && !edit(draft, id).incident.live()) {
    Live& old = edit(draft, id);
    for (auto& [fingerprint, one] : old.alerts) {
      if (one.ended_at) continue;
      one.ended_at = now;
      draft.changes.alerts.emplace_back(id, one);
    }
    old.incident.firing_count = 0;
    found = false;
  }
  if (!found) {
    if (live_.size() + draft.incidents.size() >= 2 * kMaxLive || live_.size() >= kMaxLive) {
      log_error("an alert makes no incident: there are too many", {{"alertname", alert.name()}});
      return;
    }
    id = open_incident(draft, std::move(fresh), now);
    begin_round(draft.incidents.at(id).incident, now);
    by_key_[key] = id;  // for the rest of these alerts; wrong only until a failed commit's retry
  }
  Live& live = edit(draft, id);
  const uint64_t own = fingerprint(alert.labels);
  const bool back = live.alerts.contains(own);
  live.alerts.insert_or_assign(own, kept(alert, own));
  draft.changes.alerts.emplace_back(id, live.alerts.at(own));
  if (!back) ++live.incident.alert_count;
  if (*priority >= live.incident.priority) return;
  live.incident.priority = *priority;
  draft.changes.events.push_back({.at = now,
                                  .actor = std::string(kSelf),
                                  .action = "raised",
                                  .incident = id,
                                  .detail = fmt::format("to {}", to_string(*priority))});
  if (live.incident.status == Status::kOpen) begin_round(live.incident, now);
}

// Ends what is over, and says what that makes of the incident. `seen`: what fires, and whether it
// is suppressed.
void Desk::settle(Draft& draft, Live& live, const std::unordered_map<uint64_t, bool>& seen,
                  TimestampMs now) const {
  Incident& incident = live.incident;
  int64_t firing = 0;
  bool suppressed = true;
  for (auto& [fingerprint, alert] : live.alerts) {
    if (alert.ended_at) continue;
    const auto at = seen.find(fingerprint);
    if (at != seen.end()) {
      ++firing;
      suppressed &= at->second;
      continue;
    }
    alert.ended_at = now;
    draft.changes.alerts.emplace_back(incident.id, alert);
  }
  suppressed &= firing > 0;
  incident.firing_count = firing;
  const auto tell = [&](std::string action, std::string detail = "") {
    draft.changes.events.push_back({.at = now,
                                    .actor = std::string(kSelf),
                                    .action = std::move(action),
                                    .incident = incident.id,
                                    .detail = std::move(detail)});
  };
  if (incident.suppressed != suppressed) {
    incident.suppressed = suppressed;
    tell(suppressed ? "suppressed" : "unsuppressed");
  }
  if (firing > 0 || !incident.live()) return;
  incident.status = Status::kResolved;
  incident.resolved_at = now;
  incident.resolved_by = kSelf;
  incident.acknowledged_until.reset();
  // A digest tells of what is over, too.
  if (!roster_->policy(incident.priority).digest) incident.next_step_at.reset();
  tell("resolved", "its alerts ended");
}

Result<> Desk::observe(std::span<const Observed> alerts, TimestampMs now) {
  MutexLock lock(mutex_);
  Draft draft = this->draft();
  std::unordered_map<uint64_t, bool> seen;
  std::unordered_map<uint64_t, bool> ended;
  for (const auto& [alert, suppressed] : alerts) {
    const uint64_t own = fingerprint(alert.labels);
    if (alert.resolved_at(now)) {
      ended.emplace(own, true);
      continue;
    }
    seen[own] = suppressed;
    if (!suppressed && !by_alert_.contains(own)) join(draft, alert, now);
  }
  // After a start nobody has spoken of all alerts yet.
  const bool grace = now - started_at_ < kGrace.count();
  for (const auto& [id, live] : live_) {
    const bool drill =
        !live.incident.drill_receiver.empty() && now < live.incident.opened_at + kDrill.count();
    if (grace || drill) {
      for (const auto& [fingerprint, alert] : live.alerts) {
        if (!alert.ended_at && !ended.contains(fingerprint)) {
          seen.emplace(fingerprint, live.incident.suppressed);
        }
      }
    }
    const bool changes =
        draft.incidents.contains(id) || std::ranges::any_of(live.alerts, [&](const auto& entry) {
          const auto at = seen.find(entry.first);
          return !entry.second.ended_at &&
                 (at == seen.end() || at->second != live.incident.suppressed);
        });
    if (changes) edit(draft, id);
  }
  for (auto& [id, live] : draft.incidents) settle(draft, live, seen, now);
  const auto done = commit(draft, now);
  if (done) return done;
  by_key_.clear();
  for (const auto& [id, live] : live_) by_key_[live.incident.key()] = id;
  return done;
}

Result<Incident> Desk::drill(Priority priority, const std::string& receiver,
                             const std::string& actor, TimestampMs now) {
  MutexLock lock(mutex_);
  Draft draft = this->draft();
  const int64_t id = open_incident(draft,
                                   {.alertname = "StrataDrill",
                                    .place_label = "drill",
                                    .place_value = std::to_string(draft.next_incident),
                                    .priority = priority,
                                    .drill_receiver = receiver,
                                    .alert_count = 1,
                                    .firing_count = 1},
                                   now);
  Live& live = draft.incidents.at(id);
  begin_round(live.incident, now);
  if (roster_->policy(priority).digest) live.incident.next_step_at = now;
  alerting::Alert alert;
  alert.labels = Labels{{"alertname", "StrataDrill"},
                        {"severity", to_string(priority)},
                        {"drill", live.incident.place_value}};
  alert.annotations = {{"summary", "This is a drill."}};
  alert.starts_at = now;
  const uint64_t own = fingerprint(alert.labels);
  live.alerts.emplace(own, kept(alert, own));
  draft.changes.alerts.emplace_back(id, live.alerts.at(own));
  draft.changes.events.push_back({.at = now,
                                  .actor = actor,
                                  .action = "drill",
                                  .incident = id,
                                  .detail = "every call goes to " + receiver});
  Incident out = live.incident;
  TRY(commit(draft, now));
  return out;
}

}  // namespace strata::oncall
