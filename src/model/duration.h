// Durations as Prometheus writes them: 1h30m, 15s, 100ms.
#pragma once
#include <chrono>
#include <string>
#include <string_view>

#include "base/result.h"

namespace strata {

using Millis = std::chrono::milliseconds;

/// "0", or units y w d h m s ms, each at most once and in that order (a year is 365 days); no
/// sign, no fraction. Error: kBadData.
Result<Millis> parse_duration(std::string_view text);

/// The shortest such text; "0s" for none. REQUIRES: not negative.
std::string format_duration(Millis duration);

}  // namespace strata
