// Writing JSON, streamed into a string. Reading it is wire/'s.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace strata {

/// Appends `text` as a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD, as Go's
/// encoder does; '<', '>' and '&' are left alone.
void append_json_string(std::string& out, std::string_view text);

/// Appends to a string that the caller owns, so that a handler can send it in pieces. Commas are
/// its business; balance of begin and end is the caller's (checked in debug builds).
class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  JsonWriter& begin_object();
  JsonWriter& end_object();
  JsonWriter& begin_array();
  JsonWriter& end_array();
  JsonWriter& key(std::string_view name);
  JsonWriter& string(std::string_view value);
  JsonWriter& integer(int64_t value);
  JsonWriter& number(double value);  // NaN and infinities become null
  JsonWriter& boolean(bool value);
  JsonWriter& null();
  /// `json` is written as it is: a value made elsewhere.
  JsonWriter& raw(std::string_view json);

 private:
  void before_value();

  std::string& out_;
  std::vector<bool> has_items_;  // one a level
  bool after_key_ = false;
};

}  // namespace strata
