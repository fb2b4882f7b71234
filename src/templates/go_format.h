// Values as text, as Go's fmt prints them.
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "templates/value.h"

namespace strata::templates {

/// %v: "map[a:1 b:2]", "1e+06", "+Inf", "<nil>".
void append_text(std::string& out, const Value& value);
std::string text_of(const Value& value);

/// Go's FormatFloat(value, 'g', -1, 64): the shortest digits that read back, with an exponent below
/// 1e-4 and from 1e+06 on; "NaN", "+Inf".
void append_float(std::string& out, double value);

/// fmt.Sprintf, also where the format and the arguments do not fit: "%!d(string=x)".
/// `max_output` bounds what widths and precisions may ask for.
std::string sprintf(std::string_view format, std::span<const Value> arguments,
                    size_t max_output = 1 << 20);

/// fmt.Sprint: blanks between operands when neither is text.
std::string sprint(std::span<const Value> arguments);
/// fmt.Sprintln.
std::string sprintln(std::span<const Value> arguments);

}  // namespace strata::templates
