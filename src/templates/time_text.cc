#include "templates/time_text.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "templates/go_format.h"

namespace strata::templates {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr std::string_view kMonths[] = {"January",   "February", "March",    "April",
                                        "May",       "June",     "July",     "August",
                                        "September", "October",  "November", "December"};
constexpr std::string_view kDays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                      "Thursday", "Friday", "Saturday"};

struct Civil {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  unsigned weekday = 0;
  unsigned year_day = 0;
  unsigned hour = 0;
  unsigned minute = 0;
  unsigned second = 0;
  int64_t nanosecond = 0;
  int32_t offset = 0;
};

Civil civil_of(Time time) {
  using namespace std::chrono;
  if (time.zero) {
    return {.year = 1, .month = 1, .day = 1, .weekday = 1, .year_day = 1};
  }
  // Seconds first: beside the ends of what nanoseconds can say, an offset would run over.
  const sys_time<nanoseconds> at{nanoseconds(
      time.nanoseconds + (std::abs(time.nanoseconds) < INT64_MAX / 2 ? time.offset * kSecond : 0))};
  const auto day = floor<days>(at);
  const year_month_day date(day);
  const hh_mm_ss clock(floor<seconds>(at) - day);
  Civil out;
  out.year = static_cast<int>(date.year());
  out.month = static_cast<unsigned>(date.month());
  out.day = static_cast<unsigned>(date.day());
  out.weekday = weekday(day).c_encoding();
  out.year_day = static_cast<unsigned>((day - sys_days(date.year() / January / 1)).count()) + 1;
  out.hour = static_cast<unsigned>(clock.hours().count());
  out.minute = static_cast<unsigned>(clock.minutes().count());
  out.second = static_cast<unsigned>(clock.seconds().count());
  out.nanosecond = (at - floor<seconds>(at)).count();
  out.offset = time.offset;
  return out;
}

// `digits` of a fraction of a second; `trims`: without zeros at its end, nothing when all are.
std::string fraction(int64_t nanosecond, size_t digits, bool trims) {
  std::string text = fmt::format("{:09}", nanosecond).substr(0, digits);
  if (trims) text.resize(text.find_last_not_of('0') + 1);
  return text;
}

// .000 and ,999: how many digits stand behind the separator, when nothing but they do.
size_t fraction_digits(std::string_view layout) {
  if (layout.size() < 2 || (layout[0] != '.' && layout[0] != ',')) return 0;
  const char digit = layout[1];
  if (digit != '0' && digit != '9') return 0;
  size_t end = layout.find_first_not_of(digit, 1);
  if (end == std::string_view::npos) end = layout.size();
  const bool more_digits = end < layout.size() && layout[end] >= '0' && layout[end] <= '9';
  return more_digits ? 0 : end - 1;
}

// "+0530" in the shape of a layout's "-0700", "Z07:00", …
std::string offset_text(int32_t offset, std::string_view shape) {
  const uint32_t seconds = static_cast<uint32_t>(std::abs(offset));
  const std::string_view colon = shape.contains(':') ? ":" : "";
  std::string out = fmt::format("{}{:02}", offset < 0 ? '-' : '+', seconds / 3600);
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto parts = std::ranges::count_if(shape, digit) / 2;
  if (parts > 1) out += fmt::format("{}{:02}", colon, seconds / 60 % 60);
  if (parts > 2) out += fmt::format("{}{:02}", colon, seconds % 60);
  return out;
}

// Zones are known by their offset only, and shown as Go shows one without an abbreviation.
std::string zone_name(int32_t offset) {
  if (offset == 0) return "UTC";
  return offset_text(offset, offset % 3600 == 0 ? "-07" : "-0700");
}

// Appends what the element at the head of `layout` stands for; how long the element is, 0 for none.
// Longer elements are tried first, as in Go.
size_t append_element(std::string& out, std::string_view layout, const Civil& at) {
  const unsigned hour12 = at.hour % 12 == 0 ? 12 : at.hour % 12;
  const auto put = [&](std::string_view element, const auto& text) {
    if (!layout.starts_with(element)) return false;
    out += text();
    return true;
  };
  const auto number = [](auto value, int width) {
    return [=] { return fmt::format("{:0{}}", value, width); };
  };
  const auto word = [](std::string_view text) { return [=] { return std::string(text); }; };
  if (put("January", word(kMonths[at.month - 1]))) return 7;
  if (put("Jan", word(kMonths[at.month - 1].substr(0, 3)))) return 3;
  if (put("Monday", word(kDays[at.weekday]))) return 6;
  if (put("Mon", word(kDays[at.weekday].substr(0, 3)))) return 3;
  if (put("MST", [&] { return zone_name(at.offset); })) return 3;
  if (put("002", number(at.year_day, 3))) return 3;
  if (put("01", number(at.month, 2))) return 2;
  if (put("02", number(at.day, 2))) return 2;
  if (put("03", number(hour12, 2))) return 2;
  if (put("04", number(at.minute, 2))) return 2;
  if (put("05", number(at.second, 2))) return 2;
  if (put("06", number(at.year % 100, 2))) return 2;
  if (put("15", number(at.hour, 2))) return 2;
  if (put("2006", number(at.year, 4))) return 4;
  if (put("__2", [&] { return fmt::format("{:3}", at.year_day); })) return 3;
  if (put("_2", [&] { return fmt::format("{:2}", at.day); })) return 2;
  if (put("PM", word(at.hour >= 12 ? "PM" : "AM"))) return 2;
  if (put("pm", word(at.hour >= 12 ? "pm" : "am"))) return 2;
  for (const std::string_view zone : {"-07:00:00", "-07:00", "-070000", "-0700", "-07"}) {
    if (put(zone, [&] { return offset_text(at.offset, zone); })) return zone.size();
  }
  for (const std::string_view zone : {"Z07:00:00", "Z07:00", "Z070000", "Z0700", "Z07"}) {
    if (put(zone, [&] { return at.offset == 0 ? "Z" : offset_text(at.offset, zone); })) {
      return zone.size();
    }
  }
  if (const size_t digits = fraction_digits(layout); digits > 0) {
    const std::string text = fraction(at.nanosecond, digits, layout[1] == '9');
    if (!text.empty()) (out += layout[0]) += text;
    return digits + 1;
  }
  if (put("1", number(at.month, 1))) return 1;
  if (put("2", number(at.day, 1))) return 1;
  if (put("3", number(hour12, 1))) return 1;
  if (put("4", number(at.minute, 1))) return 1;
  if (put("5", number(at.second, 1))) return 1;
  return 0;
}

}  // namespace

