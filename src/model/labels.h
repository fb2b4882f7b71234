// A series' identity: label names and values.
#pragma once
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata {

inline constexpr std::string_view kMetricName = "__name__";

struct Label {
  std::string_view name;
  std::string_view value;
  friend bool operator==(const Label&, const Label&) = default;
};

/// Immutable, sorted by name, no name twice, no empty value (an empty value is no label, as in
/// Prometheus). One string holds all: for each label, length and bytes of name and of value, a
/// length being one byte, or 0xff and four little-endian bytes from 255 on. So equality and hashing
/// are over bytes, and a copy is one allocation.
class Labels {
 public:
  class Iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = Label;
    using difference_type = std::ptrdiff_t;
    using pointer = const Label*;
    using reference = const Label&;

    Iterator() = default;
    explicit Iterator(const char* at, const char* end) : at_(at), end_(end) { read(); }
    const Label& operator*() const { return label_; }
    const Label* operator->() const { return &label_; }
    Iterator& operator++() {
      at_ = next_;
      read();
      return *this;
    }
    Iterator operator++(int) {
      Iterator old = *this;
      ++*this;
      return old;
    }
    friend bool operator==(const Iterator& a, const Iterator& b) { return a.at_ == b.at_; }

   private:
    void read();
    const char* at_ = nullptr;
    const char* end_ = nullptr;
    const char* next_ = nullptr;
    Label label_;
  };

  Labels() = default;
  /// In any order; of a repeated name the last value counts. Empty values are left out.
  Labels(std::initializer_list<Label> labels);
  static Labels from(std::vector<Label> labels);
  /// `sorted` is as the class comment says already: sorted, unique, no empty values.
  static Labels from_sorted(const std::vector<Label>& sorted);
  /// The inverse of bytes(); the caller vouches for them (they came from bytes()).
  static Labels from_bytes(std::string bytes);

  Iterator begin() const { return Iterator(bytes_.data(), bytes_.data() + bytes_.size()); }
  Iterator end() const {
    return Iterator(bytes_.data() + bytes_.size(), bytes_.data() + bytes_.size());
  }
  bool empty() const { return bytes_.empty(); }
  size_t size() const;

  /// Empty when there is no such label.
  std::string_view get(std::string_view name) const;
  bool has(std::string_view name) const { return !get(name).empty(); }
  std::string_view metric_name() const { return get(kMetricName); }

  uint64_t hash() const;
  const std::string& bytes() const { return bytes_; }

  /// `name{a="b",…}` as PromQL and Prometheus' messages print it; names that are not classic
  /// identifiers are quoted.
  std::string to_string() const;
  /// `{__name__="name", a="b"}`: how Prometheus prints series in some errors.
  std::string in_braces() const;

  friend bool operator==(const Labels&, const Labels&) = default;
  /// By name, then value, pairwise; a prefix is smaller: the order of the Prometheus API.
  friend std::strong_ordering operator<=>(const Labels& a, const Labels& b);

 private:
  std::string bytes_;
};

struct LabelsHash {
  size_t operator()(const Labels& labels) const { return labels.hash(); }
};

/// Changes labels one by one. Names and values are copied. Not thread-safe; reuse saves
/// allocations.
class LabelsBuilder {
 public:
  LabelsBuilder() = default;
  explicit LabelsBuilder(const Labels& base) { reset(base); }
  void reset(const Labels& base);
  void clear() { labels_.clear(); }

  /// An empty value removes the label.
  LabelsBuilder& set(std::string_view name, std::string_view value);
  LabelsBuilder& remove(std::string_view name);
  /// Removes all labels but these.
  LabelsBuilder& keep(const std::vector<std::string>& names);
  std::string_view get(std::string_view name) const;
  /// Unsorted.
  const std::vector<std::pair<std::string, std::string>>& labels() const { return labels_; }
  Labels build() const;

 private:
  std::vector<std::pair<std::string, std::string>> labels_;
};

/// [a-zA-Z_][a-zA-Z0-9_]*
bool is_classic_label_name(std::string_view name);
/// [a-zA-Z_:][a-zA-Z0-9_:]*
bool is_classic_metric_name(std::string_view name);

}  // namespace strata

template <>
struct std::hash<strata::Labels> {
  size_t operator()(const strata::Labels& labels) const noexcept { return labels.hash(); }
};
