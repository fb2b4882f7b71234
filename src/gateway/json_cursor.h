// Reads JSON that is whole in memory, front to back, without building anything: one asks for the
// members that one wants and skips the others. It does not validate what it skips (whoever the
// bytes are for does); bytes that make no sense where it looks make it fail(), and it stays there.
//
//   JsonCursor json(text);
//   if (json.enter_object())
//     while (const auto key = json.next_member()) {
//       if (*key == "usage") … json.skip_value() …; else json.skip_value();
//     }
//
// Reads `text`, which must outlive it and what it returned. Not thread-safe. Never recurses.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace strata::gateway {

class JsonCursor {
 public:
  explicit JsonCursor(std::string_view text)
      : at_(text.data()), end_(text.data() + text.size()), failed_(text.empty()) {}

  /// At a '{' or '[': goes inside. False, without moving, for any other value.
  bool enter_object() { return enter('{'); }
  bool enter_array() { return enter('['); }
  /// The next member's key as written between its quotes, with the cursor at its value, which must
  /// be skipped or entered and left before the next call. None after the last: outside again.
  std::optional<std::string_view> next_member();
  /// The same for an array's items.
  bool next_item();
  /// The value as written; empty when there is none.
  std::string_view skip_value();
  /// The first byte of the value to come; 0 at the end.
  char peek();
  bool failed() const { return failed_; }

 private:
  bool enter(char opening);
  void skip_space();
  bool skip_string();
  bool skip_container();
  std::nullopt_t fail() { return failed_ = true, std::nullopt; }

  const char* at_;
  const char* end_;
  bool first_ = false;  // no comma is due before the next member or item
  bool failed_ = false;
};

// What a value as written means.

/// A whole number of at least 0; a fraction of zeros is taken ("12.0").
std::optional<uint64_t> json_uint(std::string_view raw);
std::optional<bool> json_bool(std::string_view raw);
inline bool json_null(std::string_view raw) { return raw == "null"; }
/// The text of a string, escapes undone (a lone surrogate becomes U+FFFD); none when it is no
/// string.
std::optional<std::string> json_string(std::string_view raw);

}  // namespace strata::gateway
