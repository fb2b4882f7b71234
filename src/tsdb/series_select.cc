// SeriesTable's reading side: matchers -> series, as Prometheus' PostingsForMatchers has it. A
// matcher that does not match "" takes the union of its values' series; one that does takes away
// the series whose value it refuses.
#include <algorithm>

#include "tsdb/series_table.h"

namespace strata::tsdb {
namespace {

/// The `limit` largest, descending; equal ones by name.
std::vector<Cardinality::Count> largest(std::vector<Cardinality::Count> counts, size_t limit) {
  std::ranges::sort(counts, [](const auto& a, const auto& b) {
    return a.value != b.value ? a.value > b.value : a.name < b.name;
  });
  if (counts.size() > limit) counts.resize(limit);
  return counts;
}

}  // namespace

const std::vector<uint32_t>* SeriesTable::pairs_named(std::string_view name) const {
  const uint32_t symbol = symbols_.find(name);
  if (symbol == Symbols::kNone) return nullptr;
  const auto found = pairs_by_name_.find(symbol);
  return found == pairs_by_name_.end() ? nullptr : &found->second;
}

PostingsView SeriesTable::postings_of(std::string_view name, std::string_view value) const {
  const uint32_t name_symbol = symbols_.find(name);
  const uint32_t value_symbol = symbols_.find(value);
  if (name_symbol == Symbols::kNone || value_symbol == Symbols::kNone) return {};
  const uint64_t hash = pair_hash(name_symbol, value_symbol);
  const uint32_t pair = pair_ids_.find(hash, [&](uint32_t id) NO_THREAD_SAFETY_ANALYSIS {
    return pairs_[id].name == name_symbol && pairs_[id].value == value_symbol;
  });
  return pair == pair_ids_.kNone ? PostingsView{} : PostingsView(pairs_[pair].series);
}

std::string_view SeriesTable::value_of(const Row& row, uint32_t name) const {
  for (const uint32_t pair : pairs_of(row)) {
    if (pairs_[pair].name == name) return symbols_.text(pairs_[pair].value);
  }
  return {};
}

/// Series that have the label with a value that the matcher matches, or, when it matches "", that
/// it refuses.
Postings SeriesTable::series_with(const Matcher& matcher) const {
  if (matcher.op() == Matcher::Op::kNotEqual && !matcher.value().empty()) {
    const PostingsView refused = postings_of(matcher.name(), matcher.value());
    return {refused.begin(), refused.end()};
  }
  const auto* pairs = pairs_named(matcher.name());
  if (pairs == nullptr) return {};
  const auto matching = matchers_->matching(
      matcher, *pairs,
      [&](uint32_t pair) NO_THREAD_SAFETY_ANALYSIS { return symbols_.text(pairs_[pair].value); });
  std::vector<PostingsView> lists;
  for (const uint32_t pair : *matching) {
    if (!pairs_[pair].series.empty()) lists.emplace_back(pairs_[pair].series);
  }
  return unite(lists);
}

Postings SeriesTable::filter(PostingsView ids, const Matcher& matcher) const {
  const uint32_t name = symbols_.find(matcher.name());
  Postings out;
  for (const uint32_t id : ids) {
    if (matcher.matches(value_of(rows_[id], name))) out.push_back(id);
  }
  return out;
}

Postings SeriesTable::resolve(std::span<const Matcher> matchers) const {
  std::vector<PostingsView> exact;
  std::vector<const Matcher*> others;
  for (const Matcher& matcher : matchers) {
    if (matcher.op() == Matcher::Op::kEqual && !matcher.value().empty()) {
      exact.push_back(postings_of(matcher.name(), matcher.value()));
      if (exact.back().empty()) return {};
    } else {
      others.push_back(&matcher);
    }
  }
  Postings selected;
  bool all = exact.empty();
  if (exact.size() == 1) {
    selected.assign(exact[0].begin(), exact[0].end());
  } else if (!all) {
    selected = intersect(exact);
  }
  // Matchers that need a value narrow down; the others take away, which needs something to take
  // it from.
  std::ranges::stable_partition(others, [](const Matcher* m) { return !m->matches_empty(); });
  for (const Matcher* matcher : others) {
    const auto* pairs = pairs_named(matcher->name());
    const size_t values = pairs == nullptr ? 0 : pairs->size();
    if (!all && selected.size() <= values) {
      selected = filter(selected, *matcher);  // fewer series to look at than values
    } else if (!matcher->matches_empty()) {
      Postings found = series_with(*matcher);
      selected = all ? std::move(found) : intersect(selected, found);
    } else {
      selected =
          subtract(all ? PostingsView(alive_) : PostingsView(selected), series_with(*matcher));
    }
    all = false;
  }
  return all ? alive_ : selected;
}

Result<HeadSelection> SeriesTable::select(std::span<const Matcher> matchers, size_t limit) const {
  ReaderLock lock(mutex_);
  const Postings ids = resolve(matchers);
  if (limit != 0 && ids.size() > limit) {
    return fail(ErrorCode::kLimit,
                fmt::format("the selection has {} series, the limit is {}", ids.size(), limit));
  }
  HeadSelection out;
  out.series.reserve(ids.size());
  for (const uint32_t id : ids) {
    const Row& row = rows_[id];
    SelectedSeries selected{SeriesId{id}, labels_of(row), std::nullopt, row.timed};
    if (row.home != UINT32_MAX) {
      selected.home = TargetId{row.home};
      if (!more_homes_.empty()) {
        if (const auto more = more_homes_.find(id); more != more_homes_.end()) {
          for (const TargetId target : more->second) {
            out.more_homes.emplace_back(out.series.size(), target);
          }
        }
      }
    }
    out.series.push_back(std::move(selected));
  }
  return out;
}

std::vector<std::string> SeriesTable::label_names(std::span<const Matcher> matchers) const {
  ReaderLock lock(mutex_);
  std::vector<bool> present(symbols_.size());
  if (matchers.empty()) {
    for (const Pair& pair : pairs_) present[pair.name] = present[pair.name] || !pair.series.empty();
  } else {
    for (const uint32_t id : resolve(matchers)) {
      for (const uint32_t pair : pairs_of(rows_[id])) present[pairs_[pair].name] = true;
    }
  }
  std::vector<std::string> names;
  for (uint32_t symbol = 0; symbol < present.size(); ++symbol) {
    if (present[symbol]) names.emplace_back(symbols_.text(symbol));
  }
  std::ranges::sort(names);
  return names;
}

std::vector<std::string> SeriesTable::label_values(std::string_view name,
                                                   std::span<const Matcher> matchers) const {
  ReaderLock lock(mutex_);
  std::vector<std::string> values;
  const auto* pairs = pairs_named(name);
  if (pairs == nullptr) return values;
  const Postings selected = matchers.empty() ? Postings{} : resolve(matchers);
  for (const uint32_t id : *pairs) {
    const Pair& pair = pairs_[id];
    if (pair.series.empty()) continue;
    if (!matchers.empty() && intersect(pair.series, selected).empty()) continue;
    values.emplace_back(symbols_.text(pair.value));
  }
  std::ranges::sort(values);
  return values;
}

Cardinality SeriesTable::cardinality(size_t limit) const {
  ReaderLock lock(mutex_);
  Cardinality out;
  for (const auto& [name, pairs] : pairs_by_name_) {
    uint64_t values = 0;
    uint64_t bytes = 0;
    const std::string_view name_text = symbols_.text(name);
    for (const uint32_t id : pairs) {
      const Pair& pair = pairs_[id];
      if (pair.series.empty()) continue;
      const std::string_view value = symbols_.text(pair.value);
      ++values;
      bytes += value.size();
      if (name_text == kMetricName) {
        out.series_by_metric.push_back({std::string(value), pair.series.size()});
      }
      out.series_by_pair.push_back({fmt::format("{}={}", name_text, value), pair.series.size()});
    }
    out.label_pairs += values;
    if (values == 0) continue;
    out.values_by_label.push_back({std::string(name_text), values});
    out.value_bytes_by_label.push_back({std::string(name_text), bytes});
  }
  out.series_by_metric = largest(std::move(out.series_by_metric), limit);
  out.values_by_label = largest(std::move(out.values_by_label), limit);
  out.value_bytes_by_label = largest(std::move(out.value_bytes_by_label), limit);
  out.series_by_pair = largest(std::move(out.series_by_pair), limit);
  return out;
}

}  // namespace strata::tsdb
