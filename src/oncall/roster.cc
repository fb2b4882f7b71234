#include "oncall/roster.h"

#include <algorithm>
#include <set>

#include "alerting/time_zone.h"
#include "net/url.h"

namespace strata::oncall {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr std::string_view kEveryone = "everyone";
constexpr std::string_view kNext = "next";  // who comes after the one on call

// The reason with the place in front, as the decoder's messages have it.
std::unexpected<Error> wrong(const std::string& place, std::string message) {
  return bad_data(fmt::format("{}: {}", place, message));
}

// "2026-12-24 09:00" by the zone's clock.
std::string clock_text(const alerting::TimeZone& zone, TimestampMs t) {
  const auto local = zone.local(t);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02} {}", local.year, local.month, local.day,
                     local.hour, local.minute, zone.name());
}

Result<std::optional<Priority>> parse_mapped(const std::string& place, const std::string& text) {
  if (text == "none") return std::optional<Priority>();
  const auto priority = parse_priority(text);
  if (!priority) {
    return wrong(place, fmt::format("\"{}\" is no priority: P0, P1, P2, P3 or none", text));
  }
  return priority;
}

}  // namespace

std::vector<Channel> Person::channels_of(std::span<const std::string> kinds) const {
  if (kinds.empty()) return channels;
  std::vector<Channel> out;
  for (const Channel& channel : channels) {
    if (std::ranges::find(kinds, channel.kind) != kinds.end()) out.push_back(channel);
  }
  if (out.empty() && !channels.empty()) out.push_back(channels[0]);
  return out;
}

const Channel* Person::after(const Channel& channel) const {
  const auto at = std::ranges::find_if(channels, [&](const Channel& c) {
    return c.kind == channel.kind && c.receiver == channel.receiver;
  });
  if (at == channels.end() || at + 1 == channels.end()) return nullptr;
  return &*(at + 1);
}

std::string Step::to_string() const {
  const auto join = [](const std::vector<std::string>& words) {
    std::string out;
    for (const auto& word : words) out += (out.empty() ? "" : ", ") + word;
    return out;
  };
  return channels.empty() ? join(notify) : join(notify) + " by " + join(channels);
}

Result<std::shared_ptr<const Roster>> Roster::make(
    const config::OncallConfig& config, const std::function<bool(const std::string&)>& has_receiver,
    Fs& fs, TimestampMs now) {
  auto out = std::make_shared<Roster>();
  out->config_ = config;
  auto zone = alerting::TimeZone::load(config.time_zone, fs);
  if (!zone) return wrong(config.place, "time_zone: " + zone.error().message);
  out->calendar_ = TRY(Calendar::make(config.calendar, *zone));
  TRY(out->add_people(has_receiver));
  TRY(out->add_schedules(fs, now));
  out->add_default_policies();
  TRY(out->add_policies());
  TRY(out->add_severities());
  TRY(out->check_heartbeats());
  if (!config.drill_receiver.empty() && !has_receiver(config.drill_receiver)) {
    return wrong(config.place, fmt::format("drill_receiver: no receiver \"{}\" in alertmanager.yml",
                                           config.drill_receiver));
  }
  return out;
}

Result<> Roster::add_people(const std::function<bool(const std::string&)>& has_receiver) {
  std::set<std::string> names;
  if (config_.people.size() > kMaxPeople) {
    return wrong(config_.place, fmt::format("people: more than {}", kMaxPeople));
  }
  for (const auto& person : config_.people) {
    if (person.name.empty()) return wrong(person.place, "a person needs a name");
    if (person.name == kEveryone || person.name == kNext) {
      return wrong(person.place, fmt::format("\"{}\" is a word of its own", person.name));
    }
    if (!names.insert(person.name).second) {
      return wrong(person.place, fmt::format("\"{}\" is there twice", person.name));
    }
    if (person.channels.empty()) {
      return wrong(person.place,
                   fmt::format("{} has no channels: nobody can reach them", person.name));
    }
    Person& out = people_.emplace_back(Person{.name = person.name, .channels = {}});
    for (const auto& channel : person.channels) {
      if (!has_receiver(channel.receiver)) {
        return wrong(person.place, fmt::format("{}: no receiver \"{}\" in alertmanager.yml",
                                               person.name, channel.receiver));
      }
      out.channels.push_back({.kind = channel.kind, .receiver = channel.receiver});
    }
  }
  return {};
}

