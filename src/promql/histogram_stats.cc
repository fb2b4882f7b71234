// What is asked of single histograms: resets, trimming, quantiles, fractions, text.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <ranges>

#include "promql/histogram_ops.h"
#include "promql/kahan.h"
#include "promql/quote.h"

namespace strata::promql {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

// Counts by index at a coarser schema, without the buckets that end inside the zero bucket.
std::map<int32_t, double> counts_at(const std::vector<HistogramBucket>& buckets, int32_t schema,
                                    int32_t to_schema, double zero_threshold) {
  std::map<int32_t, double> out;
  for (const HistogramBucket& bucket : buckets) {
    const int32_t index = ((bucket.index - 1) >> (schema - to_schema)) + 1;
    if (exponential_bound(index, to_schema) <= zero_threshold) continue;
    out[index] += bucket.count;
  }
  return out;
}

bool any_shrank(const std::map<int32_t, double>& current, const std::map<int32_t, double>& before) {
  return std::ranges::any_of(before, [&](const auto& bucket) {
    const auto found = current.find(bucket.first);
    return bucket.second > (found == current.end() ? 0 : found->second);
  });
}

// Counts between the bounds that both have; a shift inside of them is no reset.
bool custom_counts_shrank(const FloatHistogram& current, const FloatHistogram& previous) {
  std::vector<double> common;
  std::ranges::set_intersection(current.custom_values, previous.custom_values,
                                std::back_inserter(common));
  const auto regroup = [&](const FloatHistogram& h) {
    std::map<int32_t, double> out;
    for (const HistogramBucket& bucket : positive_buckets(h)) {
      const auto at = std::ranges::lower_bound(common, bucket.upper) - common.begin();
      out[static_cast<int32_t>(at)] += bucket.count;
    }
    return out;
  };
  return any_shrank(regroup(current), regroup(previous));
}

double fraction_below(const HistogramBucket& bucket, double v, bool linear) {
  if (linear) return (v - bucket.lower) / (bucket.upper - bucket.lower);
  const double log_lower = std::log2(std::abs(bucket.lower));
  const double log_upper = std::log2(std::abs(bucket.upper));
  const double log_v = std::log2(std::abs(v));
  if (v > 0) return (log_v - log_lower) / (log_upper - log_lower);
  return 1 - (log_v - log_upper) / (log_lower - log_upper);
}

// A histogram with observations on one side of zero only has none on the other side of its zero
// bucket.
void narrow_zero_bucket(const FloatHistogram& h, HistogramBucket& bucket) {
  if (h.negative_buckets.empty() && !h.positive_buckets.empty()) bucket.lower = 0;
  if (h.positive_buckets.empty() && !h.negative_buckets.empty()) bucket.upper = 0;
}

}  // namespace

bool detect_reset(const FloatHistogram& current, const FloatHistogram& previous) {
  if (current.counter_reset_hint == CounterResetHint::kReset) return true;
  if (current.counter_reset_hint == CounterResetHint::kNotReset) return false;
  if (current.count < previous.count) return true;
  if (current.uses_custom_buckets()) {
    return !previous.uses_custom_buckets() || custom_counts_shrank(current, previous);
  }
  if (previous.uses_custom_buckets() || current.schema > previous.schema) return true;
  if (current.zero_threshold < previous.zero_threshold) return true;

  // `previous` with the zero bucket of `current`: adding an empty histogram with that one does it.
  FloatHistogram widen;
  widen.schema = previous.schema;
  widen.zero_threshold = current.zero_threshold;
  HistogramAccumulator widened(previous);
  widened.add(widen);
  const FloatHistogram before = widened.result();
  if (before.zero_threshold != current.zero_threshold) return true;
  if (current.zero_count < before.zero_count) return true;
  const auto shrank = [&](std::vector<HistogramBucket> now, std::vector<HistogramBucket> then) {
    return any_shrank(counts_at(now, current.schema, current.schema, current.zero_threshold),
                      counts_at(then, previous.schema, current.schema, current.zero_threshold));
  };
  return shrank(positive_buckets(current), positive_buckets(before)) ||
         shrank(negative_buckets(current), negative_buckets(before));
}

