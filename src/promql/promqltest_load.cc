#include "promql/promqltest_load.h"

#include <cmath>
#include <limits>
#include <map>

#include "base/number.h"
#include "promql/histogram_ops.h"

namespace strata::promql {
namespace {

// What a store tells of each histogram: that no counter reset lies before it, where that is so; a
// reset begins a new chunk, and nothing is told of a chunk's first sample.
void set_store_hints(SampleColumns& samples) {
  const FloatHistogram* before = nullptr;
  for (size_t i = 0; i < samples.h.size(); ++i) {
    if (!samples.h[i]) {
      before = nullptr;
      continue;
    }
    auto stored = std::make_shared<FloatHistogram>(*samples.h[i]);
    const bool told = stored->counter_reset_hint == CounterResetHint::kReset;
    if (stored->counter_reset_hint != CounterResetHint::kGauge) {
      stored->counter_reset_hint = CounterResetHint::kUnknown;
      if (told) {
        stored->counter_reset_hint = CounterResetHint::kReset;
      } else if (before != nullptr && before->counter_reset_hint != CounterResetHint::kGauge) {
        const bool layout_changed = stored->schema != before->schema ||
                                    stored->zero_threshold != before->zero_threshold ||
                                    stored->custom_values != before->custom_values;
        if (!layout_changed && !detect_reset(*stored, *before)) {
          stored->counter_reset_hint = CounterResetHint::kNotReset;
        }
      }
    }
    samples.h[i] = stored;
    before = stored.get();
  }
}

/// A classic histogram at one time.
struct ClassicHistogram {
  std::map<double, double> buckets;  // le -> cumulative count
  std::optional<double> count;
  double sum = 0;

  FloatHistogram to_custom() const {
    constexpr double kInf = std::numeric_limits<double>::infinity();
    FloatHistogram h;
    h.schema = kCustomBucketsSchema;
    h.sum = sum;
    h.count = count.value_or(buckets.empty() ? 0 : buckets.rbegin()->second);
    double before = 0;
    for (const auto& [le, cumulative] : buckets) {
      if (le != kInf) h.custom_values.push_back(le);
      h.positive_buckets.push_back(cumulative - before);
      before = cumulative;
    }
    if (!buckets.contains(kInf)) h.positive_buckets.push_back(h.count - before);
    h.positive_spans.push_back({0, static_cast<uint32_t>(h.positive_buckets.size())});
    return compacted(h);
  }
};

enum class Part { kNone, kBucket, kCount, kSum };

Part part_of(std::string_view name, std::string_view& base) {
  constexpr std::pair<std::string_view, Part> kSuffixes[] = {
      {"_bucket", Part::kBucket}, {"_count", Part::kCount}, {"_sum", Part::kSum}};
  for (const auto& [suffix, part] : kSuffixes) {
    if (!name.ends_with(suffix)) continue;
    base = name.substr(0, name.size() - suffix.size());
    return part;
  }
  return Part::kNone;
}

}  // namespace

Result<> TestLoad::add_line(std::string_view line) {
  SeriesDescription series = TRY(parse_series_description(line));
  if (series.is_start_times) {
    pending_labels_ = series.labels;
    pending_starts_ = std::move(series.values);
    return {};
  }
  if (!pending_starts_.empty() && pending_labels_ != series.labels) {
    return bad_data("start timestamps must stand before the series that they are of");
  }
  starts_.push_back(std::move(pending_starts_));
  pending_starts_.clear();
  series_.push_back(std::move(series));
  return {};
}

SampleColumns TestLoad::columns_of(const SeriesDescription& series) const {
  const auto& starts = starts_[static_cast<size_t>(&series - series_.data())];
  SampleColumns out;
  bool histograms = false;
  for (size_t i = 0; i < series.values.size(); ++i) {
    const SequenceValue& value = series.values[i];
    if (value.omitted) continue;
    const TimestampMs t = static_cast<int64_t>(i) * step_.count();
    out.t.push_back(t);
    out.v.push_back(value.h ? 0 : value.v);
    out.h.push_back(value.h);
    const bool started = i < starts.size() && !starts[i].omitted;
    out.st.push_back(started ? t + static_cast<int64_t>(std::round(starts[i].v * 1000)) : 0);
    histograms = histograms || value.h != nullptr;
  }
  if (!histograms) out.h.clear();
  if (starts.empty()) out.st.clear();
  set_store_hints(out);
  return out;
}

Result<> TestLoad::append_to(MemorySource& source) const {
  for (const auto& series : series_) source.add(series.labels, columns_of(series));
  if (with_nhcb_) append_custom_histograms(source);
  return {};
}

void TestLoad::append_custom_histograms(MemorySource& source) const {
  std::map<Labels, std::map<TimestampMs, ClassicHistogram>> histograms;
  for (const auto& series : series_) {
    std::string_view base;
    const Part part = part_of(series.labels.metric_name(), base);
    if (part == Part::kNone) continue;
    const auto le = parse_double(series.labels.get("le"));
    if (part == Part::kBucket && (!le || std::isnan(*le))) continue;
    LabelsBuilder builder(series.labels);
    builder.set(kMetricName, base);
    if (part == Part::kBucket) builder.remove("le");
    auto& by_time = histograms[builder.build()];
    const SampleColumns samples = columns_of(series);
    for (size_t i = 0; i < samples.size(); ++i) {
      if (std::isnan(samples.v[i]) || (!samples.h.empty() && samples.h[i])) continue;
      ClassicHistogram& h = by_time[samples.t[i]];
      if (part == Part::kBucket) h.buckets[*le] = samples.v[i];
      if (part == Part::kCount) h.count = samples.v[i];
      if (part == Part::kSum) h.sum = samples.v[i];
    }
  }
  for (const auto& [labels, by_time] : histograms) {
    SampleColumns samples;
    for (const auto& [t, h] : by_time) {
      samples.t.push_back(t);
      samples.v.push_back(0);
      samples.h.push_back(std::make_shared<FloatHistogram>(h.to_custom()));
    }
    set_store_hints(samples);
    source.add(labels, samples);
  }
}

}  // namespace strata::promql
