#include <cmath>
#include <limits>

#include "templates/functions.h"
#include "templates/go_format.h"

namespace strata::templates {
namespace {

std::string four_digits(double value) {
  const Value argument(value);
  return sprintf("%.4g", std::span(&argument, 1));
}

// A double beyond int64 becomes its smallest value, as on the machines that Prometheus runs on.
int64_t truncated(double value) {
  constexpr double kLimit = 9223372036854775808.0;
  if (!(value > -kLimit && value < kLimit)) return std::numeric_limits<int64_t>::min();
  return static_cast<int64_t>(value);
}

// Multiplied by a thousand until it is at least one.
std::string small(double value) {
  constexpr std::string_view kPrefixes[] = {"m", "u", "n", "p", "f", "a", "z", "y"};
  std::string_view prefix;
  for (const std::string_view next : kPrefixes) {
    if (std::fabs(value) >= 1) break;
    prefix = next;
    value *= 1000;
  }
  return four_digits(value).append(prefix);
}

std::string large(double value, double base, std::span<const std::string_view> prefixes) {
  std::string_view prefix;
  for (const std::string_view next : prefixes) {
    if (std::fabs(value) < base) break;
    prefix = next;
    value /= base;
  }
  return four_digits(value).append(prefix);
}

}  // namespace

std::string humanize(double value) {
  constexpr std::string_view kPrefixes[] = {"k", "M", "G", "T", "P", "E", "Z", "Y"};
  if (value == 0 || !std::isfinite(value)) return four_digits(value);
  return std::fabs(value) >= 1 ? large(value, 1000, kPrefixes) : small(value);
}

std::string humanize_1024(double value) {
  constexpr std::string_view kPrefixes[] = {"ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"};
  if (std::fabs(value) <= 1 || !std::isfinite(value)) return four_digits(value);
  return large(value, 1024, kPrefixes);
}

std::string humanize_duration(double seconds) {
  if (!std::isfinite(seconds)) return four_digits(seconds);
  if (seconds == 0) return four_digits(seconds) + "s";
  if (std::fabs(seconds) < 1) return small(seconds) + "s";
  const std::string_view sign = seconds < 0 ? "-" : "";
  const double magnitude = std::fabs(seconds);
  const int64_t whole = truncated(magnitude);
  const int64_t minutes = whole / 60 % 60;
  const int64_t hours = whole / 3600 % 24;
  const int64_t days = whole / 86400;
  if (days != 0) return fmt::format("{}{}d {}h {}m {}s", sign, days, hours, minutes, whole % 60);
  if (hours != 0) return fmt::format("{}{}h {}m {}s", sign, hours, minutes, whole % 60);
  if (minutes != 0) return fmt::format("{}{}m {}s", sign, minutes, whole % 60);
  return fmt::format("{}{}s", sign, four_digits(magnitude));
}

std::string humanize_percentage(double ratio) { return four_digits(ratio * 100) + "%"; }

}  // namespace strata::templates
