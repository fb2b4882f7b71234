// Who is on call when: layers of rotations, of which a later one goes before an earlier one where
// it has somebody, and overrides before all of them.
//
// Hand-offs of rotations by days are by the wall clock of the schedule's zone; a rotation of hours
// counts hours that pass. Immutable; thread-safe.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "alerting/time_interval.h"
#include "alerting/time_zone.h"
#include "config/oncall_config.h"

namespace strata::oncall {

/// Somebody takes somebody else's place for a while.
struct Override {
  int64_t id = 0;
  std::string schedule = {};
  std::string person = {};
  TimestampMs starts_at = 0;
  TimestampMs ends_at = 0;
  std::string created_by = {};
};

/// A stretch of time with one person, or with nobody (person is empty).
struct Slot {
  std::string person = {};
  std::string from = {};  // "layer 1", "override", "fallback", ""
  TimestampMs since = 0;
  TimestampMs until = 0;
};

class Schedule {
 public:
  static constexpr Millis kHorizon = std::chrono::hours(24 * 56);

  /// Errors: kBadData, with the place in the file. Names of people are not looked at.
  static Result<Schedule> make(const config::OncallSchedule& config, alerting::TimeZone zone);

  const std::string& name() const { return name_; }
  const alerting::TimeZone& zone() const { return zone_; }
  const std::string& fallback() const { return fallback_; }
  /// Everybody that the schedule names.
  std::vector<std::string> people() const;

  /// Person and from only.
  Slot at(TimestampMs t, std::span<const Override> overrides) const;
  /// What stands from `from` to `to`, without a hole; neighbours differ. REQUIRES: from < to.
  std::vector<Slot> slots(TimestampMs from, TimestampMs to,
                          std::span<const Override> overrides) const;

 private:
  struct Layer {
    std::vector<std::string> people;
    int64_t days = 7;          // of a turn; 0: `period` counts
    Millis period{0};          // of a turn that is no whole number of days
    int64_t first_day = 0;     // of a hand-off, since 1970
    int minute = 0;            // of the day, of hand-offs
    TimestampMs first_at = 0;  // the hand-off in UTC
    std::optional<alerting::TimeInterval> only;
  };
  struct Turn {
    size_t person = 0;
    TimestampMs ends_at = 0;
  };
  static Result<Layer> make_layer(const config::OncallLayer& config,
                                  const alerting::TimeZone& zone);
  Turn turn(const Layer& layer, TimestampMs t) const;
  TimestampMs next_change(TimestampMs t, std::span<const Override> overrides) const;
  TimestampMs next_edge(const Layer& layer, TimestampMs t) const;

  std::string name_;
  alerting::TimeZone zone_;
  std::vector<Layer> layers_;
  std::string fallback_;
};

}  // namespace strata::oncall
