// One observation that a sample points to, mostly by trace id.
#pragma once
#include <optional>

#include "base/clock.h"
#include "model/labels.h"

namespace strata {

struct Exemplar {
  Labels labels;
  double value = 0;
  std::optional<TimestampMs> timestamp;
  friend bool operator==(const Exemplar&, const Exemplar&) = default;
};

}  // namespace strata
