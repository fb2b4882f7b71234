#include "tsdb/histogram_sample.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <numeric>
#include <ranges>

namespace strata::tsdb {
namespace {

bool same_bits(double a, double b) {
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return std::ranges::equal(a, b, [](double x, double y) { return same_bits(x, y); });
}

Result<> check_spans(const std::vector<BucketSpan>& spans, size_t buckets) {
  int64_t end = 0;
  uint64_t length = 0;
  for (size_t i = 0; i < spans.size(); ++i) {
    if (i > 0 && spans[i].offset < 0) return bad_data("native histogram: its spans overlap");
    end += int64_t{spans[i].offset} + int64_t{spans[i].length};
    length += spans[i].length;
    if (length > kMaxHistogramBuckets) break;
    if (end < std::numeric_limits<int32_t>::min() || end > std::numeric_limits<int32_t>::max()) {
      return bad_data("native histogram: a bucket's index is out of range");
    }
  }
  if (length > kMaxHistogramBuckets) {
    return bad_data(
        fmt::format("native histogram: more than {} buckets, the limit", kMaxHistogramBuckets));
  }
  if (length == buckets) return {};
  return bad_data(
      fmt::format("native histogram: spans for {} buckets, and {} of them", length, buckets));
}

/// Walks the buckets of one side by index.
class BucketWalk {
 public:
  BucketWalk(const std::vector<BucketSpan>& spans, const std::vector<double>& counts)
      : spans_(spans), counts_(counts) {
    enter();
  }
  bool done() const { return span_ == spans_.size(); }
  int64_t index() const { return index_; }
  double count() const { return counts_[at_]; }
  void next() {
    ++at_;
    ++index_;
    if (++in_span_ < spans_[span_].length) return;
    ++span_;
    in_span_ = 0;
    enter();
  }

 private:
  void enter() {
    for (; span_ < spans_.size(); ++span_) {
      index_ += spans_[span_].offset;
      if (spans_[span_].length > 0) return;
    }
  }

  const std::vector<BucketSpan>& spans_;
  const std::vector<double>& counts_;
  size_t span_ = 0;
  uint32_t in_span_ = 0;
  size_t at_ = 0;
  int64_t index_ = 0;
};

bool side_counts_on(const std::vector<BucketSpan>& previous_spans,
                    const std::vector<double>& previous, const std::vector<BucketSpan>& next_spans,
                    const std::vector<double>& next) {
  BucketWalk before(previous_spans, previous);
  BucketWalk after(next_spans, next);
  for (; !before.done(); before.next()) {
    while (!after.done() && after.index() < before.index()) after.next();
    const bool there = !after.done() && after.index() == before.index();
    if (!((there ? after.count() : 0) >= before.count())) return false;
  }
  return true;
}

}  // namespace

Result<> check_histogram(const FloatHistogram& h) {
  TRY(check_spans(h.positive_spans, h.positive_buckets.size()));
  TRY(check_spans(h.negative_spans, h.negative_buckets.size()));
  if (h.custom_values.size() > kMaxHistogramBuckets ||
      (!h.uses_custom_buckets() && !h.custom_values.empty())) {
    return bad_data("native histogram: custom bounds where its schema has none, or too many");
  }
  return {};
}

bool same_histogram(const FloatHistogram& a, const FloatHistogram& b) {
  return a.schema == b.schema && same_bits(a.zero_threshold, b.zero_threshold) &&
         same_bits(a.zero_count, b.zero_count) && same_bits(a.count, b.count) &&
         same_bits(a.sum, b.sum) && a.positive_spans == b.positive_spans &&
         a.negative_spans == b.negative_spans &&
         same_bits(a.positive_buckets, b.positive_buckets) &&
         same_bits(a.negative_buckets, b.negative_buckets) &&
         same_bits(a.custom_values, b.custom_values);
}

bool counts_on(const FloatHistogram& previous, const FloatHistogram& next) {
  return previous.schema == next.schema &&
         same_bits(previous.zero_threshold, next.zero_threshold) &&
         same_bits(previous.custom_values, next.custom_values) && next.count >= previous.count &&
         next.zero_count >= previous.zero_count &&
         side_counts_on(previous.positive_spans, previous.positive_buckets, next.positive_spans,
                        next.positive_buckets) &&
         side_counts_on(previous.negative_spans, previous.negative_buckets, next.negative_spans,
                        next.negative_buckets);
}

size_t memory_of(const FloatHistogram& h) {
  constexpr size_t kControlBlock = 16;  // of the shared_ptr
  return kControlBlock + sizeof(FloatHistogram) +
         (h.positive_spans.capacity() + h.negative_spans.capacity()) * sizeof(BucketSpan) +
         (h.positive_buckets.capacity() + h.negative_buckets.capacity() +
          h.custom_values.capacity()) *
             sizeof(double);
}

HistogramPtr without_claim(HistogramPtr h) {
  const CounterResetHint hint = h->counter_reset_hint;
  if (hint == CounterResetHint::kUnknown || hint == CounterResetHint::kGauge) return h;
  auto copy = std::make_shared<FloatHistogram>(*h);
  copy->counter_reset_hint = CounterResetHint::kUnknown;
  return copy;
}

std::vector<HistogramSample>& HistogramJoin::next_place() {
  ends_.push_back(samples_.size());
  return samples_;
}

void HistogramJoin::finish(std::vector<HistogramSample>& out) {
  std::vector<uint32_t> order(samples_.size());
  std::iota(order.begin(), order.end(), 0u);
  std::ranges::stable_sort(order, {}, [this](uint32_t i) { return samples_[i].t; });
  const auto place_of = [this](uint32_t i) { return std::ranges::upper_bound(ends_, i); };
  out.clear();
  std::optional<uint32_t> last;
  for (const uint32_t i : order) {
    HistogramSample& sample = samples_[i];
    if (last && samples_[*last].t == sample.t) continue;
    out.push_back(sample);
    if (last && place_of(*last) != place_of(i)) out.back().h = without_claim(std::move(sample.h));
    last = i;
  }
}

void HistogramJoin::finish(SampleColumns& out) {
  if (samples_.empty()) return;
  std::vector<HistogramSample> joined;
  finish(joined);
  out.h.resize(out.t.size());
  for (HistogramSample& sample : joined) {
    out.t.push_back(sample.t);
    out.v.push_back(0);
    out.h.push_back(std::move(sample.h));
  }
}

}  // namespace strata::tsdb