std::string format_time(Time time, std::string_view layout) {
  const Civil at = civil_of(time);
  std::string out;
  while (!layout.empty()) {
    const size_t element = append_element(out, layout, at);
    if (element == 0) out += layout[0];
    layout.remove_prefix(std::max<size_t>(element, 1));
  }
  return out;
}

std::string time_text(Time time) {
  return format_time(time, "2006-01-02 15:04:05.999999999 -0700 MST");
}

std::string duration_text(Duration duration) {
  const int64_t n = duration.nanoseconds;
  if (n == 0) return "0s";
  const uint64_t magnitude = n < 0 ? 0 - static_cast<uint64_t>(n) : static_cast<uint64_t>(n);
  std::string out = n < 0 ? "-" : "";
  const auto scaled = [](uint64_t value, uint64_t unit) {
    std::string text = fmt::format("{}", value / unit);
    std::string rest = fmt::format("{:0{}}", value % unit, fmt::formatted_size("{}", unit) - 1);
    rest.resize(rest.find_last_not_of('0') + 1);
    return rest.empty() ? text : text + "." + rest;
  };
  if (magnitude < 1000) return out + fmt::format("{}ns", magnitude);
  if (magnitude < 1'000'000) return out + scaled(magnitude, 1000) + "µs";
  if (magnitude < static_cast<uint64_t>(kSecond)) return out + scaled(magnitude, 1'000'000) + "ms";
  const uint64_t seconds = magnitude / static_cast<uint64_t>(kSecond);
  if (seconds >= 3600) out += fmt::format("{}h", seconds / 3600);
  if (seconds >= 60) out += fmt::format("{}m", seconds / 60 % 60);
  const uint64_t minute = static_cast<uint64_t>(kSecond) * 60;
  return out + scaled(magnitude % minute, static_cast<uint64_t>(kSecond)) + "s";
}

Result<Value> time_member(Time time, std::string_view name, std::span<const Value> arguments) {
  const Civil at = civil_of(time);
  const auto integer = [](auto v) { return Value(static_cast<int64_t>(v)); };
  if (name == "Format" && arguments.size() == 1) {
    if (const auto* layout = arguments[0].as<std::string>()) {
      return Value(format_time(time, *layout));
    }
  }
  if (name == "Sub" && arguments.size() == 1) {
    if (const auto* other = arguments[0].as<Time>()) {
      return Value(Duration{time.nanoseconds - other->nanoseconds});
    }
  }
  if (name == "Add" && arguments.size() == 1) {
    if (const auto* by = arguments[0].as<Duration>()) {
      return Value(Time{time.nanoseconds + by->nanoseconds, time.offset});
    }
  }
  if (name == "Unix") return integer(std::floor(static_cast<double>(time.nanoseconds) / kSecond));
  if (name == "UnixMilli") return integer(time.nanoseconds / 1'000'000);
  if (name == "UnixNano") return integer(time.nanoseconds);
  if (name == "UTC" || name == "Local")
    return Value(Time{.nanoseconds = time.nanoseconds, .zero = time.zero});
  if (name == "Year") return integer(at.year);
  if (name == "Month") return Value(kMonths[at.month - 1]);
  if (name == "Day") return integer(at.day);
  if (name == "Weekday") return Value(kDays[at.weekday]);
  if (name == "YearDay") return integer(at.year_day);
  if (name == "Hour") return integer(at.hour);
  if (name == "Minute") return integer(at.minute);
  if (name == "Second") return integer(at.second);
  if (name == "Nanosecond") return integer(at.nanosecond);
  if (name == "IsZero") return Value(time.zero);
  if (name == "After" || name == "Before") {
    const Time* other = arguments.size() == 1 ? arguments[0].as<Time>() : nullptr;
    if (other != nullptr) {
      const bool before = time.nanoseconds < other->nanoseconds;
      const bool after = time.nanoseconds > other->nanoseconds;
      return Value(name == "After" ? after : before);
    }
  }
  if (name == "String") return Value(time_text(time));
  return fail(ErrorCode::kNotFound, "");
}

Result<Value> duration_member(Duration duration, std::string_view name) {
  const auto seconds = static_cast<double>(duration.nanoseconds) / kSecond;
  if (name == "Seconds") return Value(seconds);
  if (name == "Minutes") return Value(seconds / 60);
  if (name == "Hours") return Value(seconds / 3600);
  if (name == "Milliseconds") return Value(duration.nanoseconds / 1'000'000);
  if (name == "Microseconds") return Value(duration.nanoseconds / 1000);
  if (name == "Nanoseconds") return Value(duration.nanoseconds);
  if (name == "String") return Value(duration_text(duration));
  return fail(ErrorCode::kNotFound, "");
}

}  // namespace strata::templates
