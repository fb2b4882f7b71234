// Classic histograms: cumulative counts by upper bound. Pure functions.
#pragma once
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

namespace strata::promql {

/// Buckets of one histogram at one time, by bound; a view.
struct ClassicBuckets {
  std::span<const double> bounds;
  std::span<const double> counts;
  size_t size() const { return bounds.size(); }
};

/// What had to be done to counts that fall.
struct Monotonicity {
  bool forced = false;
  double min_bucket = std::numeric_limits<double>::infinity();
  double max_bucket = -std::numeric_limits<double>::infinity();
  double max_diff = 0;
};

/// Whether the bounds ascend strictly, up to +Inf.
bool has_clean_bounds(std::span<const double> bounds);
/// Whether no count is less than the one before, nor more by what may be a rounding error.
bool has_clean_counts(std::span<const double> counts);

/// Makes buckets that ascend in bound clean: those with one bound are added up, counts that fall
/// are levelled, silently where rounding explains it. No buckets when +Inf is missing.
Monotonicity clean_up(std::vector<double>& bounds, std::vector<double>& counts);

/// REQUIRES: clean buckets. Linear inside a bucket; the first begins at zero when it ends above.
/// NaN where there is no answer.
double classic_quantile(double q, ClassicBuckets buckets);
/// The fraction of observations between two values.
double classic_fraction(double lower, double upper, ClassicBuckets buckets);

}  // namespace strata::promql