double histogram_variance(const FloatHistogram& h) {
  const double mean = h.sum / h.count;
  double variance = 0;
  double compensation = 0;
  for (const HistogramBucket& bucket : all_buckets(h)) {
    if (bucket.count == 0) continue;
    double middle = 0;
    if (h.uses_custom_buckets()) {
      middle = (bucket.upper + bucket.lower) / 2;
    } else if (bucket.lower > 0 || bucket.upper < 0) {
      middle = std::copysign(std::sqrt(bucket.upper * bucket.lower), bucket.upper);
    }
    const double delta = middle - mean;
    kahan_add(bucket.count * delta * delta, variance, compensation);
  }
  return (variance + compensation) / h.count;
}

HistogramStatistic histogram_quantile(double q, const FloatHistogram& h) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  if (q < 0) return {-kInf};
  if (q > 1) return {kInf};
  if (h.count == 0 || std::isnan(q)) return {kNan};

  // NaN observations are in the count but in no bucket, so then only the low end is known.
  const bool from_below = std::isnan(h.sum) || q < 0.5;
  std::vector<HistogramBucket> buckets = all_buckets(h);
  if (!from_below) std::ranges::reverse(buckets);
  double rank = (from_below ? q : 1 - q) * h.count;
  HistogramBucket bucket;
  double count = 0;
  size_t at = 0;
  while (at < buckets.size()) {
    bucket = buckets[at++];
    if (bucket.count == 0) continue;
    count += bucket.count;
    if (count >= rank) break;
  }
  if (!h.uses_custom_buckets()) {
    if (bucket.lower < 0 && bucket.upper > 0) narrow_zero_bucket(h, bucket);
  } else if (bucket.lower == -kInf) {
    if (bucket.upper <= 0) return {bucket.upper};
    bucket.lower = 0;
  } else if (bucket.upper == kInf) {
    return {bucket.lower};
  }
  count = std::min(count, h.count);
  if (count < rank) {
    if (std::isnan(h.sum)) return {kNan, NanObservations::kResultIsNan};
    return {bucket.upper};
  }
  rank = from_below ? rank - (count - bucket.count) : count - rank;
  NanObservations nan = NanObservations::kNone;
  if (std::isnan(h.sum)) {
    double all = count;
    for (; at < buckets.size(); ++at) all += buckets[at].count;
    if (all < h.count) nan = NanObservations::kSkewed;
  }
  const double fraction = rank / bucket.count;
  if (h.uses_custom_buckets() || (bucket.lower <= 0 && bucket.upper >= 0)) {
    return {bucket.lower + (bucket.upper - bucket.lower) * fraction, nan};
  }
  // Exponential buckets are of equal width on a logarithmic scale.
  const double log_lower = std::log2(std::abs(bucket.lower));
  const double log_upper = std::log2(std::abs(bucket.upper));
  if (bucket.lower > 0) return {std::exp2(log_lower + (log_upper - log_lower) * fraction), nan};
  return {-std::exp2(log_upper + (log_lower - log_upper) * (1 - fraction)), nan};
}

