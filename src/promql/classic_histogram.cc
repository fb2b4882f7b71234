#include "promql/classic_histogram.h"

#include <algorithm>
#include <cmath>
#include <optional>

namespace strata::promql {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

bool almost_equal(double a, double b) {
  constexpr double kTolerance = 1e-12;
  if (a == b) return true;
  const double sum = std::abs(a) + std::abs(b);
  const double difference = std::abs(a - b);
  if (a == 0 || b == 0 || sum < std::numeric_limits<double>::min()) {
    return difference < kTolerance * std::numeric_limits<double>::min();
  }
  return difference / std::min(sum, std::numeric_limits<double>::max()) < kTolerance;
}

}  // namespace

bool has_clean_bounds(std::span<const double> bounds) {
  if (bounds.empty() || bounds.back() != kInf) return false;
  for (size_t i = 1; i < bounds.size(); ++i) {
    if (!(bounds[i - 1] < bounds[i])) return false;
  }
  return true;
}

bool has_clean_counts(std::span<const double> counts) {
  constexpr double kRounding = 1e-9;
  bool clean = counts[0] >= 0;
  for (size_t i = 1; i < counts.size(); ++i) {
    const double low = counts[i - 1];
    const double high = counts[i];
    clean &= (high > low * (1 + kRounding)) | (high == low);
  }
  return clean;
}

Monotonicity clean_up(std::vector<double>& bounds, std::vector<double>& counts) {
  Monotonicity result;
  if (bounds.empty() || bounds.back() != kInf) {
    bounds.clear();
    counts.clear();
    return result;
  }
  size_t last = 0;
  for (size_t i = 1; i < bounds.size(); ++i) {
    if (bounds[i] == bounds[last]) {
      counts[last] += counts[i];
    } else {
      ++last;
      bounds[last] = bounds[i];
      counts[last] = counts[i];
    }
  }
  bounds.resize(last + 1);
  counts.resize(last + 1);
  double before = counts[0];
  for (size_t i = 1; i < counts.size(); ++i) {
    const double count = counts[i];
    if (count == before) continue;
    const bool rounding = almost_equal(before, count);
    if (!rounding && !(count < before)) {
      before = count;
      continue;
    }
    if (!rounding) {
      result.forced = true;
      result.min_bucket = std::min(result.min_bucket, bounds[i]);
      result.max_bucket = std::max(result.max_bucket, bounds[i]);
      result.max_diff = std::max(result.max_diff, before - count);
    }
    counts[i] = before;
  }
  return result;
}

double classic_quantile(double q, ClassicBuckets buckets) {
  if (std::isnan(q)) return kNan;
  if (q < 0) return -kInf;
  if (q > 1) return kInf;
  const auto& [bounds, counts] = buckets;
  if (buckets.size() < 2 || counts.back() == 0) return kNan;
  double rank = q * counts.back();
  const auto body = counts.first(counts.size() - 1);
  const auto b = static_cast<size_t>(std::ranges::lower_bound(body, rank) - body.begin());
  if (b == body.size()) return bounds[b - 1];
  if (b == 0 && bounds[0] <= 0) return bounds[0];
  double start = 0;
  double count = counts[b];
  if (b > 0) {
    start = bounds[b - 1];
    count -= counts[b - 1];
    rank -= counts[b - 1];
  }
  return start + (bounds[b] - start) * (rank / count);
}

double classic_fraction(double lower, double upper, ClassicBuckets buckets) {
  if (buckets.size() == 0) return kNan;
  const double all = buckets.counts.back();
  if (all == 0 || std::isnan(lower) || std::isnan(upper)) return kNan;
  if (lower >= upper) return 0;
  std::optional<double> lower_rank;
  std::optional<double> upper_rank;
  double start = buckets.bounds[0] <= 0 ? -kInf : 0;
  double rank = 0;
  for (size_t i = 0; i < buckets.size(); ++i) {
    const double bound = buckets.bounds[i];
    const double count = buckets.counts[i];
    const auto locate = [&](double v, std::optional<double>& out) {
      if (out) return;
      if (start >= v) {
        out = rank;
      } else if (bound > v) {
        out = start == -kInf ? count : rank + (count - rank) * (v - start) / (bound - start);
      }
    };
    locate(lower, lower_rank);
    locate(upper, upper_rank);
    start = bound;
    rank = count;
  }
  const double low = std::min(lower_rank.value_or(all), all);
  const double high = std::min(upper_rank.value_or(all), all);
  return (high - low) / all;
}

}  // namespace strata::promql
