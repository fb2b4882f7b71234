// Steps that are due, the calls that they make, and what becomes of those.
#include <algorithm>

#include "base/log.h"
#include "oncall/desk.h"

namespace strata::oncall {
namespace {

constexpr size_t kMaxOfIncident = 10;  // alerts in a message, so that others have room

std::string listed(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

// "2 P0 incidents: EngineDown on node-3, EngineDown on node-4"; fit to be spoken.
std::string summary(const std::vector<const Incident*>& incidents) {
  constexpr size_t kNamed = 3;
  const Incident& worst = **std::ranges::min_element(
      incidents, {}, [](const Incident* incident) { return incident->priority; });
  if (incidents.size() == 1) return fmt::format("{}: {}", to_string(worst.priority), worst.title());
  std::vector<std::string> names;
  for (const Incident* incident : incidents) {
    if (names.size() == kNamed) break;
    names.push_back(incident->title());
  }
  return fmt::format("{} incidents, the worst {}: {}{}", incidents.size(),
                     to_string(worst.priority), listed(names),
                     incidents.size() > kNamed ? " and others" : "");
}

Event event(TimestampMs at, std::string action, int64_t incident, std::string detail) {
  return {.at = at,
          .actor = std::string(kSelf),
          .action = std::move(action),
          .incident = incident,
          .detail = std::move(detail)};
}

}  // namespace

const Desk::Live* Desk::find(const Draft& draft, int64_t id) const {
  const auto edited = draft.incidents.find(id);
  if (edited != draft.incidents.end()) return &edited->second;
  const auto at = live_.find(id);
  return at == live_.end() ? nullptr : &at->second;
}

Result<std::vector<Problem>> Desk::tick(TimestampMs now) {
  MutexLock lock(mutex_);
  overrides_ = TRY(deps_.store.overrides(now));
  Draft draft = this->draft();
  set_back(draft, now);
  follow_up(draft, now);
  expire_acknowledgements(draft, now);
  take_steps(draft, now);
  send(draft, now);
  TRY(commit(draft, now));
  ticked_at_ = now;
  return std::move(draft.problems);
}

// The wall clock was set back: what was due in a minute is due in a minute, not an hour later.
void Desk::set_back(Draft& draft, TimestampMs now) {
  const TimestampMs by = ticked_at_ - now;
  if (ticked_at_ == 0 || by <= 1000) return;
  for (const auto& [id, live] : live_) {
    if (!live.incident.next_step_at && !live.incident.acknowledged_until) continue;
    Incident& incident = edit(draft, id).incident;
    if (incident.next_step_at) *incident.next_step_at -= by;
    if (incident.acknowledged_until) *incident.acknowledged_until -= by;
  }
  for (const auto& [id, page] : pages_) {
    Page& changed = draft.pages.emplace(id, page).first->second;
    changed.not_before -= by;
    if (changed.sent_at) *changed.sent_at -= by;
  }
  for (auto& [receiver, t] : last_sent_) t = std::min(t, now);
}

void Desk::expire_acknowledgements(Draft& draft, TimestampMs now) {
  for (const auto& [id, live] : live_) {
    const Incident& old = live.incident;
    if (old.status != Status::kAcknowledged || !old.acknowledged_until) continue;
    if (*old.acknowledged_until > now) continue;
    Incident& incident = edit(draft, id).incident;
    incident.status = Status::kOpen;
    incident.acknowledged_until.reset();
    ++incident.round;
    incident.step = 0;
    incident.next_step_at = now;
    draft.changes.events.push_back(
        event(now, "acknowledgement expired", id, "of " + incident.acknowledged_by));
  }
}

void Desk::take_steps(Draft& draft, TimestampMs now) {
  for (const auto& [id, unused] : live_) {
    const Incident& current = find(draft, id)->incident;
    if (!current.next_step_at || *current.next_step_at > now || current.suppressed) continue;
    take_step(draft, edit(draft, id).incident, now);
  }
}

void Desk::take_step(Draft& draft, Incident& incident, TimestampMs now) const {
  const Policy& policy = roster_->policy(incident.priority);
  incident.next_step_at.reset();
  if (policy.steps.empty()) return;
  if (incident.step >= static_cast<int64_t>(policy.steps.size())) {
    ++incident.round;
    incident.step = 0;
  }
  const Step& step = policy.steps[static_cast<size_t>(incident.step)];
  ++incident.step;
  // Steps keep their distances, also when one was late.
  if (incident.step < static_cast<int64_t>(policy.steps.size())) {
    const Step& next = policy.steps[static_cast<size_t>(incident.step)];
    incident.next_step_at = now + (next.after - step.after).count();
  } else if (policy.repeat == 0 || incident.round < static_cast<int64_t>(policy.repeat)) {
    incident.next_step_at = now + (policy.repeat_after - step.after).count();
  }
  if (!incident.live()) incident.next_step_at.reset();
  const bool in_hours = roster_->calendar().in_hours(now);
  if ((step.when == When::kHours && !in_hours) || (step.when == When::kOffHours && in_hours)) {
    return;
  }
  const auto why = fmt::format("round {}, step {}", incident.round, incident.step);
  std::vector<std::string> empty;
  const auto people = roster_->people_of(step, now, overrides_, empty);
  draft.changes.events.push_back(event(now, "step", incident.id, why + ": " + step.to_string()));
  for (const auto& schedule : empty) {
    draft.changes.events.push_back(
        event(now, "slot empty", incident.id, schedule + " has nobody: everybody is called"));
    draft.problems.push_back({.kind = Problem::Kind::kSlotEmpty, .name = schedule, .detail = ""});
  }
  for (const Person* person : people) {
    for (const Channel& channel : person->channels_of(step.channels)) {
      call(draft, *person, channel, incident, why, policy.digest, now);
    }
  }
}

void Desk::call(Draft& draft, const Person& person, const Channel& channel,
                const Incident& incident, const std::string& why, bool regardless,
                TimestampMs now) const {
  const std::string& receiver =
      incident.drill_receiver.empty() ? channel.receiver : incident.drill_receiver;
  const auto add_to = [&](Page& page) {
    page.incidents.push_back(incident.id);
    if (!page.person.contains(person.name)) page.person += ", " + person.name;
  };
  const auto fits = [&](const Page& page) {
    return page.state == Page::State::kWaiting && page.receiver == receiver &&
           page.kind == channel.kind && page.regardless == regardless;
  };
  for (auto& [id, page] : draft.pages) {
    if (fits(page)) return add_to(page);
  }
  for (const auto& [id, page] : pages_) {
    if (fits(page) && !draft.pages.contains(id)) return add_to(draft.pages[id] = page);
  }
  Page page{.id = draft.next_page++,
            .person = person.name,
            .kind = channel.kind,
            .receiver = receiver,
            .why = why,
            .regardless = regardless,
            .created_at = now,
            .not_before = now,
            .incidents = {incident.id}};
  const auto last = last_sent_.find(receiver);
  if (last != last_sent_.end()) {
    const auto& config = roster_->config();
    const Millis gap = channel.kind == "phone" ? config.phone_gap : config.message_gap;
    page.not_before = std::max(now, last->second + gap.count());
  }
  draft.pages.emplace(page.id, std::move(page));
}

bool Desk::wanted(const Draft& draft, const Page& page, int64_t incident) const {
  const Live* live = find(draft, incident);
  if (page.regardless) return true;
  return live != nullptr && live->incident.status == Status::kOpen && !live->incident.suppressed;
}

void Desk::send(Draft& draft, TimestampMs now) {
  for (const auto& [id, page] : pages_) {
    if (page.state == Page::State::kWaiting && page.not_before <= now)
      draft.pages.emplace(id, page);
  }
  // A call that cannot be made may add another.
  std::vector<int64_t> due;
  for (const auto& [id, page] : draft.pages) due.push_back(id);
  for (size_t i = 0; i < due.size(); ++i) {
    Page& page = draft.pages.at(due[i]);
    if (page.state != Page::State::kWaiting || page.not_before > now) continue;
    const int64_t before = draft.next_page;
    send(draft, page, now);
    for (int64_t id = before; id < draft.next_page; ++id) due.push_back(id);
  }
}

void Desk::send(Draft& draft, Page& page, TimestampMs now) const {
  std::vector<int64_t> wanted;
  std::ranges::sort(page.incidents);
  page.incidents.erase(std::ranges::unique(page.incidents).begin(), page.incidents.end());
  for (const int64_t id : page.incidents) {
    if (this->wanted(draft, page, id)) wanted.push_back(id);
  }
  if (wanted.empty()) {
    page.state = Page::State::kWithdrawn;
    page.detail = "nobody has to come any more";
    return;
  }
  auto rendered = deps_.render(page.receiver, notification(draft, page, wanted, now));
  page.sent_at = now;
  if (!rendered) {
    page.detail = rendered.error().message;
    return fail_page(draft, page, now);
  }
  page.state = Page::State::kSent;
  draft.changes.outgoing.push_back({.page = page.id, .messages = *std::move(rendered)});
  for (const int64_t id : wanted) {
    draft.changes.events.push_back(
        event(now, "paged", id,
              fmt::format("{} by {} ({}), {}", page.person, page.kind, page.receiver, page.why)));
  }
}

alerting::Notification Desk::notification(const Draft& draft, const Page& page,
                                          const std::vector<int64_t>& ids, TimestampMs now) const {
  alerting::Notification out;
  out.group_key = fmt::format("oncall/page/{}", page.id);
  out.receiver = page.receiver;
  out.reason = alerting::Reason::kFirst;
  out.at = now;
  std::vector<const Incident*> incidents;
  std::vector<std::string> names;
  for (const int64_t id : ids) {
    if (const Live* live = find(draft, id)) incidents.push_back(&live->incident);
    names.push_back(std::to_string(id));
  }
  if (incidents.empty()) return out;
  alerting::StringPairs extra = {{"ack_url", deps_.ack_url(page.id, now)},
                                 {"oncall_incidents", listed(names)},
                                 {"oncall_person", page.person},
                                 {"oncall_step", page.why},
                                 {"oncall_summary", summary(incidents)}};
  for (const Incident* incident : incidents) {
    size_t taken = 0;
    for (const auto& [fingerprint, alert] : find(draft, incident->id)->alerts) {
      if (alert.ended_at && incident->live()) continue;
      if (out.alerts.size() >= kMaxInCall || taken++ >= kMaxOfIncident) {
        ++out.truncated;
        continue;
      }
      alerting::Alert& copy = out.alerts.emplace_back();
      copy.labels = alert.labels;
      copy.annotations = alert.annotations;
      std::erase_if(copy.annotations, [&](const auto& pair) {
        return std::ranges::any_of(extra, [&](const auto& own) { return own.first == pair.first; });
      });
      copy.annotations.insert(copy.annotations.end(), extra.begin(), extra.end());
      std::ranges::sort(copy.annotations);
      copy.starts_at = alert.starts_at;
      copy.ends_at = alert.ended_at.value_or(now + 300'000);
    }
  }
  out.group_labels = out.common_labels();
  return out;
}

void Desk::fail_page(Draft& draft, Page& page, TimestampMs now) const {
  page.state = Page::State::kFailed;
  const std::string first = page.person.substr(0, page.person.find(','));
  for (const int64_t id : page.incidents) {
    draft.changes.events.push_back(
        event(now, "delivery failed", id,
              fmt::format("{} by {}: {}", page.receiver, page.kind, page.detail)));
  }
  draft.problems.push_back(
      {.kind = Problem::Kind::kDeliveryFailed, .name = page.receiver, .detail = page.detail});
  const Person* person = roster_->person(first);
  const Channel* next =
      person == nullptr ? nullptr : person->after({.kind = page.kind, .receiver = page.receiver});
  if (next == nullptr) return;
  const std::string why = fmt::format("instead of {}", page.kind);
  for (const int64_t id : page.incidents) {
    if (!wanted(draft, page, id)) continue;
    if (const Live* live = find(draft, id)) {
      call(draft, *person, *next, live->incident, why, page.regardless, now);
    }
  }
}

void Desk::follow_up(Draft& draft, TimestampMs now) {
  for (const auto& [id, sent] : pages_) {
    if (sent.state != Page::State::kSent) continue;
    bool delivered = false;
    bool over = true;
    Page page = sent;
    page.attempts = 0;
    for (const int64_t message : sent.messages) {
      const std::string state = deps_.outbox.state_of(message);
      delivered |= state == "delivered";
      over &= state == "given up" || state.empty();
      const auto attempts = deps_.outbox.attempts(message);
      page.attempts += static_cast<int64_t>(attempts.size());
      if (!attempts.empty()) page.detail = attempts.back().detail;
    }
    bool unwanted = !delivered;
    for (const int64_t incident : sent.incidents) unwanted &= !wanted(draft, sent, incident);
    const bool late = now - *sent.sent_at >= kDeliveryPatience.count();
    if (!delivered && !over && !late && !unwanted) continue;
    Page& changed = draft.pages.insert_or_assign(id, std::move(page)).first->second;
    if (delivered) {
      changed.state = Page::State::kDelivered;
      for (const int64_t incident : changed.incidents) {
        draft.changes.events.push_back(
            event(now, "delivered", incident,
                  fmt::format("{} by {}: {}", changed.receiver, changed.kind, changed.detail)));
      }
      continue;
    }
    draft.changes.withdrawn.insert(draft.changes.withdrawn.end(), sent.messages.begin(),
                                   sent.messages.end());
    if (unwanted) {
      changed.state = Page::State::kWithdrawn;
      continue;
    }
    if (changed.attempts == 0) changed.detail = "no answer within 30 s";
    fail_page(draft, changed, now);
  }
}

Result<Incident> Desk::assign(int64_t id, const std::string& actor, const std::string& owner,
                              TimestampMs now) {
  if (owner.empty()) return bad_data("owner is missing: who takes it");
  return act(id, actor, "assigned", "to " + owner, false, now,
             [&](Draft& draft, Incident& incident) REQUIRES(mutex_) {
               incident.owner = owner;
               const Person* person = roster_->person(owner);
               if (person == nullptr || owner == actor) return;
               call(draft, *person, person->channels.back(), incident, "assigned by " + actor, true,
                    now);
             });
}

}  // namespace strata::oncall
