// Lines and fields of the kernel's text files, and their numbers with an error that says where.
// Views into the caller's text; nothing is copied.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace strata::collect {

/// while (lines.next()) use(lines.line()): without '\n'; the last line may lack it.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}
  bool next();
  std::string_view line() const { return line_; }

 private:
  std::string_view rest_;
  std::string_view line_;
};

/// Takes the next run of anything but spaces and tabs off the front; empty at the end.
std::string_view next_field(std::string_view& rest);

/// All fields of `line` (up to kMaxFields, the rest is ignored), replacing what `out` held.
inline constexpr size_t kMaxFields = 4096;
void split_fields(std::string_view line, std::vector<std::string_view>& out);

/// Without spaces, tabs and line ends at either end.
std::string_view trim(std::string_view text);

/// What stands before and after the first `separator`; all of `text` and nothing without one.
std::pair<std::string_view, std::string_view> cut(std::string_view text, char separator);

/// kBadData "<where>: not a number: <text>". Hexadecimal is without 0x.
Result<double> to_double(std::string_view text, std::string_view where);
Result<uint64_t> to_uint(std::string_view text, std::string_view where);
Result<uint64_t> to_uint_hex(std::string_view text, std::string_view where);
std::optional<uint64_t> parse_hex(std::string_view text);

/// kBadData "<where>: <what>": the error of a file that does not look as the kernel writes it.
std::unexpected<Error> malformed(std::string_view where, std::string_view what);

/// `text` with '_' for every character that a metric name cannot have.
std::string metric_name_part(std::string_view text);

std::string lower_case(std::string_view text);

}  // namespace strata::collect
