#include "promql/histogram_ops.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "promql/kahan.h"

namespace strata::promql {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

int32_t coarser_index(int32_t index, int32_t from_schema, int32_t to_schema) {
  return ((index - 1) >> (from_schema - to_schema)) + 1;
}

// visit(index, position in counts) for each bucket of the spans.
template <class Visit>
void for_each_bucket(const std::vector<BucketSpan>& spans, size_t counts, Visit visit) {
  int32_t index = 0;
  size_t at = 0;
  for (const BucketSpan& span : spans) {
    index += span.offset;
    for (uint32_t i = 0; i < span.length && at < counts; ++i) visit(index++, at++);
  }
}

double custom_bound(const FloatHistogram& h, int32_t index) {
  if (index < 0) return -kInf;
  const auto i = static_cast<size_t>(index);
  return i < h.custom_values.size() ? h.custom_values[i] : kInf;
}

double upper_bound_of(const FloatHistogram& h, int32_t index) {
  return h.uses_custom_buckets() ? custom_bound(h, index) : exponential_bound(index, h.schema);
}

// Spans and counts of sorted (index, count) pairs that are not empty.
void set_buckets(const std::vector<std::pair<int32_t, double>>& buckets,
                 std::vector<BucketSpan>& spans, std::vector<double>& counts) {
  spans.clear();
  counts.clear();
  int32_t next = 0;
  for (const auto& [index, count] : buckets) {
    if (count == 0) continue;
    if (!spans.empty() && index == next) {
      ++spans.back().length;
    } else {
      spans.push_back({spans.empty() ? index : index - next, 1});
    }
    counts.push_back(count);
    next = index + 1;
  }
}

}  // namespace

double exponential_bound(int32_t index, int32_t schema) {
  // The last bucket of finite numbers ends at the largest of them, not at infinity.
  constexpr int kInfExponent = 1024;
  if (schema < 0) {
    const int exponent = index * (1 << -schema);
    return exponent == kInfExponent ? std::numeric_limits<double>::max() : std::ldexp(1, exponent);
  }
  const int32_t fraction = index & ((1 << schema) - 1);
  const int exponent = (index >> schema) + 1;
  if (fraction == 0 && exponent == kInfExponent + 1) return std::numeric_limits<double>::max();
  const double mantissa = std::exp2(static_cast<double>(fraction) / (1 << schema) - 1);
  return std::ldexp(mantissa, exponent);
}

std::vector<HistogramBucket> positive_buckets(const FloatHistogram& h) {
  std::vector<HistogramBucket> out;
  out.reserve(h.positive_buckets.size());
  for_each_bucket(h.positive_spans, h.positive_buckets.size(), [&](int32_t index, size_t at) {
    out.push_back(
        {upper_bound_of(h, index - 1), upper_bound_of(h, index), h.positive_buckets[at], index});
  });
  return out;
}

std::vector<HistogramBucket> negative_buckets(const FloatHistogram& h) {
  std::vector<HistogramBucket> out;
  out.reserve(h.negative_buckets.size());
  for_each_bucket(h.negative_spans, h.negative_buckets.size(), [&](int32_t index, size_t at) {
    out.push_back(
        {-upper_bound_of(h, index), -upper_bound_of(h, index - 1), h.negative_buckets[at], index});
  });
  return out;
}

std::vector<HistogramBucket> all_buckets(const FloatHistogram& h) {
  std::vector<HistogramBucket> out = negative_buckets(h);
  std::ranges::reverse(out);
  if (h.zero_count > 0) out.push_back({-h.zero_threshold, h.zero_threshold, h.zero_count, 0});
  std::ranges::copy(positive_buckets(h), std::back_inserter(out));
  return out;
}

void HistogramAccumulator::Cell::add(double x) { kahan_add(x, v, c); }

HistogramAccumulator::Buckets HistogramAccumulator::cells_of(const std::vector<BucketSpan>& spans,
                                                             const std::vector<double>& counts) {
  Buckets buckets;
  buckets.reserve(counts.size());
  for_each_bucket(spans, counts.size(),
                  [&](int32_t index, size_t at) { buckets.push_back({index, {counts[at], 0}}); });
  return buckets;
}

HistogramAccumulator::HistogramAccumulator(const FloatHistogram& first)
    : hint_(first.counter_reset_hint),
      schema_(first.schema),
      zero_threshold_(first.zero_threshold),
      zero_{first.zero_count, 0},
      count_{first.count, 0},
      sum_{first.sum, 0},
      positive_(cells_of(first.positive_spans, first.positive_buckets)),
      negative_(cells_of(first.negative_spans, first.negative_buckets)),
      custom_values_(first.custom_values) {}

