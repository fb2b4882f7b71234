#include "scrape/classic_conversion.h"

#include <algorithm>
#include <cmath>

#include "base/number.h"

namespace strata::scrape {

std::optional<ClassicConversion::Part> ClassicConversion::part_of(std::string_view family,
                                                                  LabelsBuilder& labels) {
  const std::string_view name = labels.get(kMetricName);
  if (!name.starts_with(family)) return std::nullopt;
  const std::string_view suffix = name.substr(family.size());
  Part part;
  if (suffix == "_bucket") {
    const auto le = parse_double(labels.get("le"));
    if (!le || std::isnan(*le)) return std::nullopt;
    part.le = *le;
  } else if (suffix == "_sum") {
    part.kind = PartKind::kSum;
  } else if (suffix == "_count") {
    part.kind = PartKind::kCount;
  } else {
    return std::nullopt;
  }
  labels.set("le", "");
  labels.set(kMetricName, std::string(family));
  return part;
}

uint32_t ClassicConversion::histogram(const Labels& labels, bool& is_new) {
  const auto [found, inserted] =
      by_labels_.try_emplace(labels, static_cast<uint32_t>(histograms_.size()));
  is_new = inserted;
  if (inserted) histograms_.emplace_back();
  return found->second;
}

void ClassicConversion::set_series(uint32_t histogram, std::optional<tsdb::SeriesId> series) {
  histograms_[histogram].series = series;
}

void ClassicConversion::attach(uint32_t line, uint32_t number, const Part& part) {
  if (lines_.size() <= line) lines_.resize(size_t{line} + 1);
  lines_[line].histogram = number;
  if (part.kind != PartKind::kBucket) {
    lines_[line].bucket = part.kind == PartKind::kSum ? kSumOf : kCountOf;
    return;
  }
  Histogram& histogram = histograms_[number];
  const auto bound = [&](uint32_t i) { return histogram.buckets[i].le; };
  const auto at = std::ranges::lower_bound(histogram.by_bound, part.le, {}, bound);
  if (at != histogram.by_bound.end() && bound(*at) == part.le) {
    lines_[line].bucket = *at;
    return;
  }
  lines_[line].bucket = static_cast<uint32_t>(histogram.buckets.size());
  histogram.by_bound.insert(at, lines_[line].bucket);
  histogram.buckets.push_back({.le = part.le});
}

void ClassicConversion::note(uint32_t line, double value, const std::optional<TimestampMs>& t) {
  if (line >= lines_.size() || lines_[line].histogram == kNone) return;
  const LinePart part = lines_[line];
  Histogram& histogram = histograms_[part.histogram];
  histogram.body = body_;
  histogram.t = t;
  if (part.bucket == kSumOf) {
    histogram.sum = value;
    histogram.sum_body = body_;
  } else if (part.bucket == kCountOf) {
    histogram.count = value;
    histogram.count_body = body_;
  } else {
    histogram.buckets[part.bucket].count = value;
    histogram.buckets[part.bucket].body = body_;
  }
}

HistogramPtr ClassicConversion::build(const Histogram& from) const {
  auto h = std::make_shared<FloatHistogram>();
  h->schema = kCustomBucketsSchema;
  const bool has_count = from.count_body == body_;
  double below = 0;
  bool ends_with_infinity = false;
  bool whole = true;
  for (const uint32_t i : from.by_bound) {
    const Bucket& bucket = from.buckets[i];
    if (bucket.body != body_) continue;
    if (!(bucket.count >= below)) return nullptr;
    h->positive_buckets.push_back(bucket.count - below);
    whole &= bucket.count == std::floor(bucket.count);
    below = bucket.count;
    ends_with_infinity = std::isinf(bucket.le) && bucket.le > 0;
    if (!ends_with_infinity) h->custom_values.push_back(bucket.le);
  }
  h->count = has_count ? from.count : below;
  if (!(h->count >= 0)) return nullptr;
  if (!ends_with_infinity) {
    if (!(h->count >= below)) return nullptr;
    h->positive_buckets.push_back(h->count - below);
    below = h->count;
  }
  whole &= h->count == std::floor(h->count);
  h->sum = from.sum_body == body_ ? from.sum : 0;
  // NaN observations are in no bucket but in the count.
  const bool adds_up = std::isnan(h->sum) ? below <= h->count : below == h->count;
  if (whole && !adds_up) return nullptr;
  h->positive_spans = {{0, static_cast<uint32_t>(h->positive_buckets.size())}};
  return h;
}

size_t ClassicConversion::finish_body(std::vector<Converted>& out) const {
  size_t invalid = 0;
  for (const Histogram& histogram : histograms_) {
    if (histogram.body != body_ || !histogram.series) continue;
    if (auto h = build(histogram)) {
      out.push_back({*histogram.series, histogram.t, std::move(h)});
    } else {
      ++invalid;
    }
  }
  return invalid;
}

}  // namespace strata::scrape
