#include "net/http_date.h"

#include <array>
#include <ctime>

#include "base/clock.h"

namespace strata::net {
namespace {

void append_digits(std::string& out, int value, int digits) {
  const std::string text = std::to_string(value);
  out.append(static_cast<size_t>(digits) - std::min(text.size(), static_cast<size_t>(digits)), '0')
      .append(text);
}

}  // namespace

std::string http_date(int64_t unix_seconds) {
  static constexpr std::array kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t time = unix_seconds;
  std::tm parts{};
  gmtime_r(&time, &parts);
  std::string out = kDays[static_cast<size_t>(parts.tm_wday)];
  out += ", ";
  append_digits(out, parts.tm_mday, 2);
  out.append(" ").append(kMonths[static_cast<size_t>(parts.tm_mon)]).append(" ");
  append_digits(out, parts.tm_year + 1900, 4);
  out += ' ';
  append_digits(out, parts.tm_hour, 2);
  out += ':';
  append_digits(out, parts.tm_min, 2);
  out += ':';
  append_digits(out, parts.tm_sec, 2);
  return out += " GMT";
}

std::string_view http_date_now() {
  thread_local int64_t second = -1;
  thread_local std::string text;
  const int64_t now = real_clock().now_ms() / 1000;
  if (now != second) {
    second = now;
    text = http_date(now);
  }
  return text;
}

}  // namespace strata::net
