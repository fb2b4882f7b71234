// A native histogram as prometheus.Histogram, which remote write and remote read share: appended as
// a field's bytes to the message that has it. Private to remote_*.cc.
#pragma once
#include <string>

#include "base/clock.h"
#include "model/histogram.h"

namespace strata::wire {

/// Appends field `tag` with the histogram, counts as floats: the model keeps no integers, and
/// readers take either.
void append_histogram_field(std::string& message, uint32_t tag, const FloatHistogram& h,
                            TimestampMs t);

}  // namespace strata::wire
