#include "base/rfc3339.h"

#include <ctime>

namespace strata {

std::string rfc3339(TimestampMs t) {
  if (t == 0) return "0001-01-01T00:00:00Z";
  const int64_t millis = (t % 1000 + 1000) % 1000;
  const auto seconds = static_cast<time_t>((t - millis) / 1000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[32];
  const size_t n = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
  return fmt::format("{}.{:03}Z", std::string_view(text, n), millis);
}

}  // namespace strata
