// Numbers as text, as Go and Prometheus spell them.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace strata {

/// Appends the shortest text that reads back as `value`, without an exponent: what Prometheus'
/// JSON API prints (Go's strconv.FormatFloat(v, 'f', -1, 64)). "+Inf", "-Inf", "NaN".
void append_double(std::string& out, double value);
std::string format_double(double value);

/// Appends as the exposition formats and PromQL's printer do (Go's 'g', -1): an exponent when it is
/// below -4 or at least 21.
void append_double_g(std::string& out, double value);

/// All of `text` as a number in Go's ParseFloat syntax: decimal, hexadecimal float,
/// inf/infinity/nan in any case, with sign; no underscores, no spaces. A magnitude too large is
/// +-Inf, as the text formats want. Empty when it is not a number.
std::optional<double> parse_double(std::string_view text);

/// All of `text` as a decimal integer with optional '-' (signed only).
std::optional<int64_t> parse_int(std::string_view text);
std::optional<uint64_t> parse_uint(std::string_view text);

}  // namespace strata
