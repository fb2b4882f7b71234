// Times of the week, month and year at which routes are muted or active, as Alertmanager's
// `time_intervals` have them. Values; pure.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "alerting/time_zone.h"
#include "base/result.h"

namespace strata::alerting {

struct IntRange {
  int begin = 0;
  int end = 0;  // included
  friend bool operator==(const IntRange&, const IntRange&) = default;
};

/// Each list is "any of these", empty: always; a time is in it when every list has it. All are read
/// in `location`, UTC unless it is said.
struct TimeInterval {
  std::vector<IntRange> times;          // minutes of the day; the end is excluded
  std::vector<IntRange> weekdays;       // 0 is Sunday
  std::vector<IntRange> days_of_month;  // negative ones from the month's end: -1 is the last
  std::vector<IntRange> months;
  std::vector<IntRange> years;
  std::optional<TimeZone> location;

  bool contains(TimestampMs t) const;
};

struct NamedTimeInterval {
  std::string name;
  std::vector<TimeInterval> intervals;

  bool contains(TimestampMs t) const;
};

/// "09:00" as minutes; "24:00" is a day's end. Error: kBadData.
Result<int> parse_time_of_day(std::string_view text);
/// "monday:friday", "saturday". Error: kBadData, also for an end before the begin.
Result<IntRange> parse_weekdays(std::string_view text);
/// "1:5", "-3:-1", "15".
Result<IntRange> parse_days_of_month(std::string_view text);
/// "january:march", "4:6".
Result<IntRange> parse_months(std::string_view text);
Result<IntRange> parse_years(std::string_view text);

}  // namespace strata::alerting
