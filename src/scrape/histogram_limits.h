// What a scrape configuration demands of native histograms.
#pragma once
#include <cstdint>

#include "base/result.h"
#include "config/config.h"
#include "model/histogram.h"

namespace strata::scrape {

/// The finest schema whose buckets grow by at least `factor`, as Prometheus picks it
/// (native_histogram_min_bucket_factor): 8 for a factor of 1 and less, -4 for huge ones.
int32_t schema_for_factor(double factor);

/// Lowers the resolution of `h` until it is within native_histogram_min_bucket_factor and
/// native_histogram_bucket_limit. Error: kBadData when it cannot be low enough; the scrape fails.
Result<> fit_limits(const config::ScrapeConfig& config, FloatHistogram& h);

}  // namespace strata::scrape
