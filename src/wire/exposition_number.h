// Numbers of the exposition formats: values, timestamps, and floats spelt as Go spells them.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "model/sample.h"

namespace strata::wire {

/// Reads a decimal number at `p` when it is short enough to be exact in one operation (at most 2^53
/// without its point, times or by a power of ten up to 22): nearly all there are. Returns the byte
/// after it, or null: then the word must go to parse_value(). It may stop before the word ends.
const char* scan_short_decimal(const char* p, const char* end, double* value);

/// All of `word` as a value: Go's ParseFloat less hexadecimal, as in Prometheus. Any NaN becomes
/// kNormalNanBits; too large a magnitude an infinity.
std::optional<double> parse_value(std::string_view word);

/// All of `word`, decimal seconds with any number of digits, point and exponent, as milliseconds;
/// a fraction of one is cut off. Exact; saturates. Empty when it is not such a number (NaN and Inf
/// are not).
std::optional<TimestampMs> parse_seconds(std::string_view word);

/// The fewest digits that read back, with an exponent below 1e-4 and from 1e6 on: 123456, 1e+06,
/// 2.478268416e+09. Go's strconv 'g', which its metrics client prints.
void append_go_float(std::string& out, double value);

/// The same, and ".0" where that is neither a fraction nor has an exponent.
void append_open_metrics_float(std::string& out, double value);

}  // namespace strata::wire
