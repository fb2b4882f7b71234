#include "collect/families.h"

#include <algorithm>

#include "base/check.h"
#include "base/utf8.h"
#include "collect/fields.h"

namespace strata::collect {
namespace {

// Dynamic names come and go (a hot-plugged sensor); this is far above what a machine has.
constexpr size_t kMaxKnownNames = 20'000;

// Each byte that is not part of a character becomes U+FFFD.
std::string repair_utf8(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t length = utf8_sequence_length(text);
    out.append(length == 0 ? std::string_view("\xEF\xBF\xBD") : text.substr(0, length));
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return out;
}

}  // namespace

void Families::begin(std::vector<MetricFamily>& out) {
  out_ = &out;
  first_ = out.size();
  ++collection_;
  samples_ = 0;
  overflowed_ = false;
  if (slots_.size() > kMaxKnownNames) slots_.clear();
}

void Families::finish() {
  const auto begin = out_->begin() + static_cast<std::ptrdiff_t>(first_);
  out_->erase(
      std::remove_if(begin, out_->end(), [](const MetricFamily& f) { return f.samples.empty(); }),
      out_->end());
  out_ = nullptr;
}

Families::Handle Families::family(std::string_view name, MetricType type, std::string_view help) {
  DCHECK(out_ != nullptr);
  if (!is_classic_metric_name(name)) {
    std::string valid = metric_name_part(name);
    if (valid.empty() || (valid[0] >= '0' && valid[0] <= '9')) valid.insert(0, "_");
    return family(valid, type, help);
  }
  auto found = slots_.find(name);
  if (found == slots_.end()) found = slots_.emplace(name, Slot{}).first;
  Slot& slot = found->second;
  if (slot.collection != collection_) {
    slot = {collection_, out_->size()};
    out_->push_back({std::string(name), type, std::string(help), {}});
  }
  return {this, slot.index};
}

void Families::Handle::add(double value, std::initializer_list<Label> labels) const {
  families_->scratch_.assign(labels);
  families_->push(index_, {}, value);
}

void Families::Handle::add(double value, const std::vector<Label>& labels) const {
  families_->scratch_.assign(labels.begin(), labels.end());
  families_->push(index_, {}, value);
}

void Families::add_with_suffix(Handle family, std::string_view suffix, double value,
                               const std::vector<Label>& labels) {
  scratch_.assign(labels.begin(), labels.end());
  push(family.index_, suffix, value);
}

void Families::push(size_t index, std::string_view suffix, double value) {
  if (samples_ == kMaxSamples) {
    overflowed_ = true;
    return;
  }
  ++samples_;
  repaired_.clear();
  repaired_.reserve(scratch_.size());  // views into it must stay
  for (Label& label : scratch_) {
    if (!is_utf8(label.value)) label.value = repaired_.emplace_back(repair_utf8(label.value));
  }
  std::erase_if(scratch_, [](const Label& label) { return label.value.empty(); });
  std::ranges::sort(scratch_, {}, &Label::name);
  (*out_)[index].samples.push_back({std::string(suffix), Labels::from_sorted(scratch_), value});
}

}  // namespace strata::collect
