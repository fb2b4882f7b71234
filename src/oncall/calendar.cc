#include "oncall/calendar.h"

#include <algorithm>

#include "base/number.h"

namespace strata::oncall {

using alerting::IntRange;
using alerting::LocalTime;

Result<IntRange> parse_hours(std::string_view text) {
  const size_t dash = text.find('-');
  if (dash == std::string_view::npos) {
    return bad_data(fmt::format("\"{}\" are no hours such as 09:00-18:00", text));
  }
  return IntRange {
    TRY(alerting::parse_time_of_day(text.substr(0, dash)))
    , TRY(alerting::parse_time_of_day(text.substr(dash + 1)))
  };
}

Result<int64_t> parse_day(std::string_view text) {
  const auto number = [&](size_t at, size_t length) { return parse_uint(text.substr(at, length)); };
  if (text.size() == 10 && text[4] == '-' && text[7] == '-') {
    const auto year = number(0, 4);
    const auto month = number(5, 2);
    const auto day = number(8, 2);
    if (year && month && day && *month >= 1 && *month <= 12 && *day >= 1 &&
        static_cast<int>(*day) <=
            alerting::days_in_month(static_cast<int>(*year), static_cast<int>(*month))) {
      return alerting::days_from_civil(static_cast<int>(*year), static_cast<int>(*month),
                                       static_cast<int>(*day));
    }
  }
  return bad_data(fmt::format("\"{}\" is no day such as 2026-12-25", text));
}

LocalTime at_minute(int64_t day, int minute) {
  LocalTime out = alerting::utc_time(day * 86'400'000);
  out.hour = minute / 60;
  out.minute = minute % 60;
  return out;
}

int64_t day_of(const LocalTime& local) {
  return alerting::days_from_civil(local.year, local.month, local.day);
}

Result<Calendar> Calendar::make(const config::OncallCalendar& config, alerting::TimeZone zone) {
  const auto read = [&]() -> Result<Calendar> {
    Calendar out;
    out.hours_ = TRY(parse_hours(config.hours));
    for (const auto& text : config.weekdays) {
      out.weekdays_.push_back(TRY(alerting::parse_weekdays(text)));
    }
    for (const auto& text : config.holidays) out.holidays_.insert(TRY(parse_day(text)));
    for (const auto& text : config.extra_workdays) {
      out.extra_workdays_.insert(TRY(parse_day(text)));
    }
    out.digest_ = TRY(alerting::parse_time_of_day(config.digest));
    return out;
  };
  auto out = read();
  if (!out) return std::unexpected(out.error().within(config.place + ": calendar"));
  out->zone_ = std::move(zone);
  return out;
}

bool Calendar::is_workday(int64_t day) const {
  if (extra_workdays_.contains(day)) return true;
  if (holidays_.contains(day)) return false;
  const int weekday = alerting::utc_time(day * 86'400'000).weekday;
  return std::ranges::any_of(
      weekdays_, [&](const IntRange& r) { return weekday >= r.begin && weekday <= r.end; });
}

bool Calendar::in_hours(TimestampMs t) const {
  const LocalTime local = zone_.local(t);
  const int minute = local.hour * 60 + local.minute;
  const int64_t day = day_of(local);
  if (hours_.begin < hours_.end) {
    return minute >= hours_.begin && minute < hours_.end && is_workday(day);
  }
  // Over midnight: the hours after it belong to the day before.
  return minute >= hours_.begin ? is_workday(day) : minute < hours_.end && is_workday(day - 1);
}

TimestampMs Calendar::next_digest(TimestampMs t) const {
  const int64_t today = day_of(zone_.local(t));
  for (int64_t day = today; day < today + 366; ++day) {
    if (!is_workday(day)) continue;
    const TimestampMs at = zone_.utc_of(at_minute(day, digest_));
    if (at > t) return at;
  }
  return t + 366LL * 86'400'000;
}

}  // namespace strata::oncall
