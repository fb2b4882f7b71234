// Times as JSON and people have them.
#pragma once
#include <string>

#include "base/clock.h"

namespace strata {

/// "2026-01-02T13:37:00.123Z", RFC 3339 in UTC. Go's zero time, year 1, stands for "never": t = 0.
std::string rfc3339(TimestampMs t);

}  // namespace strata