Result<> Roster::add_schedules(Fs& fs, TimestampMs now) {
  if (config_.schedules.size() > kMaxSchedules) {
    return wrong(config_.place, fmt::format("schedules: more than {}", kMaxSchedules));
  }
  for (const auto& config : config_.schedules) {
    if (config.name.empty()) return wrong(config.place, "a schedule needs a name");
    if (schedule(config.name) != nullptr || person(config.name) != nullptr ||
        config.name == kEveryone || config.name == kNext) {
      return wrong(config.place, fmt::format("the name \"{}\" is taken", config.name));
    }
    auto zone = alerting::TimeZone::load(
        config.time_zone.empty() ? config_.time_zone : config.time_zone, fs);
    if (!zone) return wrong(config.place, "time_zone: " + zone.error().message);
    auto schedule = TRY(Schedule::make(config, *zone));
    for (const auto& name : schedule.people()) {
      if (person(name) == nullptr) {
        return wrong(config.place,
                     fmt::format("{}: nobody of people is called \"{}\"", config.name, name));
      }
    }
    for (const Slot& slot : schedule.slots(now, now + Schedule::kHorizon.count(), {})) {
      if (!slot.person.empty()) continue;
      return wrong(
          config.place,
          fmt::format("{}: nobody is on call from {} to {}; add a layer or a fallback", config.name,
                      clock_text(*zone, slot.since), clock_text(*zone, slot.until)));
    }
    schedules_.push_back(std::move(schedule));
  }
  return {};
}

// research: nobody who is asleep may miss a P0, and nobody is woken for a P2.
void Roster::add_default_policies() {
  if (people_.empty()) return;
  const std::string first = schedules_.empty() ? people_[0].name : schedules_[0].name();
  std::string second(schedules_.empty() ? kEveryone : kNext);
  if (schedules_.size() > 1) second = schedules_[1].name();
  if (schedules_.empty() && people_.size() > 1) second = people_[1].name;
  const std::string all(kEveryone);
  const auto step = [](Millis after, std::string who, std::vector<std::string> how,
                       When when = When::kAlways) {
    return Step{
        .after = after, .notify = {std::move(who)}, .channels = std::move(how), .when = when};
  };
  policies_[0] = {.steps = {step(minutes(0), first, {"phone", "sms", "chat"}),
                            step(minutes(2), first, {"phone"}), step(minutes(5), second, {"phone"}),
                            step(minutes(10), all, {"phone", "sms"})},
                  .repeat_after = minutes(15),
                  .acknowledged_for = minutes(30)};
  policies_[1] = {
      .steps = {step(minutes(0), first, {"chat", "sms"}), step(minutes(8), first, {"phone"}),
                step(minutes(15), second, {"phone"}), step(minutes(25), all, {"phone"})},
      .repeat_after = minutes(35),
      .acknowledged_for = hours(1)};
  policies_[2] = {.steps = {step(minutes(0), first, {"chat"}), step(minutes(45), first, {"chat"}),
                            step(minutes(60), first, {"phone"}, When::kHours),
                            step(minutes(60), first, {"sms", "chat"}, When::kOffHours)},
                  .repeat_after = hours(4),
                  .acknowledged_for = hours(4)};
  policies_[3] = {.steps = {step(minutes(0), first, {"chat", "email"})},
                  .repeat = 1,
                  .repeat_after = hours(24),
                  .digest = true};
}

Result<Step> Roster::make_step(const config::OncallStep& config) const {
  Step out{.after = config.after, .notify = config.notify, .channels = config.channels};
  if (out.notify.empty()) return wrong(config.place, "notify is missing: who is called");
  for (const auto& name : out.notify) {
    if (name == kEveryone || person(name) != nullptr || schedule(name) != nullptr) continue;
    if (name == kNext && !schedules_.empty()) continue;
    return wrong(config.place,
                 fmt::format("notify: \"{}\" is neither a schedule, a person nor everyone", name));
  }
  if (config.when == "hours") {
    out.when = When::kHours;
  } else if (config.when == "off_hours") {
    out.when = When::kOffHours;
  } else if (!config.when.empty()) {
    return wrong(config.place,
                 fmt::format("when: \"{}\" is neither hours nor off_hours", config.when));
  }
  return out;
}

