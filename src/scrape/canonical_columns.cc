#include "scrape/canonical_columns.h"

#include <algorithm>

#include "model/sample.h"

namespace strata::scrape {

void CanonicalColumns::start_anew(Translation translation) {
  translation_ = std::move(translation);
  translator_ = catalog::Translator(translation_.catalog);
  hidden_.clear();
}

void CanonicalColumns::plan(std::span<const tsdb::SeriesId> row) {
  planned_ = row.size();
  is_new_plan_ = true;
  if (!translation_.catalog) {
    std::ranges::swap(ended_, present_);
    present_.clear();
    series_.clear();
    return;
  }
  std::vector<uint32_t> raw(row.size());
  std::ranges::transform(row, raw.begin(), [](tsdb::SeriesId id) { return tsdb::index_of(id); });
  translator_.plan(raw, [this](const Labels& labels) -> std::optional<uint32_t> {
    const auto id = db_.series(labels);
    if (id) return tsdb::index_of(*id);
    metrics_.series_refused.inc();
    return std::nullopt;
  });
  series_.clear();
  for (const auto id : translator_.columns()) series_.push_back(tsdb::SeriesId(id));

  auto before = std::move(present_);
  present_ = series_;
  std::ranges::sort(present_);
  std::vector<tsdb::SeriesId> seen(row.begin(), row.end());  // it may speak canonically itself now
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
