#include <algorithm>
#include <bit>

#include "tsdb/block_state.h"

namespace strata::tsdb {
namespace {

// Series as a bitmap, for the union of any number of lists.
class SeriesBits {
 public:
  explicit SeriesBits(uint32_t count) : words_((size_t{count} + 63) / 64) {}
  void add(PostingsView ids) {
    for (const uint32_t id : ids) words_[id / 64] |= uint64_t{1} << (id % 64);
  }
  Postings ids() const {
    Postings out;
    for (size_t w = 0; w < words_.size(); ++w) {
      for (uint64_t left = words_[w]; left != 0; left &= left - 1) {
        out.push_back(static_cast<uint32_t>(w * 64 + static_cast<size_t>(std::countr_zero(left))));
      }
    }
    return out;
  }

 private:
  std::vector<uint64_t> words_;
};

Postings all_series(uint32_t count) {
  Postings out(count);
  for (uint32_t i = 0; i < count; ++i) out[i] = i;
  return out;
}

// The series whose value of the matcher's label is one that it matches (`wanted`), or is not.
Result<Postings> with_value(const IndexView& index, const Matcher& matcher, bool wanted) {
  Postings out;
  const auto name = index.find_name(matcher.name());
  if (!name) return out;
  const bool by_text =
      matcher.op() == Matcher::Op::kEqual || matcher.op() == Matcher::Op::kNotEqual;
  if (by_text && (matcher.op() == Matcher::Op::kEqual) == wanted) {
    const auto value = index.find_value(*name, matcher.value());
    if (value) TRY(index.postings(*value, out));
    return out;
  }
  std::vector<uint32_t> values;
  for (uint32_t v = name->first_value; v < name->first_value + name->values; ++v) {
    if (matcher.matches(index.symbol(index.value(v).symbol)) == wanted) values.push_back(v);
  }
  if (values.size() == 1) {
    TRY(index.postings(values[0], out));
    return out;
  }
  SeriesBits bits(index.series_count());
  Postings list;
  for (const uint32_t value : values) {
    list.clear();
    TRY(index.postings(value, list));
    bits.add(list);
  }
  return bits.ids();
}

// Matchers that the empty value satisfies select also the series without the label: for those it is
// the others that are looked up, and taken away.
Result<Postings> select_series(const IndexView& index, std::span<const Matcher> matchers) {
  std::vector<const Matcher*> order;
  for (const auto& matcher : matchers) order.push_back(&matcher);
  // Cheap and narrow first: an equality, then patterns, then what only takes away.
  std::ranges::stable_sort(order, {}, [](const Matcher* m) {
    return std::pair(m->matches_empty(), m->op() != Matcher::Op::kEqual);
  });
  std::optional<Postings> found;
  for (const Matcher* matcher : order) {
    if (found && found->empty()) break;
    if (matcher->matches_empty()) {
      if (!found) found = all_series(index.series_count());
      found = subtract(*found, TRY(with_value(index, *matcher, false)));
    } else {
      auto selected = TRY(with_value(index, *matcher, true));
      found = found ? intersect(*found, selected) : std::move(selected);
    }
  }
  return found ? *std::move(found) : all_series(index.series_count());
}

}  // namespace

Result<std::vector<uint32_t>> BlockReader::select(std::span<const Matcher> matchers) const {
  auto found = select_series(state_->index, matchers);
  if (!found) return std::unexpected(state_->in_index(found.error()));
  return found;
}

Result<std::vector<std::string>> BlockReader::label_names(std::span<const Matcher> matchers) const {
  const auto& index = state_->index;
  std::vector<bool> seen(index.name_count(), matchers.empty());
  std::vector<IndexView::SeriesLabel> labels;
  if (!matchers.empty()) {
    for (const uint32_t series : TRY(select(matchers))) {
      if (auto read = index.series_labels(series, labels); !read) {
        return std::unexpected(state_->in_index(read.error()));
      }
      for (const auto& label : labels) seen[label.name] = true;
    }
  }
  std::vector<std::string> out;
  for (uint32_t i = 0; i < index.name_count(); ++i) {
    if (seen[i]) out.emplace_back(index.symbol(index.name(i).symbol));
  }
  return out;
}

Result<std::vector<std::string>> BlockReader::label_values(
    std::string_view label, std::span<const Matcher> matchers) const {
  const auto& index = state_->index;
  const auto name = index.find_name(label);
  std::vector<std::string> out;
  if (!name) return out;
  std::vector<bool> seen(name->values, matchers.empty());
  std::vector<IndexView::SeriesLabel> labels;
  if (!matchers.empty()) {
    for (const uint32_t series : TRY(select(matchers))) {
      if (auto read = index.series_labels(series, labels); !read) {
        return std::unexpected(state_->in_index(read.error()));
      }
      for (const auto& [row, value] : labels) {
        const uint32_t nth = value - name->first_value;
        if (value >= name->first_value && nth < name->values) seen[nth] = true;
      }
    }
  }
  for (uint32_t nth = 0; nth < name->values; ++nth) {
    if (seen[nth]) out.emplace_back(index.symbol(index.value(name->first_value + nth).symbol));
  }
  return out;
}

}  // namespace strata::tsdb