HistogramStatistic histogram_fraction(double lower, double upper, const FloatHistogram& h) {
  if (h.count == 0 || std::isnan(lower) || std::isnan(upper)) {
    return {std::numeric_limits<double>::quiet_NaN()};
  }
  if (lower >= upper) return {0};
  std::optional<double> lower_rank;
  std::optional<double> upper_rank;
  double rank = 0;
  double in_buckets = 0;
  for (HistogramBucket bucket : all_buckets(h)) {
    in_buckets += bucket.count;
    const bool is_zero = bucket.lower <= 0 && bucket.upper >= 0;
    if (is_zero) narrow_zero_bucket(h, bucket);
    const auto locate = [&](double v, std::optional<double>& out) {
      if (out) return;
      if (bucket.lower >= v) {
        out = rank;
      } else if (bucket.upper > v) {
        const bool linear = h.uses_custom_buckets() || is_zero;
        out = linear && bucket.lower == -kInf
                  ? bucket.count
                  : rank + bucket.count * fraction_below(bucket, v, linear);
      }
    };
    locate(lower, lower_rank);
    locate(upper, upper_rank);
    rank += bucket.count;
  }
  NanObservations nan = NanObservations::kNone;
  double count = h.count;
  if (std::isnan(h.sum)) {
    count = in_buckets;
    if (count < h.count) nan = NanObservations::kExcluded;
  }
  const double low = std::min(lower_rank.value_or(count), count);
  const double high = std::min(upper_rank.value_or(count), count);
  return {(high - low) / h.count, nan};
}

namespace {

struct Kept {
  double count = 0;
  double middle = 0;
};

double middle_of(double lower, double upper, bool positive, bool linear) {
  if (std::isinf(lower)) {
    if (std::isinf(upper)) return 0;
    return upper > 0 ? upper / 2 : upper;
  }
  if (std::isinf(upper)) return lower;
  if (linear) return (lower + upper) / 2;
  const double geometric = std::sqrt(std::abs(lower * upper));
  return positive ? geometric : -geometric;
}

double zero_if_infinite(double v) { return std::isinf(v) ? 0 : v; }

// Nothing is known of how observations lie in a bucket without an end, so it is kept or dropped as
// a whole, but for the first custom bucket, which is taken to begin at zero.
Kept trim_infinite(const HistogramBucket& b, double limit, bool upper) {
  if (b.lower == -kInf) {
    const bool from_zero = b.upper > 0 && std::isfinite(b.upper);
    if (upper) {
      if (limit >= b.upper) return {b.count, 0};
      if (limit > 0 && from_zero) return {b.count * limit / b.upper, limit / 2};
      if (b.upper <= 0) return {b.count, limit};
    } else {
      if (limit <= b.lower) return {b.count, 0};
      if (limit >= 0 && b.upper > limit && from_zero) {
        return {b.count * (1 - limit / b.upper), (limit + b.upper) / 2};
      }
    }
    return {0, zero_if_infinite(b.upper)};
  }
  if (!upper && limit >= b.lower) return {b.count, limit};
  return {0, zero_if_infinite(b.lower)};
}

Kept trim_bucket(const HistogramBucket& b, double limit, bool upper, bool positive, bool linear) {
  const bool whole = upper ? b.upper <= limit : b.lower >= limit;
  if (whole) return {b.count, middle_of(b.lower, b.upper, positive, linear)};
  const bool outside = upper ? b.lower >= limit : b.upper <= limit;
  if (outside) return {};
  if (std::isinf(b.lower) || std::isinf(b.upper)) return trim_infinite(b, limit, upper);
  const double below = b.count * fraction_below(b, limit, linear);
  if (upper) return {below, middle_of(b.lower, limit, positive, linear)};
  return {b.count - below, middle_of(limit, b.upper, positive, linear)};
}

Kept trim_zero_bucket(HistogramBucket b, double limit, bool upper, bool has_negative,
                      bool has_positive) {
  if (has_negative && !has_positive) b.upper = 0;
  if (has_positive && !has_negative) b.lower = 0;
  const Kept whole{b.count, (b.lower + b.upper) / 2};
  if (limit <= b.lower) return upper ? Kept{} : whole;
  if (limit >= b.upper) return upper ? whole : Kept{};
  const double width = b.upper - b.lower;
  if (upper) return {b.count * (limit - b.lower) / width, (b.lower + limit) / 2};
  return {b.count * (b.upper - limit) / width, (limit + b.upper) / 2};
}

}  // namespace

