// Arithmetic and statistics of native histograms, as Prometheus' model/histogram and promql define
// them. Pure functions; results are compact (no empty buckets, no empty spans).
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "model/histogram.h"

namespace strata::promql {

/// Upper bound of exponential bucket `index` (its lower bound is that of index - 1):
/// 2^(i/2^schema).
double exponential_bound(int32_t index, int32_t schema);

struct HistogramBucket {
  double lower = 0;
  double upper = 0;
  double count = 0;
  int32_t index = 0;
};
/// Ascending; without zero bucket.
std::vector<HistogramBucket> positive_buckets(const FloatHistogram& h);
/// From zero down: bounds are negative, the first is nearest to zero.
std::vector<HistogramBucket> negative_buckets(const FloatHistogram& h);
/// Ascending over the whole axis; the zero bucket is there when it has a count.
std::vector<HistogramBucket> all_buckets(const FloatHistogram& h);

/// Adds up histograms, with compensation for what floating point loses (Neumaier), on the coarsest
/// of their resolutions and the widest of their zero buckets.
class HistogramAccumulator {
 public:
  explicit HistogramAccumulator(const FloatHistogram& first);

  /// False, and nothing done: one has exponential buckets, the other custom ones.
  bool add(const FloatHistogram& h) { return combine(h, false); }
  bool subtract(const FloatHistogram& h) { return combine(h, true); }
  void scale(double factor);
  /// Not scale(1 / divisor): that rounds twice.
  void divide(double divisor);
  /// Some field is infinite.
  bool overflowed() const;
  FloatHistogram result() const;

  /// A counter reset and a "no counter reset" were added up.
  bool counter_reset_collision() const { return collision_; }
  /// Custom bounds differed since this was last asked: only those that all have were kept.
  bool take_bounds_reconciled() { return std::exchange(reconciled_, false); }

 private:
  struct Cell {
    double v = 0;
    double c = 0;
    void add(double x);
    void add(Cell x) { add(x.v), c += x.c; }
    double total() const { return v + c; }
  };
  using Buckets = std::vector<std::pair<int32_t, Cell>>;  // by index

  template <class Change>
  void change_all(Change change);
  bool combine(const FloatHistogram& h, bool negative);
  void adjust_hint(CounterResetHint other);
  void raise_zero_threshold(double threshold);
  static Buckets cells_of(const std::vector<BucketSpan>& spans, const std::vector<double>& counts);
  static void reduce(Buckets& buckets, int32_t from_schema, int32_t to_schema);
  void merge(Buckets& into, const Buckets& from, bool negative) const;
  void rebucket(const std::vector<double>& bounds);

  CounterResetHint hint_;
  int32_t schema_;
  double zero_threshold_;
  Cell zero_, count_, sum_;
  Buckets positive_, negative_;
  std::vector<double> custom_values_;
  bool collision_ = false;
  bool reconciled_ = false;
};

/// The sum or the average of histograms one after the other.
class HistogramFold {
 public:
  explicit HistogramFold(bool average) : average_(average) {}

  bool empty() const { return !fold_; }
  /// False: incompatible with those before; there is no result then.
  bool add(const FloatHistogram& h);
  /// REQUIRES: !empty().
  FloatHistogram result() const;
  /// Both "reset" and "not reset" were seen.
  bool counter_reset_collision() const { return reset_seen_ && no_reset_seen_; }
  bool bounds_reconciled() const { return reconciled_; }

 private:
  bool add_to_average(const FloatHistogram& h);

  const bool average_;
  bool incremental_ = false;  // the sum would overflow: the fold is the mean so far
  bool reset_seen_ = false;
  bool no_reset_seen_ = false;
  bool reconciled_ = false;
  double count_ = 0;
  std::optional<HistogramAccumulator> fold_;
};

FloatHistogram compacted(const FloatHistogram& h);
HistogramPtr scaled(const FloatHistogram& h, double factor);
/// Division by zero leaves no buckets.
HistogramPtr divided(const FloatHistogram& h, double divisor);
bool equal(const FloatHistogram& a, const FloatHistogram& b);

/// Whether a counter was reset between `previous` and `current`.
bool detect_reset(const FloatHistogram& current, const FloatHistogram& previous);

/// h </ limit (keeps what is below) and h >/ limit.
FloatHistogram trimmed(const FloatHistogram& h, double limit, bool upper);

/// `{count:3, sum:5, (1,2]:3}`
std::string to_string(const FloatHistogram& h);
/// `{{schema:0 count:3 …}}`, the notation of test files.
std::string test_expression(const FloatHistogram& h);

/// NaN observations skew what histogram_quantile and histogram_fraction say.
enum class NanObservations : uint8_t { kNone, kResultIsNan, kSkewed, kExcluded };
struct HistogramStatistic {
  double value = 0;
  NanObservations nan = NanObservations::kNone;
};
HistogramStatistic histogram_quantile(double q, const FloatHistogram& h);
HistogramStatistic histogram_fraction(double lower, double upper, const FloatHistogram& h);
/// Around the mean, taking each bucket's observations to be at its (geometric) middle.
double histogram_variance(const FloatHistogram& h);

}  // namespace strata::promql
