// Local time by the machine's time zone database (TZif, RFC 8536, in /usr/share/zoneinfo).
//
// C++20's zones are not in Debian 12's library, and cctz there is a shared library only
// (docs/decisions/0006). Immutable once loaded; cheap to copy; thread-safe. Bound: kMaxFile.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/fs.h"
#include "base/result.h"

namespace strata::alerting {

/// A wall clock's reading.
struct LocalTime {
  int year = 1970;
  int month = 1;  // 1 to 12
  int day = 1;    // 1 to 31
  int hour = 0;
  int minute = 0;
  int second = 0;
  int weekday = 4;  // 0 is Sunday
  friend bool operator==(const LocalTime&, const LocalTime&) = default;
};

/// Days since 1970-01-01 of a date of the proleptic Gregorian calendar; days beyond the month's end
/// run on.
int64_t days_from_civil(int year, int month, int day);
int days_in_month(int year, int month);
/// What a clock in UTC shows.
LocalTime utc_time(TimestampMs t);

class TimeZone {
 public:
  static constexpr size_t kMaxFile = 1 << 20;
  static constexpr const char* kDatabase = "/usr/share/zoneinfo";

  /// UTC.
  TimeZone();
  /// "Europe/Berlin"; "UTC" and "" need no file, "Local" is the machine's. Errors: kBadData for a
  /// name that is none, or a file that is damaged.
  static Result<TimeZone> load(const std::string& name, Fs& fs = real_fs());
  /// From the bytes of a file.
  static Result<TimeZone> parse(std::string name, std::string_view bytes);

  const std::string& name() const { return *name_; }
  /// Seconds east of UTC at `t`.
  int32_t offset_at(TimestampMs t) const;
  LocalTime local(TimestampMs t) const;
  /// When the wall clock shows this. Of two such times (the clock was set back) the first; of none
  /// (it was set forward) the time as far after the change as the reading is after its last one.
  TimestampMs utc_of(const LocalTime& local) const;

 private:
  struct Rules;
  std::shared_ptr<const Rules> rules_;
  std::shared_ptr<const std::string> name_;
};

}  // namespace strata::alerting
