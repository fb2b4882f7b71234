#include "api/call.h"

#include <charconv>

#include "base/number.h"
#include "promql/parser.h"

namespace strata::api {
namespace {

std::unexpected<Error> invalid(std::string_view name, const Error& error) {
  return bad_data(fmt::format("invalid parameter \"{}\": {}", name, error.message));
}

// Fixed-width decimal field of a date; empty when a digit is missing.
std::optional<int> field(std::string_view text, size_t at, size_t width) {
  int value = 0;
  if (at + width > text.size()) return std::nullopt;
  const char* end = text.data() + at + width;
  const auto [stop, error] = std::from_chars(text.data() + at, end, value);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

// 2026-01-02T03:04:05(.fraction)(Z|+hh:mm), RFC 3339.
std::optional<TimestampMs> parse_rfc3339(std::string_view text) {
  if (text.size() < 20 || text[4] != '-' || text[7] != '-' || (text[10] | 0x20) != 't' ||
      text[13] != ':' || text[16] != ':') {
    return std::nullopt;
  }
  const auto year = field(text, 0, 4), month = field(text, 5, 2), day = field(text, 8, 2);
  const auto hour = field(text, 11, 2), minute = field(text, 14, 2), second = field(text, 17, 2);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;

  size_t at = 19;
  int64_t millis = 0;
  if (text[at] == '.') {
    int64_t scale = 100;
    size_t digits = 0;
    for (++at; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, ++digits) {
      millis += (text[at] - '0') * scale;
      scale /= 10;
    }
    if (digits == 0) return std::nullopt;
  }
  int64_t offset_minutes = 0;
  if (at < text.size() && (text[at] | 0x20) == 'z') {
    ++at;
  } else if (at + 6 == text.size() && (text[at] == '+' || text[at] == '-') && text[at + 3] == ':') {
    const auto hours = field(text, at + 1, 2), minutes = field(text, at + 4, 2);
    if (!hours || !minutes) return std::nullopt;
    offset_minutes = (*hours * 60 + *minutes) * (text[at] == '-' ? -1 : 1);
    at += 6;
  } else {
    return std::nullopt;
  }
  if (at != text.size()) return std::nullopt;
  const int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  const int64_t seconds = ((days * 24 + *hour) * 60 + *minute - offset_minutes) * 60 + *second;
  return seconds * 1000 + millis;
}

// Go's time range that Prometheus accepts is wider; beyond this a millisecond is not exact.
constexpr double kMaxSeconds = 9e12;

}  // namespace

Result<TimestampMs> parse_time(std::string_view text) {
  if (const auto seconds = parse_double(text);
      seconds && std::isfinite(*seconds) && std::fabs(*seconds) < kMaxSeconds) {
    return std::llround(*seconds * 1000);
  }
  if (const auto t = parse_rfc3339(text)) return *t;
  return bad_data(fmt::format("cannot parse \"{}\" to a valid timestamp", text));
}

Result<Millis> parse_step(std::string_view text) {
  if (const auto seconds = parse_double(text)) {
    if (!std::isfinite(*seconds) || std::fabs(*seconds) > kMaxSeconds) {
      return bad_data(
          fmt::format("cannot parse \"{}\" to a valid duration. It overflows int64", text));
    }
    return Millis(std::llround(*seconds * 1000));
  }
  if (auto duration = parse_duration(text)) return *duration;
  return bad_data(fmt::format("cannot parse \"{}\" to a valid duration", text));
}

Result<Call> Call::make(const net::HttpRequest& request, std::stop_token stop) {
  return Call(request, TRY(net::form_values(request)), std::move(stop));
}

Result<std::string_view> Call::required(std::string_view name) const {
  const auto value = parameter(name);
  if (value.empty()) return bad_data(fmt::format("invalid parameter \"{}\": missing", name));
  return value;
}

Result<TimestampMs> Call::time(std::string_view name) const {
  auto t = parse_time(parameter(name));
  if (!t) return invalid(name, t.error());
  return *t;
}

Result<TimestampMs> Call::time_or(std::string_view name, TimestampMs fallback) const {
  if (parameter(name).empty()) return fallback;
  return time(name);
}

Result<std::optional<Millis>> Call::duration(std::string_view name) const {
  const auto text = parameter(name);
  if (text.empty()) return std::nullopt;
  auto value = parse_step(text);
  if (!value) return invalid(name, value.error());
  return *value;
}

Result<bool> Call::boolean(std::string_view name, bool fallback) const {
  const auto text = parameter(name);
  if (text.empty()) return fallback;
  for (const auto* word : {"1", "t", "T", "true", "TRUE", "True"}) {
    if (text == word) return true;
  }
  for (const auto* word : {"0", "f", "F", "false", "FALSE", "False"}) {
    if (text == word) return false;
  }
  return bad_data(fmt::format("invalid {} \"{}\": must be boolean", name, text));
}

Result<size_t> Call::limit() const {
  const auto text = parameter("limit");
  if (text.empty()) return size_t{0};
  const auto value = parse_uint(text);
  if (!value) return bad_data("invalid parameter \"limit\": not a number of at least 0");
  return static_cast<size_t>(*value);
}

Result<TimeRange> Call::range() const {
  TimeRange range;
  range.min = TRY(time_or("start", kMinTime));
  range.max = TRY(time_or("end", kMaxTime));
  if (range.max < range.min) {
    return bad_data("invalid parameter \"end\": end timestamp must not be before start time");
  }
  return range;
}

Result<std::vector<std::vector<Matcher>>> Call::selectors() const {
  std::vector<std::vector<Matcher>> selectors;
  for (const auto text : parameters("match[]")) {
    auto matchers = promql::parse_selector(text);
    if (!matchers) return invalid("match[]", matchers.error());
    if (std::ranges::all_of(*matchers, &Matcher::matches_empty)) {
      return bad_data(
          "invalid parameter \"match[]\": match[] must contain at least one non-empty matcher");
    }
    selectors.push_back(std::move(*matchers));
  }
  return selectors;
}

}  // namespace strata::api
