// What strata.yml says of people, schedules and policies, made sense of: names resolved, defaults
// filled in, mistakes named with their place.
//
// Made at load by app/, then shared as an immutable snapshot; thread-safe. Bounds: kMaxPeople,
// kMaxSchedules, kMaxSteps.
#pragma once
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/fs.h"
#include "config/oncall_config.h"
#include "oncall/calendar.h"
#include "oncall/incident.h"
#include "oncall/schedule.h"

namespace strata::oncall {

struct Channel {
  std::string kind;
  std::string receiver;
};

struct Person {
  std::string name;
  std::vector<Channel> channels;

  /// The channels of these kinds; none of them: the first one. All when `kinds` is empty.
  std::vector<Channel> channels_of(std::span<const std::string> kinds) const;
  /// The one that stands in for `channel`: the next in the list. Null after the last.
  const Channel* after(const Channel& channel) const;
};

enum class When : uint8_t { kAlways, kHours, kOffHours };

struct Step {
  Millis after{0};
  std::vector<std::string> notify;  // schedules, people, "everyone", "next"
  std::vector<std::string> channels;
  When when = When::kAlways;

  std::string to_string() const;  // "primary by phone, sms"
};

struct Policy {
  std::vector<Step> steps;
  uint64_t repeat = 0;  // rounds; 0: no end
  Millis repeat_after{0};
  Millis acknowledged_for{0};  // 0: for good
  bool digest = false;
};

class Roster {
 public:
  static constexpr size_t kMaxPeople = 1000;
  static constexpr size_t kMaxSchedules = 1000;
  static constexpr size_t kMaxSteps = 100;
  static constexpr size_t kMaxHeartbeats = 1000;

  /// `has_receiver` says what alertmanager.yml has. Errors: kBadData, with the place.
  static Result<std::shared_ptr<const Roster>> make(
      const config::OncallConfig& config,
      const std::function<bool(const std::string&)>& has_receiver, Fs& fs, TimestampMs now);

  /// Whether anybody can be called.
  bool configured() const { return !people_.empty(); }
  const std::vector<Person>& people() const { return people_; }
  const std::vector<Schedule>& schedules() const { return schedules_; }
  const Policy& policy(Priority priority) const { return policies_[static_cast<size_t>(priority)]; }
  const Calendar& calendar() const { return calendar_; }
  const config::OncallConfig& config() const { return config_; }
  const Person* person(std::string_view name) const;
  const Schedule* schedule(std::string_view name) const;

  /// By the label `severity`; empty: no incident is made of it.
  std::optional<Priority> priority_of(std::string_view severity) const;

  /// Whom a step calls at `t`, without repetitions. Schedules that have nobody then are added to
  /// `empty`, and everybody is called.
  std::vector<const Person*> people_of(const Step& step, TimestampMs t,
                                       std::span<const Override> overrides,
                                       std::vector<std::string>& empty) const;

 private:
  Result<> add_people(const std::function<bool(const std::string&)>& has_receiver);
  Result<> add_schedules(Fs& fs, TimestampMs now);
  Result<> add_policies();
  Result<> add_severities();
  Result<> check_heartbeats() const;
  Result<Step> make_step(const config::OncallStep& config) const;
  void add_default_policies();

  config::OncallConfig config_;
  std::vector<Person> people_;
  std::vector<Schedule> schedules_;
  std::array<Policy, 4> policies_;
  Calendar calendar_;
  std::map<std::string, std::optional<Priority>, std::less<>> severities_;
  std::optional<Priority> fallback_;
};

}  // namespace strata::oncall
