// The header fields of a message (RFC 9110, section 5), in the order they came.
//
// Names and values lie one after another in a single string, so that a message costs two
// allocations however many fields it has, and none when the object is used again after clear().
// A value type; not thread-safe. Bounded by whoever fills it: the server and client stop reading at
// their max_header_bytes.
#pragma once
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::net {

/// Whether two texts are the same but for the case of ASCII letters.
bool equals_ignoring_case(std::string_view a, std::string_view b);

class Headers {
 public:
  struct Field {
    std::string_view name;
    std::string_view value;
  };
  class Iterator {
   public:
    Iterator(const Headers& headers, size_t at) : headers_(&headers), at_(at) {}
    Field operator*() const { return (*headers_)[at_]; }
    Iterator& operator++() { return ++at_, *this; }
    bool operator==(const Iterator& other) const { return at_ == other.at_; }

   private:
    const Headers* headers_;
    size_t at_;
  };

  Headers() = default;
  Headers(std::initializer_list<std::pair<std::string_view, std::string_view>> fields);

  /// The first value of that name. The view lives until the next change.
  std::optional<std::string_view> get(std::string_view name) const;
  /// The same, or "" when there is none.
  std::string_view value(std::string_view name) const { return get(name).value_or(""); }
  bool contains(std::string_view name) const { return get(name).has_value(); }
  /// Whether any field of that name has `token` in its comma-separated list, ignoring case.
  bool has_token(std::string_view name, std::string_view token) const;

  void add(std::string_view name, std::string_view value);
  /// In place of all fields of that name.
  void set(std::string_view name, std::string_view value);
  /// How many were removed.
  size_t remove(std::string_view name);
  void clear();

  size_t size() const { return fields_.size(); }
  bool empty() const { return fields_.empty(); }
  Field operator[](size_t i) const;
  Iterator begin() const { return {*this, 0}; }
  Iterator end() const { return {*this, fields_.size()}; }

 private:
  struct Place {
    uint32_t at;
    uint32_t name_size;
    uint32_t value_size;
  };
  std::string text_;
  std::vector<Place> fields_;
};

/// A name is an RFC 9110 token; a value has no control characters but tab. What a caller sends
/// must be both, or a line break in it would end the header (response splitting).
bool is_header_name(std::string_view text);
bool is_header_value(std::string_view text);

}  // namespace strata::net