void HistogramAccumulator::adjust_hint(CounterResetHint other) {
  if (other == hint_ || hint_ == CounterResetHint::kGauge) return;
  if (other == CounterResetHint::kGauge) {
    hint_ = other;
  } else if (hint_ != CounterResetHint::kUnknown) {
    collision_ = collision_ || other != CounterResetHint::kUnknown;
    hint_ = CounterResetHint::kUnknown;
  }
}

// Buckets that reach below the threshold go into the zero bucket; one that reaches beyond it moves
// the threshold to its own end, which may catch further buckets.
void HistogramAccumulator::raise_zero_threshold(double threshold) {
  if (threshold <= zero_threshold_) return;
  bool moved = true;
  while (moved) {
    moved = false;
    for (const Buckets* side : {&positive_, &negative_}) {
      for (const auto& [index, cell] : *side) {
        const double lower = exponential_bound(index - 1, schema_);
        const double upper = exponential_bound(index, schema_);
        if (lower >= threshold) break;
        if (upper > threshold && cell.v != 0) {
          threshold = upper;
          moved = true;
        }
      }
    }
  }
  for (Buckets* side : {&positive_, &negative_}) {
    size_t absorbed = 0;
    for (const auto& [index, cell] : *side) {
      if (exponential_bound(index - 1, schema_) >= threshold) break;
      zero_.add(cell);
      ++absorbed;
    }
    side->erase(side->begin(), side->begin() + static_cast<std::ptrdiff_t>(absorbed));
  }
  zero_threshold_ = threshold;
}

void HistogramAccumulator::reduce(Buckets& buckets, int32_t from_schema, int32_t to_schema) {
  if (from_schema <= to_schema) return;
  Buckets reduced;
  for (const auto& [index, cell] : buckets) {
    const int32_t target = coarser_index(index, from_schema, to_schema);
    if (reduced.empty() || reduced.back().first != target) {
      reduced.push_back({target, cell});
    } else {
      reduced.back().second.add(cell);
    }
  }
  buckets = std::move(reduced);
}

void HistogramAccumulator::merge(Buckets& into, const Buckets& from, bool negative) const {
  Buckets merged;
  merged.reserve(into.size() + from.size());
  auto a = into.begin();
  for (const auto& [index, cell] : from) {
    while (a != into.end() && a->first < index) merged.push_back(*a++);
    const Cell signed_cell{negative ? -cell.v : cell.v, negative ? -cell.c : cell.c};
    if (a != into.end() && a->first == index) {
      merged.push_back(*a++);
      merged.back().second.add(signed_cell);
    } else {
      merged.push_back({index, signed_cell});
    }
  }
  merged.insert(merged.end(), a, into.end());
  into = std::move(merged);
}

// To coarser custom bounds, which are some of the present ones.
void HistogramAccumulator::rebucket(const std::vector<double>& bounds) {
  Buckets moved;
  for (const auto& [index, cell] : positive_) {
    const auto i = static_cast<size_t>(index);
    const double upper = i < custom_values_.size() ? custom_values_[i] : kInf;
    const auto target =
        static_cast<int32_t>(std::ranges::lower_bound(bounds, upper) - bounds.begin());
    if (moved.empty() || moved.back().first != target) {
      moved.push_back({target, cell});
    } else {
      moved.back().second.add(cell);
    }
  }
  positive_ = std::move(moved);
  custom_values_ = bounds;
}

bool HistogramAccumulator::combine(const FloatHistogram& h, bool negative) {
  const bool custom = schema_ == kCustomBucketsSchema;
  if (custom != h.uses_custom_buckets()) return false;
  adjust_hint(h.counter_reset_hint);
  HistogramAccumulator other(h);
  if (custom) {
    if (custom_values_ != h.custom_values) {
      reconciled_ = true;
      std::vector<double> common;
      std::ranges::set_intersection(custom_values_, h.custom_values, std::back_inserter(common));
      rebucket(common);
      other.rebucket(common);
    }
  } else {
    while (zero_threshold_ != other.zero_threshold_) {
      other.raise_zero_threshold(zero_threshold_);
      raise_zero_threshold(other.zero_threshold_);
    }
    const int32_t schema = std::min(schema_, other.schema_);
    for (HistogramAccumulator* side : {this, &other}) {
      reduce(side->positive_, side->schema_, schema);
      reduce(side->negative_, side->schema_, schema);
      side->schema_ = schema;
    }
  }
  const double sign = negative ? -1 : 1;
  zero_.add(sign * other.zero_.total());
  count_.add(sign * other.count_.v);
  sum_.add(sign * other.sum_.v);
  merge(positive_, other.positive_, negative);
  merge(negative_, other.negative_, negative);
  return true;
}

template <class Change>
void HistogramAccumulator::change_all(Change change) {
  const auto apply = [&](Cell& cell) { cell.v = change(cell.v), cell.c = change(cell.c); };
  apply(zero_), apply(count_), apply(sum_);
  for (auto& bucket : positive_) apply(bucket.second);
  for (auto& bucket : negative_) apply(bucket.second);
}

