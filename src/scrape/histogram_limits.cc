#include "scrape/histogram_limits.h"

#include <cmath>

#include "model/histogram_buckets.h"

namespace strata::scrape {
namespace {

constexpr int32_t kFinest = 8;
constexpr int32_t kCoarsest = -4;

}  // namespace

int32_t schema_for_factor(double factor) {
  // The factor of schema 8 is 2^(1/256), about 1.00271.
  if (!(factor > 1)) return kFinest;
  const double schema = std::floor(-std::log2(std::log2(factor)));
  if (schema >= kFinest) return kFinest;
  if (schema <= kCoarsest) return kCoarsest;
  return static_cast<int32_t>(schema);
}

Result<> fit_limits(const config::ScrapeConfig& config, FloatHistogram& h) {
  const bool exponential = !h.uses_custom_buckets();
  const int32_t finest = schema_for_factor(config.native_histogram_min_bucket_factor);
  if (exponential && h.schema > finest) h = reduce_resolution(h, finest);
  const uint64_t limit = config.native_histogram_bucket_limit;
  const auto buckets = [&h] { return h.positive_buckets.size() + h.negative_buckets.size(); };
  while (limit > 0 && buckets() > limit) {
    if (!exponential || h.schema <= kCoarsest) {
      return bad_data(fmt::format("native histogram bucket limit exceeded (buckets: {}, limit: {})",
                                  buckets(), limit));
    }
    h = reduce_resolution(h, h.schema - 1);
  }
  return {};
}

}  // namespace strata::scrape