Result<> Roster::add_policies() {
  std::set<Priority> seen;
  for (const auto& config : config_.policies) {
    const auto priority = parse_priority(config.priority);
    if (!priority) {
      return wrong(config.place,
                   fmt::format("priority: \"{}\" is none: P0 to P3", config.priority));
    }
    if (!seen.insert(*priority).second) {
      return wrong(config.place, fmt::format("{} has two policies", config.priority));
    }
    if (config.steps.empty() || config.steps.size() > kMaxSteps) {
      return wrong(config.place, fmt::format("{} needs 1 to {} steps", config.priority, kMaxSteps));
    }
    Policy out{.steps = {},
               .repeat = config.repeat,
               .repeat_after = config.repeat_after,
               .acknowledged_for = config.acknowledged_for,
               .digest = config.digest};
    for (const auto& step : config.steps) {
      out.steps.push_back(TRY(make_step(step)));
      if (out.steps.size() > 1 && out.steps.rbegin()[1].after > step.after) {
        return wrong(step.place, "after: earlier than the step before");
      }
    }
    if (out.repeat != 1 && out.repeat_after < out.steps.back().after + minutes(1)) {
      return wrong(config.place, "repeat_after: at least a minute after the last step");
    }
    policies_[static_cast<size_t>(*priority)] = std::move(out);
  }
  return {};
}

Result<> Roster::add_severities() {
  severities_ = {{"P0", Priority::kP0},   {"P1", Priority::kP1},       {"P2", Priority::kP2},
                 {"P3", Priority::kP3},   {"critical", Priority::kP1}, {"error", Priority::kP1},
                 {"page", Priority::kP1}, {"warning", Priority::kP2},  {"info", Priority::kP3},
                 {"none", std::nullopt}};
  const auto& incidents = config_.incidents;
  for (const auto& [severity, priority] : incidents.severities) {
    severities_[severity] = TRY(parse_mapped(incidents.place, priority));
  }
  fallback_ = TRY(parse_mapped(incidents.place, incidents.fallback));
  return {};
}

Result<> Roster::check_heartbeats() const {
  std::set<std::string> names;
  if (config_.heartbeats.size() > kMaxHeartbeats) {
    return wrong(config_.place, fmt::format("heartbeats: more than {}", kMaxHeartbeats));
  }
  for (const auto& heartbeat : config_.heartbeats) {
    if (heartbeat.name.empty() || !names.insert(heartbeat.name).second) {
      return wrong(heartbeat.place, "a heartbeat needs a name of its own");
    }
    if (heartbeat.timeout < std::chrono::seconds(1)) {
      return wrong(heartbeat.place, "timeout: at least 1s");
    }
  }
  for (const auto& ping : config_.dead_mans_switch) {
    if (const auto url = net::parse_url(ping.url); !url) {
      return wrong(ping.place, "url: " + url.error().message);
    }
    if (ping.interval < std::chrono::seconds(1)) return wrong(ping.place, "interval: at least 1s");
  }
  return {};
}

const Person* Roster::person(std::string_view name) const {
  const auto at = std::ranges::find(people_, name, &Person::name);
  return at == people_.end() ? nullptr : &*at;
}

const Schedule* Roster::schedule(std::string_view name) const {
  const auto at = std::ranges::find_if(schedules_, [&](const auto& s) { return s.name() == name; });
  return at == schedules_.end() ? nullptr : &*at;
}

std::optional<Priority> Roster::priority_of(std::string_view severity) const {
  const auto at = severities_.find(severity);
  return at == severities_.end() ? fallback_ : at->second;
}

std::vector<const Person*> Roster::people_of(const Step& step, TimestampMs t,
                                             std::span<const Override> overrides,
                                             std::vector<std::string>& empty) const {
  std::vector<const Person*> out;
  const auto add = [&](const Person* person) {
    if (person != nullptr && std::ranges::find(out, person) == out.end()) out.push_back(person);
  };
  const auto add_all = [&] {
    for (const Person& person : people_) add(&person);
  };
  for (const auto& name : step.notify) {
    if (name == kEveryone) {
      add_all();
    } else if (const Schedule* one = schedule(name)) {
      const Person* on_call = person(one->at(t, overrides).person);
      if (on_call == nullptr) empty.push_back(name);
      on_call == nullptr ? add_all() : add(on_call);
    } else if (name == kNext && !schedules_.empty()) {
      const auto slots = schedules_[0].slots(t, t + Schedule::kHorizon.count(), overrides);
      const auto next = std::ranges::find_if(slots, [&](const Slot& slot) {
        return !slot.person.empty() && slot.person != slots[0].person;
      });
      next == slots.end() ? add_all() : add(person(next->person));
    } else {
      add(person(name));
    }
  }
  return out;
}

}  // namespace strata::oncall
