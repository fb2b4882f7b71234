#include "oncall/desk.h"

#include <algorithm>

#include "base/log.h"

namespace strata::oncall {

Result<std::unique_ptr<Desk>> Desk::open(DeskDeps deps, std::shared_ptr<const Roster> roster,
                                         TimestampMs now) {
  std::unique_ptr<Desk> out(new Desk(std::move(deps), std::move(roster), now));
  MutexLock lock(out->mutex_);
  TRY(out->load());
  return out;
}

Result<> Desk::load() {
  for (Incident& incident : TRY(deps_.store.live_incidents())) {
    Live live{.incident = std::move(incident), .alerts = {}};
    for (auto& alert : TRY(deps_.store.alerts(live.incident.id))) {
      live.alerts.emplace(alert.fingerprint, std::move(alert));
    }
    index(live);
    const int64_t id = live.incident.id;
    live_.emplace(id, std::move(live));
  }
  for (Page& page : TRY(deps_.store.open_pages())) pages_.emplace(page.id, std::move(page));
  last_sent_ = TRY(deps_.store.last_sent());
  last_incident_ = TRY(deps_.store.last_id("incidents"));
  last_page_ = TRY(deps_.store.last_id("pages"));
  return {};
}

void Desk::set_roster(std::shared_ptr<const Roster> roster) {
  MutexLock lock(mutex_);
  roster_ = std::move(roster);
}

std::shared_ptr<const Roster> Desk::roster() const {
  MutexLock lock(mutex_);
  return roster_;
}

size_t Desk::live() const {
  MutexLock lock(mutex_);
  return live_.size();
}

std::optional<TimestampMs> Desk::next_due() const {
  std::optional<TimestampMs> out;
  const auto consider = [&](const std::optional<TimestampMs>& t) {
    if (t && (!out || *t < *out)) out = t;
  };
  MutexLock lock(mutex_);
  for (const auto& [id, live] : live_) {
    if (!live.incident.suppressed) consider(live.incident.next_step_at);
    consider(live.incident.acknowledged_until);
  }
  for (const auto& [id, page] : pages_) {
    if (page.state == Page::State::kWaiting) consider(page.not_before);
  }
  return out;
}

void Desk::index(const Live& live) {
  by_key_[live.incident.key()] = live.incident.id;
  for (const auto& [fingerprint, alert] : live.alerts) {
    if (alert.ended_at) {
      const auto at = by_alert_.find(fingerprint);
      if (at != by_alert_.end() && at->second == live.incident.id) by_alert_.erase(at);
    } else {
      by_alert_[fingerprint] = live.incident.id;
    }
  }
}

void Desk::forget(int64_t id) {
  const auto at = live_.find(id);
  if (at == live_.end()) return;
  const auto key = by_key_.find(at->second.incident.key());
  if (key != by_key_.end() && key->second == id) by_key_.erase(key);
  for (const auto& [fingerprint, alert] : at->second.alerts) {
    const auto known = by_alert_.find(fingerprint);
    if (known != by_alert_.end() && known->second == id) by_alert_.erase(known);
  }
  live_.erase(at);
}

Desk::Draft Desk::draft() const {
  Draft out;
  out.next_incident = last_incident_ + 1;
  out.next_page = last_page_ + 1;
  return out;
}

Desk::Live& Desk::edit(Draft& draft, int64_t id) const {
  const auto at = draft.incidents.find(id);
  if (at != draft.incidents.end()) return at->second;
  return draft.incidents.emplace(id, live_.at(id)).first->second;
}

Result<> Desk::commit(Draft& draft, TimestampMs now) {
  for (auto& [id, live] : draft.incidents) {
    live.incident.updated_at = now;
    draft.changes.incidents.push_back(live.incident);
  }
  for (auto& [id, page] : draft.pages) draft.changes.pages.push_back(page);
  if (draft.changes.empty()) return {};
  TRY(deps_.store.commit(draft.changes, now));
  last_incident_ = draft.next_incident - 1;
  last_page_ = draft.next_page - 1;
  for (auto& [id, live] : draft.incidents) {
    const Incident& incident = live.incident;
    const bool over = !incident.live() && incident.firing_count == 0 && !incident.next_step_at;
    if (over) {
      forget(id);
      continue;
    }
    index(live);
    live_.insert_or_assign(id, std::move(live));
  }
  for (const Outgoing& sent : draft.changes.outgoing) {
    last_sent_[draft.pages.at(sent.page).receiver] = now;
  }
  for (Page& page : draft.changes.pages) {
    if (page.state == Page::State::kWaiting || page.state == Page::State::kSent) {
      pages_.insert_or_assign(page.id, std::move(page));
    } else {
      pages_.erase(page.id);
    }
  }
  return {};
}

Result<Incident> Desk::act(int64_t id, const std::string& actor, const std::string& action,
                           const std::string& detail, bool over_is_fine, TimestampMs now,
                           const std::function<void(Draft&, Incident&)>& change) {
  MutexLock lock(mutex_);
  Draft draft = this->draft();
  const bool known = live_.contains(id);
  if (!known || !live_.at(id).incident.live()) {
    const auto stored = TRY(deps_.store.incident(id));
    if (!stored) return fail(ErrorCode::kNotFound, fmt::format("there is no incident {}", id));
    if (!over_is_fine) {
      return fail(ErrorCode::kConflict, fmt::format("incident {} is resolved already", id));
    }
    draft.changes.events.push_back(
        {.at = now, .actor = actor, .action = action, .incident = id, .detail = detail});
    TRY(commit(draft, now));
    return *stored;
  }
  Incident& incident = edit(draft, id).incident;
  draft.changes.events.push_back(
      {.at = now, .actor = actor, .action = action, .incident = id, .detail = detail});
  change(draft, incident);
  incident.updated_at = now;
  Incident out = incident;
  TRY(commit(draft, now));
  return out;
}

Result<Incident> Desk::acknowledge(int64_t id, const std::string& actor,
                                   std::optional<Millis> lasting, TimestampMs now) {
  const auto roster = this->roster();
  return act(id, actor, "acknowledged", lasting ? "for " + format_duration(*lasting) : "", false,
             now, [&](Draft&, Incident& incident) {
               const Millis most =
                   lasting.value_or(roster->policy(incident.priority).acknowledged_for);
               incident.status = Status::kAcknowledged;
               incident.acknowledged_at = now;
               incident.acknowledged_by = actor;
               incident.acknowledged_until.reset();
               if (most > Millis(0)) incident.acknowledged_until = now + most.count();
               if (incident.owner.empty()) incident.owner = actor;
               incident.next_step_at.reset();
             });
}

Result<Incident> Desk::unacknowledge(int64_t id, const std::string& actor, TimestampMs now) {
  return act(id, actor, "unacknowledged", "", false, now, [&](Draft&, Incident& incident) {
    incident.status = Status::kOpen;
    incident.acknowledged_at.reset();
    incident.acknowledged_by.clear();
    incident.acknowledged_until.reset();
    ++incident.round;
    incident.step = 0;
    incident.next_step_at = now;
  });
}

Result<Incident> Desk::resolve(int64_t id, const std::string& actor, TimestampMs now) {
  return act(id, actor, "resolved", "by hand", false, now, [&](Draft& draft, Incident& incident) {
    incident.status = Status::kResolved;
    incident.resolved_at = now;
    incident.resolved_by = actor;
    incident.acknowledged_until.reset();
    incident.next_step_at.reset();
    if (incident.drill_receiver.empty()) return;
    for (auto& [fingerprint, alert] : draft.incidents.at(incident.id).alerts) {
      alert.ended_at = now;
      draft.changes.alerts.emplace_back(incident.id, alert);
    }
    incident.firing_count = 0;
  });
}

Result<Incident> Desk::note(int64_t id, const std::string& actor, const std::string& text,
                            TimestampMs now) {
  if (text.empty()) return bad_data("text is missing: what is to be noted");
  if (text.size() > kMaxNote) return bad_data(fmt::format("text: at most {} bytes", kMaxNote));
  return act(id, actor, "noted", text, true, now, [](Draft&, Incident&) {});
}

Result<Incident> Desk::escalate(int64_t id, const std::string& actor, TimestampMs now) {
  return act(id, actor, "escalated", "", false, now, [&](Draft&, Incident& incident) {
    incident.status = Status::kOpen;
    incident.acknowledged_until.reset();
    incident.next_step_at = now;
  });
}

}  // namespace strata::oncall
