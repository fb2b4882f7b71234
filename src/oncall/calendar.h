// Business hours: which days are worked on, from when to when, and when the digest is due. Value;
// immutable; thread-safe.
#pragma once
#include <set>

#include "alerting/time_interval.h"
#include "alerting/time_zone.h"
#include "config/oncall_config.h"

namespace strata::oncall {

/// "09:00-18:00" as minutes of the day; an end that is not after the begin is on the next day.
/// Error: kBadData.
Result<alerting::IntRange> parse_hours(std::string_view text);
/// "2026-12-25" as days since 1970. Error: kBadData.
Result<int64_t> parse_day(std::string_view text);

class Calendar {
 public:
  /// Errors: kBadData, with the place in the file.
  static Result<Calendar> make(const config::OncallCalendar& config, alerting::TimeZone zone);

  /// `day`: days since 1970 in the calendar's zone. A made-up workday beats a holiday.
  bool is_workday(int64_t day) const;
  bool in_hours(TimestampMs t) const;
  /// The first digest after `t`, on a workday. With no workday within a year: a year from `t`.
  TimestampMs next_digest(TimestampMs t) const;

 private:
  alerting::TimeZone zone_;
  alerting::IntRange hours_;
  std::vector<alerting::IntRange> weekdays_;
  std::set<int64_t> holidays_;
  std::set<int64_t> extra_workdays_;
  int digest_ = 0;  // minute of the day
};

/// The reading of a wall clock `minute` minutes into a day.
alerting::LocalTime at_minute(int64_t day, int minute);
/// Days since 1970 of what a wall clock shows.
int64_t day_of(const alerting::LocalTime& local);

}  // namespace strata::oncall
