#include "alerting/posix_tz.h"

#include "alerting/time_zone.h"

namespace strata::alerting {
namespace {

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text), rest_(text) {}

  Result<PosixTz> parse() {
    PosixTz out;
    TRY(name());
    out.standard = -TRY(time());
    if (rest_.empty()) return out;
    TRY(name());
    PosixTz::Summer summer;
    summer.offset = out.standard + 3600;
    if (!rest_.empty() && rest_[0] != ',') summer.offset = -TRY(time());
    if (rest_.empty()) return wrong();  // without rules there is nothing to go by
    summer.begins = TRY(change());
    summer.ends = TRY(change());
    out.summer = summer;
    if (!rest_.empty()) return wrong();
    return out;
  }

 private:
  std::unexpected<Error> wrong() const {
    return bad_data(fmt::format("\"{}\" is no time zone rule", text_));
  }
  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  Result<> name() {
    const bool quoted = take('<');
    const size_t end = rest_.find_first_of(quoted ? ">" : "+-0123456789,");
    if (quoted && end == std::string_view::npos) return wrong();
    const size_t size = std::min(end, rest_.size());
    if (size == 0) return wrong();
    rest_.remove_prefix(size + (quoted ? 1 : 0));
    return {};
  }
  Result<int> number(int most) {
    int value = 0;
    size_t digits = 0;
    for (; digits < 3 && digits < rest_.size() && rest_[digits] >= '0' && rest_[digits] <= '9';
         ++digits) {
      value = value * 10 + (rest_[digits] - '0');
    }
    if (digits == 0 || value > most) return wrong();
    rest_.remove_prefix(digits);
    return value;
  }
  /// [+-]hh[:mm[:ss]]; hours to 167 (RFC 8536).
  Result<int32_t> time() {
    const bool negative = take('-');
    if (!negative) take('+');
    int32_t seconds = TRY(number(167))
    *3600;
    if (take(':')) seconds += TRY(number(59))
    *60;
    if (take(':')) seconds += TRY(number(59));
    return negative ? -seconds : seconds;
  }
  Result<PosixTz::Change> change() {
    using Kind = PosixTz::Change::Kind;
    PosixTz::Change out;
    if (!take(',')) return wrong();
    if (take('M')) {
      out.month = TRY(number(12));
      if (!take('.')) return wrong();
      out.week = TRY(number(5));
      if (!take('.')) return wrong();
      out.day = TRY(number(6));
      if (out.month == 0 || out.week == 0) return wrong();
    } else {
      out.kind = take('J') ? Kind::kJulian : Kind::kDayOfYear;
      out.day = TRY(number(365));
    }
    if (take('/')) out.second = TRY(time());
    return out;
  }

  const std::string_view text_;
  std::string_view rest_;
};

// Seconds since 1970 of local time at which `change` comes in `year`.
int64_t local_second(const PosixTz::Change& change, int year) {
  using Kind = PosixTz::Change::Kind;
  int64_t day = days_from_civil(year, 1, 1);
  switch (change.kind) {
    case Kind::kDayOfYear: day += change.day; break;
    case Kind::kJulian: {  // February 29 is never counted
      const bool leap = days_in_month(year, 2) == 29;
      day += change.day - 1 + (leap && change.day >= 60 ? 1 : 0);
      break;
    }
    case Kind::kMonthWeekDay: {
      const int64_t first = days_from_civil(year, change.month, 1);
      const int weekday = static_cast<int>((first % 7 + 11) % 7);  // 1970-01-01 was a Thursday
      int64_t date = (change.day - weekday + 7) % 7 + (change.week - 1) * 7;
      if (date >= days_in_month(year, change.month)) date -= 7;
      day = first + date;
      break;
    }
  }
  return day * 86'400 + change.second;
}

}  // namespace

int32_t PosixTz::offset_at(int64_t second) const {
  if (!summer) return standard;
  const int year = utc_time((second + standard) * 1000).year;
  const int64_t begins = local_second(summer->begins, year) - standard;
  const int64_t ends = local_second(summer->ends, year) - summer->offset;
  // South of the equator summer spans the turn of the year.
  const bool is_summer =
      begins < ends ? second >= begins && second < ends : second >= begins || second < ends;
  return is_summer ? summer->offset : standard;
}

Result<PosixTz> parse_posix_tz(std::string_view text) { return Reader(text).parse(); }

}  // namespace strata::alerting
