// The rule for years that a time zone file does not list: POSIX' TZ syntax as TZif files end with
// (RFC 8536, 3.3.1), "CET-1CEST,M3.5.0,M10.5.0/3". Values; pure.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"

namespace strata::alerting {

struct PosixTz {
  /// The day and second of local time at which a change comes, every year.
  struct Change {
    enum class Kind : uint8_t { kMonthWeekDay, kJulian, kDayOfYear };
    Kind kind = Kind::kMonthWeekDay;
    int month = 0;
    int week = 0;  // 5: the last
    int day = 0;   // of the week from Sunday, or of the year
    int32_t second = 7200;
  };
  int32_t standard = 0;  // seconds east of UTC
  struct Summer {
    int32_t offset = 0;
    Change begins;
    Change ends;
  };
  std::optional<Summer> summer;

  int32_t offset_at(int64_t second) const;  // since 1970, UTC
};

/// Error: kBadData.
Result<PosixTz> parse_posix_tz(std::string_view text);

}  // namespace strata::alerting