FloatHistogram trimmed(const FloatHistogram& h, double limit, bool upper) {
  FloatHistogram out = h;
  double count = 0;
  double sum = 0;
  bool changed = false;
  const auto keep = [&](double& bucket, const Kept& kept) {
    count += kept.count;
    sum += kept.middle * kept.count;
    changed = changed || bucket != kept.count;
    bucket = kept.count;
  };
  const bool linear = h.uses_custom_buckets();
  const auto trim_side = [&](const std::vector<HistogramBucket>& buckets,
                             std::vector<double>& counts, bool positive) {
    bool any = false;
    for (size_t i = 0; i < buckets.size(); ++i) {
      if (buckets[i].count == 0) continue;
      any = true;
      keep(counts[i], trim_bucket(buckets[i], limit, upper, positive, linear));
    }
    return any;
  };
  const bool has_positive = trim_side(positive_buckets(h), out.positive_buckets, true);
  const bool has_negative = trim_side(negative_buckets(h), out.negative_buckets, false);
  if (h.zero_count > 0) {
    const HistogramBucket zero{-h.zero_threshold, h.zero_threshold, h.zero_count, 0};
    keep(out.zero_count, trim_zero_bucket(zero, limit, upper, has_negative, has_positive));
  }
  if (!changed) return h;
  out.count = count;
  out.sum = sum;
  return compacted(out);
}

std::string to_string(const FloatHistogram& h) {
  std::string out = fmt::format("{{count:{}, sum:{}", number_text(h.count), number_text(h.sum));
  for (const HistogramBucket& b : all_buckets(h)) {
    if (b.count == 0) continue;
    const bool custom = h.uses_custom_buckets();
    const bool lower_in = custom ? b.index == 0 : b.lower < 0;
    const bool upper_in = custom || b.upper > 0;
    out += fmt::format(", {}{},{}{}:{}", lower_in ? '[' : '(', number_text(b.lower),
                       number_text(b.upper), upper_in ? ']' : ')', number_text(b.count));
  }
  return out + "}";
}

namespace {

void append_bucket_list(std::string& out, std::string_view prefix,
                        const std::vector<HistogramBucket>& buckets) {
  if (buckets.empty()) return;
  if (buckets[0].index != 0) out += fmt::format(" {}offset:{}", prefix, buckets[0].index);
  out += fmt::format(" {}buckets:[", prefix);
  int32_t next = buckets[0].index;
  for (const HistogramBucket& bucket : buckets) {
    for (; next < bucket.index; ++next) out += "0 ";
    out += number_text(bucket.count) + " ";
    ++next;
  }
  out.back() = ']';
}

}  // namespace

std::string test_expression(const FloatHistogram& h) {
  std::string out;
  const auto field = [&](std::string_view name, double v) {
    if (v != 0) out += fmt::format(" {}:{}", name, number_text(v));
  };
  field("schema", h.schema);
  field("count", h.count);
  field("sum", h.sum);
  field("z_bucket", h.zero_count);
  field("z_bucket_w", h.zero_threshold);
  if (h.uses_custom_buckets()) {
    out += " custom_values:[";
    for (const double bound : h.custom_values) out += number_text(bound) + " ";
    if (!h.custom_values.empty()) out.pop_back();
    out += ']';
  }
  constexpr std::string_view kHints[] = {"", "reset", "not_reset", "gauge"};
  const auto hint = static_cast<size_t>(h.counter_reset_hint);
  if (hint != 0) out += fmt::format(" counter_reset_hint:{}", kHints[hint]);
  append_bucket_list(out, "", positive_buckets(h));
  append_bucket_list(out, "n_", negative_buckets(h));
  if (!out.empty()) out.erase(0, 1);
  return "{{" + out + "}}";
}

}  // namespace strata::promql