void HistogramAccumulator::scale(double factor) {
  change_all([factor](double v) { return v * factor; });
  if (factor < 0) hint_ = CounterResetHint::kGauge;
}

void HistogramAccumulator::divide(double divisor) {
  change_all([divisor](double v) { return v / divisor; });
  if (divisor < 0) hint_ = CounterResetHint::kGauge;
}

bool HistogramAccumulator::overflowed() const {
  const auto any = [](const Buckets& buckets) {
    return std::ranges::any_of(buckets, [](const auto& b) { return std::isinf(b.second.v); });
  };
  return std::isinf(zero_.v) || std::isinf(count_.v) || std::isinf(sum_.v) || any(positive_) ||
         any(negative_);
}

FloatHistogram HistogramAccumulator::result() const {
  FloatHistogram h;
  h.counter_reset_hint = hint_;
  h.schema = schema_;
  h.zero_threshold = zero_threshold_;
  h.zero_count = zero_.total();
  h.count = count_.total();
  h.sum = sum_.total();
  h.custom_values = custom_values_;
  std::vector<std::pair<int32_t, double>> buckets;
  for (const auto& [index, cell] : positive_) buckets.emplace_back(index, cell.total());
  set_buckets(buckets, h.positive_spans, h.positive_buckets);
  buckets.clear();
  for (const auto& [index, cell] : negative_) buckets.emplace_back(index, cell.total());
  set_buckets(buckets, h.negative_spans, h.negative_buckets);
  return h;
}

bool HistogramFold::add(const FloatHistogram& h) {
  reset_seen_ = reset_seen_ || h.counter_reset_hint == CounterResetHint::kReset;
  no_reset_seen_ = no_reset_seen_ || h.counter_reset_hint == CounterResetHint::kNotReset;
  count_ += 1;
  if (!fold_) {
    fold_.emplace(h);
    return true;
  }
  const bool added = average_ ? add_to_average(h) : fold_->add(h);
  reconciled_ = fold_->take_bounds_reconciled() || reconciled_;
  return added;
}

// A mean of sums is more exact than a mean of means, but the sum may overflow where the mean does
// not.
bool HistogramFold::add_to_average(const FloatHistogram& h) {
  if (!incremental_) {
    HistogramAccumulator sum = *fold_;
    if (!sum.add(h)) return false;
    if (!sum.overflowed()) {
      fold_ = std::move(sum);
      return true;
    }
    incremental_ = true;
    fold_->divide(count_ - 1);
  }
  fold_->scale((count_ - 1) / count_);
  return fold_->add(*divided(h, count_));
}

FloatHistogram HistogramFold::result() const {
  if (!average_ || incremental_) return fold_->result();
  return *divided(fold_->result(), count_);
}

FloatHistogram compacted(const FloatHistogram& h) { return HistogramAccumulator(h).result(); }

HistogramPtr scaled(const FloatHistogram& h, double factor) {
  HistogramAccumulator accumulator(h);
  accumulator.scale(factor);
  return std::make_shared<FloatHistogram>(accumulator.result());
}

HistogramPtr divided(const FloatHistogram& h, double divisor) {
  if (divisor != 0) {
    HistogramAccumulator accumulator(h);
    accumulator.divide(divisor);
    return std::make_shared<FloatHistogram>(accumulator.result());
  }
  auto out = std::make_shared<FloatHistogram>(h);
  out->zero_count /= divisor;
  out->count /= divisor;
  out->sum /= divisor;
  out->positive_spans.clear(), out->positive_buckets.clear();
  out->negative_spans.clear(), out->negative_buckets.clear();
  return out;
}

bool equal(const FloatHistogram& a, const FloatHistogram& b) {
  const auto same_bits = [](double x, double y) {
    return std::bit_cast<uint64_t>(x) == std::bit_cast<uint64_t>(y);
  };
  const auto same_counts = [&](const std::vector<double>& x, const std::vector<double>& y) {
    return std::ranges::equal(x, y, same_bits);
  };
  if (a.schema != b.schema || !same_bits(a.count, b.count) || !same_bits(a.sum, b.sum)) {
    return false;
  }
  if (a.uses_custom_buckets() && a.custom_values != b.custom_values) return false;
  if (a.zero_threshold != b.zero_threshold || !same_bits(a.zero_count, b.zero_count)) return false;
  const FloatHistogram x = compacted(a);
  const FloatHistogram y = compacted(b);
  return x.positive_spans == y.positive_spans && x.negative_spans == y.negative_spans &&
         same_counts(x.positive_buckets, y.positive_buckets) &&
         same_counts(x.negative_buckets, y.negative_buckets);
}

}  // namespace strata::promql
