// Instants and durations as text, as Go's time package writes them; an instant in its zone.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "templates/value.h"

namespace strata::templates {

/// time.Time.Format: the reference time's elements ("2006-01-02 15:04:05.000 -0700 MST").
std::string format_time(Time time, std::string_view layout);
/// time.Time.String: "2006-01-02 15:04:05.999999999 +0000 UTC".
std::string time_text(Time time);
/// time.Duration.String: "1h0m5.3s", "1.5ms", "0s".
std::string duration_text(Duration duration);

/// Methods of time.Time and time.Duration. Error: kNotFound for another name.
Result<Value> time_member(Time time, std::string_view name, std::span<const Value> arguments);
Result<Value> duration_member(Duration duration, std::string_view name);

}  // namespace strata::templates
