#include "model/labels.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/hash.h"
#include "base/json.h"

namespace strata {
namespace {

void append_text(std::string& out, std::string_view text) {
  if (text.size() < 0xff) {
    out += static_cast<char>(text.size());
  } else {
    out += '\xff';
    const auto size = static_cast<uint32_t>(text.size());
    char bytes[4];
    std::memcpy(bytes, &size, 4);
    out.append(bytes, 4);
  }
  out.append(text);
}

const char* read_text(const char* at, std::string_view* text) {
  size_t size = static_cast<unsigned char>(*at++);
  if (size == 0xff) {
    uint32_t wide;
    std::memcpy(&wide, at, 4);
    size = wide;
    at += 4;
  }
  *text = {at, size};
  return at + size;
}

bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// PromQL's string escapes are Go's, which JSON's agree with for valid UTF-8.
void append_quoted(std::string& out, std::string_view text) { append_json_string(out, text); }

}  // namespace

void Labels::Iterator::read() {
  if (at_ == end_) return;
  next_ = read_text(read_text(at_, &label_.name), &label_.value);
}

Labels::Labels(std::initializer_list<Label> labels) : Labels(from(std::vector(labels))) {}

Labels Labels::from(std::vector<Label> labels) {
  std::ranges::stable_sort(labels, {}, &Label::name);
  // Of equal names keep the last.
  size_t kept = 0;
  for (size_t i = 0; i < labels.size(); ++i) {
    if (i + 1 < labels.size() && labels[i + 1].name == labels[i].name) continue;
    if (!labels[i].value.empty()) labels[kept++] = labels[i];
  }
  labels.resize(kept);
  return from_sorted(labels);
}

Labels Labels::from_sorted(const std::vector<Label>& sorted) {
  Labels labels;
  size_t size = 0;
  for (const auto& [name, value] : sorted) size += name.size() + value.size() + 10;
  labels.bytes_.reserve(size);
  for (const auto& [name, value] : sorted) {
    append_text(labels.bytes_, name);
    append_text(labels.bytes_, value);
  }
  return labels;
}

Labels Labels::from_bytes(std::string bytes) {
  Labels labels;
  labels.bytes_ = std::move(bytes);
  return labels;
}

size_t Labels::size() const { return static_cast<size_t>(std::distance(begin(), end())); }

std::string_view Labels::get(std::string_view name) const {
  for (const auto& label : *this) {
    if (label.name == name) return label.value;
  }
  return {};
}

uint64_t Labels::hash() const { return hash64(bytes_); }

std::strong_ordering operator<=>(const Labels& a, const Labels& b) {
  auto x = a.begin();
  auto y = b.begin();
  for (; x != a.end() && y != b.end(); ++x, ++y) {
    if (const auto order = x->name <=> y->name; order != 0) return order;
    if (const auto order = x->value <=> y->value; order != 0) return order;
  }
  if (x == a.end() && y == b.end()) return std::strong_ordering::equal;
  return x == a.end() ? std::strong_ordering::less : std::strong_ordering::greater;
}

namespace {

// name="value", after a comma when there is something before it.
void append_pair(std::string& out, const Label& label) {
  if (!out.empty()) out += ", ";
  if (is_classic_label_name(label.name)) {
    out.append(label.name);
  } else {
    append_quoted(out, label.name);
  }
  out += '=';
  append_quoted(out, label.value);
}

}  // namespace

std::string Labels::in_braces() const {
  std::string inside;
  for (const auto& label : *this) append_pair(inside, label);
  return "{" + inside + "}";
}

std::string Labels::to_string() const {
  std::string out;
  const std::string_view metric = metric_name();
  const bool bare = is_classic_metric_name(metric);
  if (bare) out.append(metric);
  std::string inside;
  if (!bare && !metric.empty()) append_quoted(inside, metric);
  for (const auto& label : *this) {
    if (label.name != kMetricName) append_pair(inside, label);
  }
  if (!inside.empty() || out.empty()) out.append("{").append(inside).append("}");
  return out;
}

void LabelsBuilder::reset(const Labels& base) {
  labels_.clear();
  for (const auto& label : base) labels_.emplace_back(label.name, label.value);
}

LabelsBuilder& LabelsBuilder::set(std::string_view name, std::string_view value) {
  if (value.empty()) return remove(name);
  for (auto& label : labels_) {
    if (label.first == name) {
      label.second.assign(value);
      return *this;
    }
  }
  labels_.emplace_back(name, value);
  return *this;
}

LabelsBuilder& LabelsBuilder::remove(std::string_view name) {
  std::erase_if(labels_, [&](const auto& label) { return label.first == name; });
  return *this;
}

LabelsBuilder& LabelsBuilder::keep(const std::vector<std::string>& names) {
  std::erase_if(labels_, [&](const auto& label) {
    return std::ranges::find(names, label.first) == names.end();
  });
  return *this;
}

std::string_view LabelsBuilder::get(std::string_view name) const {
  for (const auto& label : labels_) {
    if (label.first == name) return label.second;
  }
  return {};
}

Labels LabelsBuilder::build() const {
  std::vector<Label> labels;
  labels.reserve(labels_.size());
  for (const auto& [name, value] : labels_) labels.push_back({name, value});
  return Labels::from(std::move(labels));
}

bool is_classic_label_name(std::string_view name) {
  return !name.empty() && is_alpha(name[0]) &&
         std::ranges::all_of(name, [](char c) { return is_alpha(c) || is_digit(c); });
}

bool is_classic_metric_name(std::string_view name) {
  return !name.empty() && (is_alpha(name[0]) || name[0] == ':') &&
         std::ranges::all_of(name, [](char c) { return is_alpha(c) || is_digit(c) || c == ':'; });
}

}  // namespace strata
