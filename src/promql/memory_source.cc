#include "promql/memory_source.h"

#include <algorithm>
#include <set>
#include <string>

namespace strata::promql {
namespace {

class MemorySet final : public SeriesSet {
 public:
  struct Entry {
    const Labels* labels;
    std::shared_ptr<const SampleColumns> samples;
  };
  explicit MemorySet(std::vector<Entry> entries) : entries_(std::move(entries)) {}

  size_t size() const override { return entries_.size(); }
  const Labels& labels(size_t i) const override { return *entries_[i].labels; }

  Result<> read(size_t i, TimeRange range, SampleColumns& out) const override {
    const SampleColumns& all = *entries_[i].samples;
    const auto [begin, end] = bounds(all, range);
    const auto copy = [&](const auto& from, auto& to) {
      if (from.empty()) return to.clear();
      to.assign(from.begin() + begin, from.begin() + end);
    };
    copy(all.t, out.t), copy(all.v, out.v), copy(all.h, out.h), copy(all.st, out.st);
    return {};
  }

  Result<bool> read_last(size_t i, TimeRange range, Sample& out, HistogramPtr& h) const override {
    const SampleColumns& all = *entries_[i].samples;
    const auto [begin, end] = bounds(all, range);
    if (begin == end) return false;
    const auto last = static_cast<size_t>(end - 1);
    out = {all.t[last], all.v[last]};
    h = all.h.empty() ? nullptr : all.h[last];
    return true;
  }

 private:
  static std::pair<std::ptrdiff_t, std::ptrdiff_t> bounds(const SampleColumns& all,
                                                          TimeRange range) {
    const auto begin = std::ranges::lower_bound(all.t, range.min) - all.t.begin();
    const auto end = std::ranges::upper_bound(all.t, range.max) - all.t.begin();
    return {begin, std::max(begin, end)};
  }

  const std::vector<Entry> entries_;
};

bool all_match(std::span<const Matcher> matchers, const Labels& labels) {
  return std::ranges::all_of(matchers, [&](const Matcher& m) { return m.matches(labels); });
}

}  // namespace

void MemorySource::add(const Labels& labels, const SampleColumns& samples) {
  auto& all = series_[labels];
  if (!all) all = std::make_shared<SampleColumns>();
  const size_t before = all->size();
  all->t.insert(all->t.end(), samples.t.begin(), samples.t.end());
  all->v.insert(all->v.end(), samples.v.begin(), samples.v.end());
  const auto append_optional = [&](const auto& from, auto& to) {
    if (from.empty() && to.empty()) return;
    to.resize(before);
    to.insert(to.end(), from.begin(), from.end());
    to.resize(all->size());
  };
  append_optional(samples.h, all->h);
  append_optional(samples.st, all->st);
}

Result<std::unique_ptr<SeriesSet>> MemorySource::select(std::span<const Matcher> matchers,
                                                        TimeRange, size_t limit) const {
  std::vector<MemorySet::Entry> found;
  for (const auto& [labels, samples] : series_) {
    if (!all_match(matchers, labels)) continue;
    if (limit != 0 && found.size() == limit) {
      return fail(ErrorCode::kLimit, fmt::format("more than {} series are selected", limit));
    }
    found.push_back({&labels, samples});
  }
  return std::make_unique<MemorySet>(std::move(found));
}

Result<std::vector<std::string>> MemorySource::label_names(std::span<const Matcher> matchers,
                                                           TimeRange) const {
  std::set<std::string, std::less<>> names;
  for (const auto& entry : series_) {
    if (!all_match(matchers, entry.first)) continue;
    for (const Label& label : entry.first) names.emplace(label.name);
  }
  return std::vector<std::string>(names.begin(), names.end());
}

Result<std::vector<std::string>> MemorySource::label_values(std::string_view name,
                                                            std::span<const Matcher> matchers,
                                                            TimeRange) const {
  std::set<std::string, std::less<>> values;
  for (const auto& entry : series_) {
    if (all_match(matchers, entry.first) && entry.first.has(name)) {
      values.emplace(entry.first.get(name));
    }
  }
  return std::vector<std::string>(values.begin(), values.end());
}

}  // namespace strata::promql
