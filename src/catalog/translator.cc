#include "catalog/translator.h"

#include <algorithm>

namespace strata::catalog {

Translator::Translator(std::shared_ptr<const Catalog> catalog) : catalog_(std::move(catalog)) {}

void Translator::add(uint32_t series, const Labels& labels) {
  if (!catalog_) return;
  Raw raw;
  raw.detects = catalog_->detect(labels.metric_name());
  for (auto& suggestion : translate(*catalog_, labels)) {
    const auto [known, is_new] = canonical_by_labels_.try_emplace(
        suggestion.labels, static_cast<uint32_t>(canonical_.size()));
    if (is_new) canonical_.emplace_back().labels = suggestion.labels;
    suggestion.labels = Labels();
    raw.suggestions.emplace_back(known->second, std::move(suggestion));
  }
  if (raw.detects != 0 || !raw.suggestions.empty()) raw_[series] = std::move(raw);
}

void Translator::plan(std::span<const uint32_t> row, std::span<const uint32_t> histograms,
                      const Resolve& resolve) {
  columns_.clear();
  copies_.clear();
  groups_.clear();
  histograms_.clear();
  feeds_.assign(row.size(), false);
  families_.clear();
  detected_ = 0;
  if (raw_.empty()) return;
  std::vector<uint32_t> present(row.begin(), row.end());
  present.insert(present.end(), histograms.begin(), histograms.end());
  for (const auto series : present) {
    if (const auto raw = raw_.find(series); raw != raw_.end()) detected_ |= raw->second.detects;
  }
  if (detected_ == 0) return;
  std::ranges::sort(present);
  const uint64_t accepted = detected_ & ~catalog_->excluded(detected_);
  std::vector<Group> groups;
  collect(row, accepted, groups);

  std::vector<uint32_t> folded;  // the series of groups_, which come after those of copies_
  for (auto& group : groups) {
    const auto series = series_of(canonical_[group.canonical], present, resolve);
    if (!series) continue;
    for (const auto& term : group.terms) feeds_[term.column] = true;
    const auto& only = group.terms.front().how;
    if (group.terms.size() == 1 && only.bits == 0 && !only.is_constant) {
      copies_.push_back({group.terms.front().column, only.factor});
      columns_.push_back(*series);
    } else {
      folded.push_back(*series);
      groups_.push_back(std::move(group));
    }
  }
  columns_.insert(columns_.end(), folded.begin(), folded.end());
  if (!histograms.empty()) plan_histograms(histograms, accepted, present, resolve);
  forget_absent(present);
}

void Translator::plan_histograms(std::span<const uint32_t> raw, uint64_t accepted,
                                 std::span<const uint32_t> present, const Resolve& resolve) {
  std::vector<Group> groups;
  collect(raw, accepted, groups);
  for (const auto& group : groups) {
    const auto& [at, how] = group.terms.front();
    auto& canonical = canonical_[group.canonical];
    const auto* family = catalog_->find_canonical(canonical.labels.metric_name());
    const bool is_histogram = family != nullptr && family->type == MetricType::kHistogram;
    if (!is_histogram || group.terms.size() > 1 || how.is_constant || how.bits != 0) continue;
    const auto series = series_of(canonical, present, resolve);
    if (series) histograms_.push_back({.at = at, .series = *series, .factor = how.factor});
  }
}

// Empty when the target has it already, under just these labels, or there is no room for it.
std::optional<uint32_t> Translator::series_of(Canonical& canonical,
                                              std::span<const uint32_t> present,
                                              const Resolve& resolve) {
  if (!canonical.resolved) {
    canonical.series = resolve(canonical.labels);
    canonical.resolved = canonical.series.has_value();
  }
  if (!canonical.series || std::ranges::binary_search(present, *canonical.series)) return {};
  add_family(canonical.labels.metric_name());
  return canonical.series;
}

// The terms of every canonical series that an accepted source suggests: of the lowest rank only.
void Translator::collect(std::span<const uint32_t> row, uint64_t accepted,
                         std::vector<Group>& groups) const {
  std::unordered_map<uint32_t, size_t> place;  // canonical -> index in groups
  for (uint32_t column = 0; column < row.size(); ++column) {
    const auto raw = raw_.find(row[column]);
    if (raw == raw_.end()) continue;
    for (const auto& [canonical, suggestion] : raw->second.suggestions) {
      if ((accepted >> suggestion.source & 1) == 0) continue;
      const auto [known, is_new] = place.try_emplace(canonical, groups.size());
      if (is_new) groups.emplace_back().canonical = canonical;
      auto& group = groups[known->second];
      if (!is_new && suggestion.fold != Fold::kTotal) {
        if (suggestion.rank > group.rank) continue;
        if (suggestion.rank < group.rank) {
          group.terms.clear();
        } else if (suggestion.fold == Fold::kFirst) {
          continue;
        }
      }
      group.rank = suggestion.rank;
      group.fold = suggestion.fold;
      group.terms.push_back({column, suggestion});
    }
  }
}

void Translator::add_family(std::string_view series_name) {
  const auto* family = catalog_->find_canonical(series_name);
  if (family == nullptr) family = catalog_->find_canonical(without_suffix(series_name));
  if (std::ranges::find(families_, family) == families_.end()) families_.push_back(family);
}

void Translator::forget_absent(std::span<const uint32_t> present) {
  if (raw_.size() < 2 * present.size() + 1024) return;
  std::unordered_map<uint32_t, Raw> kept;
  for (const auto series : present) {
    if (auto raw = raw_.extract(series)) kept.insert(std::move(raw));
  }
  raw_ = std::move(kept);
  // Canonical series that nothing suggests any more stay until the next reset; there are at most
  // as many as raw ones were added since.
}

double Translator::fold(const Group& group, const std::vector<double>& row) {
  double value = apply(group.terms.front().how, row[group.terms.front().column]);
  for (size_t i = 1; i < group.terms.size(); ++i) {
    const double next = apply(group.terms[i].how, row[group.terms[i].column]);
    value = group.fold == Fold::kMax ? std::max(value, next) : value + next;
  }
  return value;
}

void Translator::evaluate(std::vector<double>& row) const {
  size_t at = row.size();
  row.resize(at + columns_.size());
  for (const auto& copy : copies_) row[at++] = row[copy.column] * copy.factor;
  for (const auto& group : groups_) row[at++] = fold(group, row);
}

std::vector<std::string_view> Translator::detected() const {
  std::vector<std::string_view> kinds;
  if (!catalog_) return kinds;
  for (size_t i = 0; i < catalog_->sources().size(); ++i) {
    if ((detected_ >> i & 1) != 0) kinds.push_back(catalog_->sources()[i].kind);
  }
  return kinds;
}

}  // namespace strata::catalog
