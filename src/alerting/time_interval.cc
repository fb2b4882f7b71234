#include "alerting/time_interval.h"

#include <algorithm>
#include <array>

#include "base/number.h"

namespace strata::alerting {
namespace {

constexpr std::array<std::string_view, 7> kWeekdays = {"sunday",   "monday", "tuesday", "wednesday",
                                                       "thursday", "friday", "saturday"};
constexpr std::array<std::string_view, 12> kMonths = {
    "january", "february", "march",     "april",   "may",      "june",
    "july",    "august",   "september", "october", "november", "december"};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::optional<int> number(std::string_view text) {
  const auto value = parse_int(text);
  if (!value || *value < -1'000'000 || *value > 1'000'000) return std::nullopt;
  return static_cast<int>(*value);
}

std::optional<int> index_in(std::span<const std::string_view> names, std::string_view text) {
  const auto at = std::ranges::find(names, text);
  if (at == names.end()) return std::nullopt;
  return static_cast<int>(at - names.begin());
}

// `member:member` or `member`, each read by `member`.
template <class Member>
Result<IntRange> parse_range(std::string_view text, std::string_view what, Member member) {
  const std::string small = lower(text);
  const size_t colon = small.find(':');
  const std::string_view first = std::string_view(small).substr(0, colon);
  const std::string_view last =
      colon == std::string::npos ? first : std::string_view(small).substr(colon + 1);
  const auto begin = member(first);
  const auto end = member(last);
  if (!begin || !end) {
    return bad_data(fmt::format("\"{}\" is no valid {}", begin ? last : first, what));
  }
  return IntRange{*begin, *end};
}

Result<IntRange> in_order(IntRange range, std::string_view text, std::string_view what) {
  if (range.begin <= range.end) return range;
  return bad_data(fmt::format("\"{}\": the first {} is after the last", text, what));
}

bool any_has(const std::vector<IntRange>& ranges, int value) {
  return std::ranges::any_of(ranges,
                             [&](const IntRange& r) { return value >= r.begin && value <= r.end; });
}

bool has_day(const std::vector<IntRange>& ranges, const LocalTime& local) {
  const int length = days_in_month(local.year, local.month);
  return std::ranges::any_of(ranges, [&](const IntRange& range) {
    const int begin = range.begin < 0 ? length + range.begin + 1 : range.begin;
    const int end = range.end < 0 ? length + range.end + 1 : range.end;
    return local.day >= begin && local.day <= end;
  });
}

}  // namespace

bool TimeInterval::contains(TimestampMs t) const {
  const LocalTime local = location ? location->local(t) : utc_time(t);
  const int minute = local.hour * 60 + local.minute;
  const auto has_time = [&] {
    return std::ranges::any_of(
        times, [&](const IntRange& r) { return minute >= r.begin && minute < r.end; });
  };
  return (times.empty() || has_time()) &&
         (days_of_month.empty() || has_day(days_of_month, local)) &&
         (months.empty() || any_has(months, local.month)) &&
         (weekdays.empty() || any_has(weekdays, local.weekday)) &&
         (years.empty() || any_has(years, local.year));
}

bool NamedTimeInterval::contains(TimestampMs t) const {
  return std::ranges::any_of(intervals, [&](const TimeInterval& i) { return i.contains(t); });
}

Result<int> parse_time_of_day(std::string_view text) {
  const auto wrong = [&] {
    return bad_data(fmt::format("\"{}\" is no time of day: 00:00 to 24:00", text));
  };
  if (text.size() != 5 || text[2] != ':') return wrong();
  const auto hour = parse_uint(text.substr(0, 2));
  const auto minute = parse_uint(text.substr(3));
  if (!hour || !minute || *minute > 59 || *hour > 24 || (*hour == 24 && *minute > 0)) {
    return wrong();
  }
  return static_cast<int>(*hour * 60 + *minute);
}

Result<IntRange> parse_weekdays(std::string_view text) {
  const auto range = TRY(
      parse_range(text, "weekday", [](std::string_view day) { return index_in(kWeekdays, day); }));
  return in_order(range, text, "day");
}

Result<IntRange> parse_days_of_month(std::string_view text) {
  const auto range = TRY(parse_range(text, "day of the month", number));
  for (const int day : {range.begin, range.end}) {
    if (day == 0 || day < -31 || day > 31) {
      return bad_data(fmt::format("{} is no day of the month: 1 to 31, or -1 to -31", day));
    }
  }
  if (range.begin < 0 && range.end > 0) {
    return bad_data(
        fmt::format("\"{}\": from a day counted from the month's end to one counted "
                    "from its begin",
                    text));
  }
  // In the shortest month: an end that is always before the begin is a mistake.
  const int begin = range.begin < 0 ? 28 + range.begin : range.begin;
  const int end = range.end < 0 ? 28 + range.end : range.end;
  if (begin > end) {
    return bad_data(fmt::format("\"{}\": the first day is always after the last", text));
  }
  return range;
}

Result<IntRange> parse_months(std::string_view text) {
  const auto range = TRY(parse_range(text, "month", [](std::string_view month) {
    auto index = index_in(kMonths, month);
    return index ? std::optional(*index + 1) : number(month);
  }));
  return in_order(range, text, "month");
}

Result<IntRange> parse_years(std::string_view text) {
  return in_order(TRY(parse_range(text, "year", number)), text, "year");
}

}  // namespace strata::alerting
