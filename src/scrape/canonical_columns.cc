#include "scrape/canonical_columns.h"

#include <algorithm>

#include "model/sample.h"

namespace strata::scrape {
namespace {

std::vector<uint32_t> indexes_of(std::span<const tsdb::SeriesId> ids) {
  std::vector<uint32_t> indexes(ids.size());
  std::ranges::transform(ids, indexes.begin(),
                         [](tsdb::SeriesId id) { return tsdb::index_of(id); });
  return indexes;
}

// The histogram with everything that it measures times `factor`; null when its bounds cannot be.
HistogramPtr in_unit(const HistogramPtr& raw, double factor) {
  if (factor == 1) return raw;
  if (!raw->uses_custom_buckets()) return nullptr;
  auto scaled = std::make_shared<FloatHistogram>(*raw);
  scaled->sum *= factor;
  for (double& bound : scaled->custom_values) bound *= factor;
  return scaled;
}

}  // namespace

void CanonicalColumns::start_anew(Translation translation) {
  translation_ = std::move(translation);
  translator_ = catalog::Translator(translation_.catalog);
  hidden_.clear();
}

void CanonicalColumns::plan(std::span<const tsdb::SeriesId> row,
                            std::span<const tsdb::SeriesId> histograms) {
  planned_ = row.size();
  is_new_plan_ = true;
  if (!translation_.catalog) {
    std::ranges::swap(ended_, present_);
    present_.clear();
    series_.clear();
    return;
  }
  const auto raw = indexes_of(row);
  const auto native = indexes_of(histograms);
  translator_.plan(raw, native, [this](const Labels& labels) -> std::optional<uint32_t> {
    const auto id = db_.series(labels);
    if (id) return tsdb::index_of(*id);
    metrics_.series_refused.inc();
    return std::nullopt;
  });
  series_.clear();
  for (const auto id : translator_.columns()) series_.push_back(tsdb::SeriesId(id));

  auto before = std::move(present_);
  present_ = series_;
  for (const auto& copy : translator_.histograms()) {
    present_.push_back(tsdb::SeriesId(copy.series));
  }
  std::ranges::sort(present_);
  std::vector<tsdb::SeriesId> seen(row.begin(), row.end());  // it may speak canonically itself now
  seen.insert(seen.end(), histograms.begin(), histograms.end());
  std::ranges::sort(seen);
  ended_.clear();
  for (const auto id : before) {
    if (!std::ranges::binary_search(present_, id) && !std::ranges::binary_search(seen, id)) {
      ended_.push_back(id);
    }
  }
  if (translation_.keep_raw) return;
  for (size_t i = 0; i < raw.size(); ++i) {
    if (translator_.feeds(i)) hidden_.insert(raw[i]);
  }
  for (const auto& copy : translator_.histograms()) {
    if (copy.factor == 1) hidden_.insert(native[copy.at]);  // the others may have to stand for both
  }
}

void CanonicalColumns::append(std::vector<tsdb::SeriesId>& columns, std::vector<double>& values) {
  if (!series_.empty()) {
    translator_.evaluate(values);
    columns.insert(columns.end(), series_.begin(), series_.end());
    metrics_.canonical_samples.inc(series_.size());
  }
  if (!ended_.empty()) {
    columns.insert(columns.end(), ended_.begin(), ended_.end());
    values.resize(columns.size(), stale_nan());
    ended_.clear();
  }
  if (!hidden_.empty()) hide(columns, values);
  is_new_plan_ = false;
}

void CanonicalColumns::append_histograms(std::vector<tsdb::TimedHistogram>& histograms) const {
  for (const auto& copy : translator_.histograms()) {
    const auto& raw = histograms[copy.at];
    if (auto h = in_unit(raw.h, copy.factor)) {
      const TimestampMs t = raw.t;
      histograms.push_back({tsdb::SeriesId(copy.series), t, std::move(h)});
      metrics_.canonical_samples.inc();
    }
  }
  if (hidden_.empty()) return;
  std::erase_if(histograms, [&](const auto& sample) { return is_hidden(sample.series); });
}

void CanonicalColumns::end_all(std::vector<tsdb::SeriesId>& columns) {
  std::erase_if(columns, [&](tsdb::SeriesId id) { return is_hidden(id); });
  columns.insert(columns.end(), present_.begin(), present_.end());
  columns.insert(columns.end(), ended_.begin(), ended_.end());
  present_.clear();
  series_.clear();
  ended_.clear();
}

// Takes out the raw columns that are not stored. After those of the row come canonical ones and, in
// the first row of a plan, raw series that have ended.
void CanonicalColumns::hide(std::vector<tsdb::SeriesId>& columns, std::vector<double>& values) {
  size_t kept = 0;
  for (size_t i = 0; i < columns.size(); ++i) {
    if (i < planned_ ? translator_.feeds(i) : is_new_plan_ && is_hidden(columns[i])) continue;
    columns[kept] = columns[i];
    values[kept++] = values[i];
  }
  columns.resize(kept);
  values.resize(kept);
}

void CanonicalColumns::describe(std::map<std::string, Metadata, std::less<>>& families) const {
  for (const auto* metric : translator_.families()) {
    families[metric->name] = {.type = metric->type, .help = metric->help, .unit = ""};
  }
}

}  // namespace strata::scrape
