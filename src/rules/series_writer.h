// How rules write what they find: the store, as a test or the server gives it.
#pragma once
#include <cstdint>
#include <span>

#include "base/clock.h"
#include "base/result.h"
#include "model/labels.h"

namespace strata::rules {

/// Thread-safe.
class SeriesWriter {
 public:
  enum class Series : uint32_t {};
  struct Counts {
    size_t dropped =
        0;  // another value was there at that time, or `t` is too old, or too far ahead
  };

  virtual ~SeriesWriter() = default;
  /// Get or create; the handle stays valid for hours. Error: kLimit.
  virtual Result<Series> series(const Labels& labels) = 0;
  /// values[i] of series[i] at `t`, readable when this returns. Error: kNotFound when a handle was
  /// forgotten and must be asked for anew; then nothing was written.
  virtual Result<Counts> append(TimestampMs t, std::span<const Series> series,
                                std::span<const double> values) = 0;
};

}  // namespace strata::rules
