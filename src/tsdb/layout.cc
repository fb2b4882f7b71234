#include "tsdb/layout.h"

#include <algorithm>
#include <numeric>

#include "tsdb/family.h"
#include "tsdb/series_table.h"

namespace strata::tsdb {

Layout::Layout(std::vector<SeriesId> columns)
    : columns_(std::move(columns)),
      ascending_(std::ranges::is_sorted(columns_)),
      memory_(sizeof(Layout) + columns_.capacity() * sizeof(SeriesId)) {}

std::optional<uint32_t> Layout::column_of(SeriesId series) const {
  if (ascending_) {
    const auto at = std::ranges::lower_bound(columns_, series);
    if (at == columns_.end() || *at != series) return std::nullopt;
    return static_cast<uint32_t>(at - columns_.begin());
  }
  std::call_once(order_once_, [this] {
    order_.resize(columns_.size());
    std::iota(order_.begin(), order_.end(), 0u);
    std::ranges::sort(order_, {}, [this](uint32_t column) { return columns_[column]; });
    memory_ += order_.capacity() * sizeof(uint32_t);
  });
  const auto at =
      std::ranges::lower_bound(order_, series, {}, [this](uint32_t c) { return columns_[c]; });
  if (at == order_.end() || columns_[*at] != series) return std::nullopt;
  return *at;
}

std::span<const FamilyHint> Layout::families(const SeriesTable& table) const {
  std::call_once(families_once_, [&] {
    std::vector<Labels> labels;
    labels.reserve(columns_.size());
    for (const SeriesId series : columns_) labels.push_back(table.labels(series));
    families_ = histogram_families(labels);
    const bool any = std::ranges::any_of(families_, [](FamilyHint h) { return h.group != 0; });
    if (!any) families_ = {};
    memory_ += families_.capacity() * sizeof(FamilyHint);
  });
  return families_;
}

}  // namespace strata::tsdb
